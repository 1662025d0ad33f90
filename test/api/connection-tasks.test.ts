import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AppError } from "../../core/errors.ts";
import { getConnection } from "../support/connections.ts";
import { type Api, createApi, itemsOf, type Json, resolved } from "./harness.ts";

let api: Api;
let answerCheck: Api["control"]["answerCheck"];
beforeAll(async () => {
  api = await createApi();
  ({ answerCheck } = api.control);
});
beforeEach(() => {
  api.control.answerCheck = answerCheck;
  api.control.checked.length = 0;
});
afterAll(() => api.close());

const failedCheck = { name: "connect", ok: false, message: "Login refused.", fix: "Correct the password." };
const failing = async () => ({ ok: false, checks: [failedCheck], entities: [] });

describe("entities that cannot be read", () => {
  it("are all named, each where the request names it, and are no fault of the connection that others use too", async () => {
    const connectionId = await api.createConnection();
    const sound = { name: "connect", ok: true, message: "Connected.", fix: "" };
    const denied = (entityKey: string) => ({
      ...{ name: `read ${entityKey}`, ok: false, message: "Not allowed.", fix: "Grant select.", entityKey },
    });
    const entities = ["public.orders", "public.good", "public.items"];
    api.control.answerCheck = async () => ({
      ...{ ok: false, checks: [sound], entityChecks: [denied("public.orders"), denied("public.items")] },
      entities: entities.map((entityKey) => resolved(entityKey)),
    });
    const body = { connectionId, name: "orders", entities, status: "active" };
    const refused = await api.call("POST", "/syncs", body);
    expect(refused.body.detail).toEqual([
      { loc: ["body", "entities", 0], msg: "Not allowed. Grant select.", type: "value_error" },
      { loc: ["body", "entities", 2], msg: "Not allowed. Grant select.", type: "value_error" },
    ]);
    const { body: connection } = await api.call("GET", `/connections/${connectionId}`);
    expect(connection).toMatchObject({ status: "ok", checks: [sound] });
  });
});

describe("the catalog of a connection", () => {
  const keys = (body: Json) => body.entities.map((entity: Json) => entity.entityKey);
  const giving = (...found: string[]) => {
    api.control.answerCheck = async () => ({
      ok: true,
      checks: [],
      entities: found.map((key) => resolved(key, { estimatedRows: 7 })),
    });
  };

  it("is what the source has now, by key, searched and paged", async () => {
    const id = await api.createConnection();
    giving("public.b", "public.a", "sales.a%", "Public.C");
    const { status, body } = await api.call("GET", `/connections/${id}/catalog`);
    expect([status, body.total, body.hasNext]).toEqual([200, 4, false]);
    expect(keys(body)).toEqual(["Public.C", "public.a", "public.b", "sales.a%"]);
    expect(body.entities[1]).toEqual({
      entityKey: "public.a",
      displayName: "public.a",
      description: "",
      columns: [{ name: "id", type: "bigint", nullable: false }],
      primaryKeyColumns: ["id"],
      cursorColumns: ["updated_at"],
      cursorFields: ["updated_at"],
      loadMode: "upsert",
      dependsOn: [],
      slicing: { by: "none" },
      sizeClass: "m",
      estimatedRows: 7,
    });
    const page = async (query: string) => (await api.call("GET", `/connections/${id}/catalog?${query}`)).body;
    expect(await page("limit=2&offset=1")).toMatchObject({ total: 4, hasNext: true, limit: 2, offset: 1 });
    expect(keys(await page("limit=2&offset=1"))).toEqual(["public.a", "public.b"]);
    expect(keys(await page("q=PUBLIC"))).toEqual(["Public.C", "public.a", "public.b"]);
    expect(keys(await page("q=a%25"))).toEqual(["sales.a%"]);
    expect(await page("q=%00")).toMatchObject({ total: 0, entities: [] });
    expect(await page("offset=9007199254740991")).toMatchObject({ total: 4, entities: [] });
  });

  it("asks the source once for all its pages, again after a minute, on demand, and after an edit", async () => {
    const id = await api.createConnection();
    const asked = async (query = "") => {
      const before = api.control.checked.length;
      expect((await api.call("GET", `/connections/${id}/catalog${query}`)).status).toBe(200);
      return api.control.checked.length - before;
    };
    expect(await asked()).toBe(1);
    expect(await asked("?offset=1")).toBe(0);
    expect(await asked("?refresh=true")).toBe(1);
    await api.call("PATCH", `/connections/${id}`, { name: "renamed" });
    expect(await asked()).toBe(0);
    await api.call("PATCH", `/connections/${id}`, { secrets: { password: "another" } });
    expect(await asked()).toBe(1);
    await api.db
      .updateTable("connectionTasks")
      .set({ completedAt: new Date(Date.now() - 61_000) })
      .where("connectionId", "=", id)
      .execute();
    expect(await asked()).toBe(1);
    expect(api.control.checked.at(-1)).toMatchObject({ entities: null, sourceConfig: {} });
  });

  it("keeps no discovery longer than it is of use", async () => {
    const id = await api.createConnection();
    const discover = () => api.call("GET", `/connections/${id}/catalog?refresh=true`);
    for (let turn = 0; turn < 2; turn++) expect((await discover()).status).toBe(200);
    await sql`update connection_tasks set created_at = now() - interval '11 min' where connection_id = ${id}`.execute(
      api.db,
    );
    expect((await discover()).status).toBe(200);
    const kept = await api.db.selectFrom("connectionTasks").select("id").where("connectionId", "=", id).execute();
    expect(kept).toHaveLength(1);
  });

  it("is 409 with what the check found when the connection does not work, and the connection says so too", async () => {
    const id = await api.createConnection();
    api.control.answerCheck = failing;
    const { status, body } = await api.call("GET", `/connections/${id}/catalog`);
    expect([status, body.code, body.checks]).toEqual([409, "connection_failed", [failedCheck]]);
    expect((await api.call("GET", `/connections/${id}`)).body.status).toBe("failed");
    giving("public.a");
    expect((await api.call("GET", `/connections/${id}/catalog`)).status).toBe(200);
  });

  it.each([
    ["no_worker", 503],
    ["check_timeout", 504],
  ] as const)("that cannot be had is %s", async (code, expected) => {
    const id = await api.createConnection();
    api.control.answerCheck = () => Promise.reject(new AppError(code, "No worker took it."));
    expect((await api.call("GET", `/connections/${id}/catalog`)).status).toBe(expected);
  });

  it("of no connection is 404, and a word that is no flag 422", async () => {
    expect((await api.call("GET", "/connections/0d4a5b1c-1111-4222-8333-444455556666/catalog?q=%00")).status).toBe(404);
    const refused = await api.call("GET", `/connections/${await api.createConnection()}/catalog?refresh=perhaps`);
    expect(itemsOf(refused)).toEqual(['["query","refresh"] bool_type']);
  });
});

describe("the usage of a connection", () => {
  it("names the syncs that read from it or load into it, with their last run", async () => {
    const id = await api.createConnection();
    const both = await api.createSync({ connectionId: id, destinationConfig: { connectionId: id } });
    const reads = await api.createSync({ connectionId: id, entities: ["public.a"] });
    const gone = await api.createSync({ connectionId: id, entities: ["public.b"] });
    const loads = await api.createSync({ destinationConfig: { connectionId: id, schema: "elsewhere" } });
    await api.createSync();
    await api.call("DELETE", `/syncs/${gone.id}`);
    const run = (await api.call("POST", `/syncs/${reads.id}/trigger`)).body;

    const { status, body } = await api.call("GET", `/connections/${id}/usage`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ total: 3, hasNext: false });
    expect(body.syncs.map(({ id: syncId, roles, runCount }: Json) => [syncId, roles, runCount])).toEqual([
      [loads.id, ["destination"], 0],
      [reads.id, ["source"], 1],
      [both.id, ["source", "destination"], 0],
    ]);
    expect(body.syncs[1].lastRun).toEqual({ id: run.id, status: run.status, createdAt: run.createdAt });
    expect(body.syncs[0].lastRun).toBeNull();
    const second = (await api.call("GET", `/connections/${id}/usage?limit=1&offset=1`)).body;
    expect([second.syncs[0].id, second.hasNext]).toEqual([reads.id, true]);
    expect((await api.call("GET", "/connections/0d4a5b1c-1111-4222-8333-444455556666/usage")).status).toBe(404);
  });
});

describe("a rotation of secrets", () => {
  const rotate = (id: string, secrets: Json) => api.call("POST", `/connections/${id}/rotate`, { secrets });

  async function createShop(): Promise<string> {
    const made = await api.call("POST", "/connections", {
      name: "shop",
      provider: "redo",
      config: { domain: "a.example" },
      secrets: { token: "old-token", webhookKey: "old-key" },
    });
    return made.body.id;
  }

  it("lets a worker try the new ones, which then replace those of the same name", async () => {
    const id = await createShop();
    const before = await getConnection(api, id);
    let during: Awaited<ReturnType<typeof getConnection>> | null = null;
    api.control.answerCheck = async () => {
      during = await getConnection(api, id);
      return { ok: true, checks: [{ ...failedCheck, ok: true, fix: "" }], entities: [] };
    };
    const { status, body } = await rotate(id, { token: "new-token" });
    expect([status, body.status, body.secretKeys]).toEqual([200, "ok", ["token", "webhookKey"]]);
    expect(api.control.checked).toMatchObject([{ connectionId: id, useNextSecrets: true }]);
    expect(during).toMatchObject({ secrets: before.secrets, nextSecrets: { token: "new-token" } });
    const after = await getConnection(api, id);
    expect(after).toMatchObject({
      secrets: { token: "new-token", webhookKey: "old-key" },
      nextSecrets: {},
      tokens: {},
    });
    expect(after.settingsVersion).toBe(before.settingsVersion + 1);
  });

  it("that fails is 422 on the secrets with what the check said; the old ones stay and the new ones are forgotten", async () => {
    const id = await createShop();
    await api.call("POST", `/connections/${id}/check`);
    api.control.answerCheck = failing;
    const refused = await rotate(id, { token: "wrong-token" });
    expect(itemsOf(refused)).toEqual(['["body","secrets"] value_error']);
    expect(refused.body.detail[0].msg).toBe("Login refused. Correct the password.");
    expect(await getConnection(api, id)).toMatchObject({ secrets: { token: "old-token" }, nextSecrets: {} });
    expect((await api.call("GET", `/connections/${id}`)).body.status).toBe("ok");
  });

  it("that no worker tries leaves the old ones in force", async () => {
    const id = await createShop();
    api.control.answerCheck = () => Promise.reject(new AppError("no_worker", "No worker listens."));
    expect((await rotate(id, { token: "new-token" })).status).toBe(503);
    expect(await getConnection(api, id)).toMatchObject({ secrets: { token: "old-token" }, nextSecrets: {} });
  });

  it("is 409 while another is tried, and of the two one wins", async () => {
    const id = await createShop();
    const results = await Promise.all(["a", "b", "c", "d"].map((token) => rotate(id, { token })));
    const statuses = results.map(({ status }) => status).sort();
    expect(statuses).toContain(200);
    expect(new Set(statuses.filter((status) => status !== 200))).toEqual(new Set([409]));
    const { secrets, nextSecrets } = await getConnection(api, id);
    const winners = ["a", "b", "c", "d"].filter((_, index) => results[index]?.status === 200);
    expect(winners).toContain(secrets.token);
    expect(nextSecrets).toEqual({});
  });

  it("whose process died does not stand in the way of the next one", async () => {
    const id = await createShop();
    const { promise: dead, reject } = Promise.withResolvers<never>();
    api.control.answerCheck = () => dead;
    const stuck = rotate(id, { token: "never" });
    await expect.poll(() => api.control.checked.length).toBe(1);
    api.control.answerCheck = answerCheck;
    expect((await rotate(id, { token: "refused" })).body.code).toBe("rotation_active");
    await sql`update connection_tasks set created_at = now() - interval '61 s' where connection_id = ${id}`.execute(
      api.db,
    );
    expect((await rotate(id, { token: "third" })).status).toBe(200);
    reject(new AppError("check_timeout", "too late"));
    expect((await stuck).status).toBe(504);
    expect(await getConnection(api, id)).toMatchObject({ secrets: { token: "third" }, nextSecrets: {} });
  });

  it("is tried again when its process died and the client repeats it with the same key", async () => {
    const id = await createShop();
    const send = () =>
      api.send("POST", `/api/v1/connections/${id}/rotate`, {
        body: JSON.stringify({ secrets: { token: "new-token" } }),
        headers: { "content-type": "application/json", "idempotency-key": "rotate-once" },
      });
    expect((await send()).status).toBe(200);
    // As if the answer of the first had never been kept.
    const lost = sql`update idempotency_keys set status = null, headers = null, body = null, locked_until = now() - interval '1 s'`;
    await lost.execute(api.db);
    expect((await send()).status).toBe(200);
    expect(await getConnection(api, id)).toMatchObject({ secrets: { token: "new-token" }, nextSecrets: {} });
  });

  it("gives way to an edit that comes while it is tried", async () => {
    const id = await createShop();
    api.control.answerCheck = async () => {
      const edit = { config: { domain: "b.example" }, secrets: { token: "old-token", webhookKey: "old-key" } };
      expect((await api.call("PATCH", `/connections/${id}`, edit)).status).toBe(200);
      return { ok: true, checks: [], entities: [] };
    };
    const { status, body } = await rotate(id, { token: "new-token" });
    expect([status, body.code]).toEqual([409, "connection_changed"]);
    expect(await getConnection(api, id)).toMatchObject({ secrets: { token: "old-token" }, nextSecrets: {} });
  });

  it("is refused for secrets the provider does not know, for none, and for no connection", async () => {
    const id = await createShop();
    expect(itemsOf(await rotate(id, { tokken: "x" }))).toEqual(['["body","secrets","tokken"] extra_forbidden']);
    expect(itemsOf(await rotate(id, {}))).toEqual(['["body","secrets"] too_short']);
    expect(itemsOf(await rotate(id, { token: null }))).toEqual(['["body","secrets","token"] string_type']);
    expect(itemsOf(await api.call("POST", `/connections/${id}/rotate`))).toEqual(['["body","secrets"] missing']);
    expect((await rotate("0d4a5b1c-1111-4222-8333-444455556666", { token: "x" })).status).toBe(404);
  });
});

describe("the audit of connections", () => {
  it("tells who made, edited, rotated and deleted one, by names of secrets only", async () => {
    const { body: made } = await api.call("POST", "/connections", {
      name: "shop",
      provider: "redo",
      config: { domain: "a.example" },
      secrets: { token: "first-canary" },
    });
    await api.call("PATCH", `/connections/${made.id}`, { name: "renamed", secrets: { token: "second-canary" } });
    await api.call("POST", `/connections/${made.id}/rotate`, { secrets: { token: "third-canary" } });
    await api.call("DELETE", `/connections/${made.id}`);
    const events = await api.db
      .selectFrom("auditEvents")
      .selectAll()
      .where("subjectId", "=", made.id)
      .orderBy("id")
      .execute();
    expect(events.map(({ action }) => action)).toEqual([
      "connection.create",
      "connection.update",
      "connection.rotate",
      "connection.delete",
    ]);
    expect(events[1]).toMatchObject({ before: { name: "shop" }, after: { name: "renamed", secretsGiven: ["token"] } });
    expect(JSON.stringify(events)).not.toContain("canary");
    for (const event of events) expect(event).toMatchObject({ actor: "user:local", subjectType: "connection" });
  });
});
