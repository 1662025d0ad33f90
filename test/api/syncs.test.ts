import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Api, createApi, itemsOf, type Json } from "./harness.ts";

let api: Api;
let connectionId: string;
beforeAll(async () => {
  api = await createApi();
  connectionId = await api.createConnection();
});
afterAll(() => api.close());

const create = (body: Json) => api.call("POST", "/syncs", { connectionId, name: "Orders", ...body });

async function createShop(): Promise<string> {
  const { body } = await api.call("POST", "/connections", {
    name: "shop",
    provider: "redo",
    config: { domain: "acme.example" },
    secrets: { token: "one" },
  });
  return body.id;
}

describe("a new sync", () => {
  it("needs a connection and a name, and answers 201 with its place and every default", async () => {
    const { status, headers, body } = await api.call("POST", "/syncs", { connectionId, name: "Acme Orders" });
    expect(status).toBe(201);
    expect(headers.get("location")).toBe(`/api/v1/syncs/${body.id}`);
    expect(body).toEqual({
      connectionId,
      createdAt: expect.stringMatching(/Z$/),
      createdBy: "user:local",
      destinationConfig: {},
      entities: [],
      executionBackend: "native",
      executionConfig: {},
      executionMode: "sequential",
      failedChains: 0,
      freshnessSlaSeconds: null,
      id: expect.any(String),
      lastError: null,
      lastSuccessAt: null,
      name: "Acme Orders",
      partialChains: 0,
      providerKey: "postgres",
      schedule: null,
      slug: "acme-orders",
      sourceConfig: {},
      status: "draft",
      tableBindings: [],
      taskSlug: `sync-acme-orders-${body.id.slice(0, 8)}`,
      triggerMode: "manual",
      updatedAt: body.createdAt,
      updatedBy: "user:local",
    });
    expect((await api.call("GET", `/syncs/${body.id}`)).body).toEqual(body);
  });

  it("keeps what it was given", async () => {
    const given = {
      destinationConfig: { provider: "postgres", schema: "raw" },
      entities: ["public.orders", "public.customers"],
      executionConfig: { maxConcurrency: 8, windowSize: "500000", failFast: true },
      executionMode: "fan_out_window",
      freshnessSlaSeconds: 3600,
      name: "Given",
      schedule: { cron: "0 3 * * *", timezone: "Europe/Berlin" },
      slug: `given-${randomUUID()}`,
    };
    expect((await create(given)).body).toMatchObject(given);
  });

  it("takes a window of rows as a number too", async () => {
    const { body } = await create({ executionConfig: { windowSize: 500_000 } });
    expect(body.executionConfig).toEqual({ windowSize: "500000" });
  });

  it("takes the catalog's default entities when none are given", async () => {
    const { body } = await api.call("POST", "/syncs", { connectionId: await createShop(), name: "Shop" });
    expect(body).toMatchObject({
      providerKey: "redo",
      entities: ["orders", "refunds"],
      sourceConfig: { sinceYear: 2020, resources: {} },
    });
    expect(body.tableBindings).toMatchObject([
      { entityKey: "orders", loadMode: "upsert", cursorField: "updated_at" },
      { entityKey: "refunds", loadMode: "append_event", physicalTableName: "redo__acme_example__refunds" },
    ]);
  });

  it("is refused whole, with every reason, where it does not fit its provider", async () => {
    const refused = await api.call("POST", "/syncs", {
      connectionId: await createShop(),
      name: "Shop",
      entities: ["orders", "planets"],
      sourceConfig: { sinceYear: 1999, colour: 1, resources: { orders: {} } },
      destinationConfig: { connectionId: randomUUID() },
    });
    expect(itemsOf(refused)).toEqual([
      '["body","sourceConfig","sinceYear"] greater_than_equal',
      '["body","sourceConfig","resources","orders","withLines"] missing',
      '["body","sourceConfig","colour"] extra_forbidden',
      '["body","entities",1] value_error',
      '["body","destinationConfig","connectionId"] value_error',
    ]);
  });

  it("is refused without a connection that exists", async () => {
    expect(itemsOf(await create({ connectionId: randomUUID() }))).toEqual(['["body","connectionId"] value_error']);
  });

  it("may be without entities only as a draft", async () => {
    expect(itemsOf(await create({ status: "paused", entities: [] }))).toEqual(['["body","entities"] value_error']);
    expect((await create({ status: "draft", entities: [] })).status).toBe(201);
  });
});

describe("a slug", () => {
  it("is derived from the name and counted on where it is taken, within 63 characters", async () => {
    const name = `Ünïque ${randomUUID()} ${"long ".repeat(20)}`;
    const slugs = [];
    for (let i = 0; i < 3; i++) slugs.push((await create({ name })).body.slug);
    expect(slugs[0]).toMatch(/^unique-.{56}$/);
    expect(slugs[1]).toMatch(/-2$/);
    expect(slugs[2]).toMatch(/-3$/);
    expect(slugs.every((slug) => slug.length <= 63)).toBe(true);
  });

  it("is given to one each of many who derive it at once", async () => {
    const name = `Race ${randomUUID()}`;
    const answers = await Promise.all(Array.from({ length: 10 }, () => create({ name })));
    expect(answers.map((answer) => answer.status)).toEqual(Array(10).fill(201));
    expect(new Set(answers.map((answer) => answer.body.slug)).size).toBe(10);
  });

  it("that is given and taken is 409, and free again when its sync is deleted", async () => {
    const slug = `given-${randomUUID()}`;
    const { body: first } = await create({ slug });
    const second = await create({ slug });
    expect([second.status, second.body.code, second.body.slug]).toEqual([409, "slug_taken", slug]);
    await api.call("DELETE", `/syncs/${first.id}`);
    expect((await create({ slug })).status).toBe(201);
  });
});

describe("table bindings", () => {
  it("name a table for every entity, by provider, instance and entity", async () => {
    const { body } = await create({ entities: ["public.orders", "Sales.Order Items"] });
    expect(body.tableBindings).toMatchObject([
      {
        entityKey: "public.orders",
        logicalTableName: "public_orders",
        physicalTableName: "postgres__db_example_com_shop__public_orders",
        sourceInstanceKey: "db.example.com/shop",
        tableName: null,
        tableNamingVersion: "v2",
        loadMode: "upsert",
        primaryKeyColumns: [],
        cursorField: null,
      },
      { entityKey: "Sales.Order Items", physicalTableName: "postgres__db_example_com_shop__sales_order_items" },
    ]);
  });

  it("take what the user says over what Sluice would", async () => {
    const tableBindings = [
      { entityKey: "a", tableName: "Orders" },
      { entityKey: "b", tableNamingVersion: "v1", loadMode: "replace", primaryKeyColumns: ["id"], cursorField: "at" },
      { entityKey: "c", tableNamingVersion: "legacy" },
    ];
    const { body } = await create({ entities: ["a", "b", "c"], tableBindings });
    expect(body.tableBindings).toMatchObject([
      { tableName: "Orders", physicalTableName: "Orders" },
      { physicalTableName: "postgres_b", loadMode: "replace", primaryKeyColumns: ["id"], cursorField: "at" },
      { physicalTableName: "c" },
    ]);
  });

  it("are refused for an entity that is not in the sync, or twice for one", async () => {
    const tableBindings = [{ entityKey: "a" }, { entityKey: "b" }, { entityKey: "a" }];
    expect(itemsOf(await create({ entities: ["a"], tableBindings }))).toEqual([
      '["body","tableBindings",1,"entityKey"] value_error',
      '["body","tableBindings",2,"entityKey"] value_error',
    ]);
  });

  it("are refused where two of a sync would share a table", async () => {
    expect(itemsOf(await create({ entities: ["a.b", "a_b"] }))).toEqual(['["body","entities",1] value_error']);
    const tableBindings = [
      { entityKey: "x", tableName: "t" },
      { entityKey: "y", tableName: "t" },
    ];
    expect(itemsOf(await create({ entities: ["x", "y"], tableBindings }))).toEqual([
      '["body","tableBindings",1] value_error',
    ]);
  });

  it("are refused for a table that another sync has loaded, in the same destination only", async () => {
    const tableBindings = [{ entityKey: "a", tableName: `t_${randomUUID()}` }];
    const { body: owner } = await create({ entities: ["a"], tableBindings });
    expect((await create({ entities: ["a"], tableBindings })).status).toBe(201);
    await api.db.updateTable("tableBindings").set({ frozenAt: new Date() }).where("syncId", "=", owner.id).execute();
    const refused = await create({ entities: ["a"], tableBindings });
    expect(itemsOf(refused)).toEqual(['["body","tableBindings",0] value_error']);
    expect(refused.body.detail[0].msg).toContain(owner.slug);
    const elsewhere = { entities: ["a"], tableBindings, destinationConfig: { schema: "elsewhere" } };
    expect((await create(elsewhere)).status).toBe(201);
  });
});

describe("the list of syncs", () => {
  it("is newest first, and filtered by text, status and provider", async () => {
    const mark = randomUUID();
    const made: Json[] = [];
    for (const [name, status] of [
      [`${mark} 50%`, "draft"],
      [`${mark} five_0`, "archived"],
      [`Other ${mark.toUpperCase()}`, "draft"],
    ]) {
      made.unshift((await create({ name, status, entities: ["a"] })).body);
    }
    const list = async (query: string) => (await api.call("GET", `/syncs?${query}`)).body;
    const ids = (page: Json) => page.syncs.map((sync: Json) => sync.id);
    expect((await list(`q=${mark}`)).syncs).toEqual(made);
    expect(ids(await list(`q=${encodeURIComponent(`${mark} 50%`)}`))).toEqual([made[2]?.id]);
    expect(ids(await list(`q=${mark}&status=archived`))).toEqual([made[1]?.id]);
    expect((await list(`q=${mark}&status=archived&status=draft&provider=postgres`)).total).toBe(3);
    expect((await list(`q=${mark}&provider=redo&provider=shopify`)).total).toBe(0);
    expect(ids(await list(`q=${made[0]?.slug}`))).toEqual([made[0]?.id]);
    expect(await list(`q=${mark}&limit=2`)).toMatchObject({ hasNext: true, limit: 2, offset: 0, total: 3 });
    expect(await list(`q=${mark}&limit=2&offset=2`)).toMatchObject({ hasNext: false, limit: 2, offset: 2, total: 3 });
  });
});

describe("deleting a sync", () => {
  it("is 204 with nothing in it, and 404 from then on", async () => {
    const { id } = await api.createSync();
    const deleted = await api.call("DELETE", `/syncs/${id}`);
    expect([deleted.status, deleted.body]).toEqual([204, {}]);
    expect((await api.call("DELETE", `/syncs/${id}`)).status).toBe(404);
    expect((await api.call("GET", `/syncs/${id}`)).status).toBe(404);
    expect((await api.call("PATCH", `/syncs/${id}`, { name: "x" })).status).toBe(404);
    expect((await api.call("GET", `/syncs/${id}/runs`)).status).toBe(404);
    expect((await api.call("POST", `/syncs/${id}/trigger`)).status).toBe(404);
    expect((await api.call("GET", `/syncs?q=${id}`)).body.total).toBe(0);
  });

  it("cancels its run, which stays readable", async () => {
    const { id } = await api.createSync();
    const { body: run } = await api.call("POST", `/syncs/${id}/trigger`);
    await api.call("DELETE", `/syncs/${id}`);
    expect((await api.call("GET", `/syncs/runs/${run.id}`)).body).toMatchObject({
      status: "cancelled",
      resultReasonCode: "cancelled_sync_inactive",
      cancelRequestedBy: "user:local",
    });
    expect((await api.call("POST", `/syncs/runs/${run.id}/retry`)).status).toBe(404);
  });
});
