import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { committedRows } from "../support/orders.ts";
import { createRestServer, type RestRecord, type RestServer } from "../support/rest-server.ts";
import {
  createWorld,
  type Row,
  tableOf,
  trigger,
  until,
  type WorkerProcess,
  type World,
  whenChainEnded,
  whenRun,
} from "../support/world.ts";

const EGRESS = { SLUICE_EGRESS_ALLOW_PRIVATE: "127.0.0.0/8" };

const at = (second: number): string => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();

function order(n: number, more: RestRecord = {}): RestRecord {
  return {
    id: n,
    note: `order ${n} — "quoted"\tand\\more`,
    amount: n / 4,
    paid: n % 2 === 0,
    tags: n % 3 === 0 ? null : ["a", n],
    updated_at: at(Math.floor(n / 7)),
    ...more,
  };
}

const ORDERS = {
  name: "orders",
  path: "cursor/orders",
  primaryKey: ["id"],
  paginator: { type: "cursor", nextPath: "next", param: "cursor" },
  incremental: {
    cursorField: "updated_at",
    startParam: "updated_since",
    endParam: "updated_until",
    safetyLagSeconds: 0,
  },
};

describe("http_api through the product", () => {
  let world: World;
  let server: RestServer;
  let worker: WorkerProcess;

  beforeAll(async () => {
    world = await createWorld();
    worker = await world.startWorker(EGRESS);
  });
  afterAll(() => world.close());
  beforeEach(async () => {
    server = await createRestServer();
  });
  afterEach(() => server.close());

  async function connect(config: Row, secrets: Record<string, string> = {}): Promise<string> {
    const { status, body } = await world.api("POST", "/connections", {
      name: `api ${randomUUID()}`,
      provider: "http_api",
      config: { baseUrl: server.baseUrl, ...config },
      secrets,
    });
    if (status !== 201) throw new Error(`connection: ${status} ${JSON.stringify(body)}`);
    return body.id;
  }

  async function syncOf(
    resources: Row[],
    more: { config?: Row; secrets?: Record<string, string>; sync?: Row } = {},
  ): Promise<Row> {
    const connectionId = await connect({ resources, ...more.config }, more.secrets);
    return world.createSync({
      connectionId,
      entities: resources.map(({ name }) => name),
      executionConfig: { batchRows: 100, heartbeatTimeoutSeconds: 5 },
      ...more.sync,
    });
  }

  async function run(sync: Row, body: Row = {}): Promise<Row> {
    const { id } = await trigger(world, sync.id, body);
    return whenChainEnded(world, id);
  }

  /** Every record is there as it is, and no other. */
  async function expectEqual(sync: Row, entityKey: string, records: RestRecord[]): Promise<void> {
    const rows = await world.warehouse(
      `select to_jsonb(t) - array['_sluice_run_id', '_sluice_synced_at', '_unmapped', '_parent_id'] as row from ${tableOf(sync, entityKey)} t`,
    );
    const [expected] = await world.warehouse("select $1::jsonb as records", [JSON.stringify(records)]);
    const sorted = (all: RestRecord[]) => all.map((each) => JSON.stringify(normal(each))).sort();
    expect(sorted(rows.map(({ row }) => row))).toEqual(sorted(expected?.records));
  }

  it("loads everything with its types, then only what changed", async () => {
    const records = Array.from({ length: 500 }, (_, n) => order(n + 1));
    server.collections.set("orders", records);
    const sync = await syncOf([ORDERS]);
    expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { rowsRead: 500, rowsWritten: 500 } });
    await expectEqual(sync, "orders", records);
    const types = await world.warehouse(
      "select column_name, data_type from information_schema.columns where table_schema = 'http_api' and table_name = $1 and column_name !~ '^_' order by column_name",
      [sync.tableBindings[0].physicalTableName],
    );
    expect(Object.fromEntries(types.map((each) => [each.column_name, each.data_type]))).toEqual({
      amount: "numeric",
      id: "bigint",
      note: "text",
      paid: "boolean",
      tags: "jsonb",
      updated_at: "timestamp with time zone",
    });

    const now = new Date().toISOString();
    records.splice(99, 1, order(100, { note: "changed", updated_at: now }));
    records.push(order(501, { updated_at: now }));
    server.requests.length = 0;
    // With the four that have the newest value of before.
    expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { rowsRead: 6, rowsWritten: 2 } });
    await expectEqual(sync, "orders", records);
    expect(
      server.requests.every(({ query }) => query.has("updated_since") || query.has("cursor") || query.size === 0),
    ).toBe(true);
  });

  it.each(["upsert", "append_event", "delete_insert", "scd2"])(
    "a record that gets the newest value later is read: %s",
    async (loadMode) => {
      const bindings = [{ entityKey: "orders", loadMode, tableName: `tied_${loadMode}` }];
      server.collections.set("orders", [order(1), order(2)]);
      const sync = await syncOf([ORDERS], { sync: { tableBindings: bindings } });
      await run(sync);
      // Older than the API's clock at the end of the run, and not older than what was read.
      server.collections.set("orders", [order(1), order(2), order(3), order(14)]);
      expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { rowsWritten: 2 } });
      expect(await run(sync)).toMatchObject({ status: "succeeded", resultReasonCode: "no_new_data" });
      const ids = await world.warehouse(`select id::int from ${tableOf(sync, "orders")} order by id`);
      expect(ids.map(({ id }) => id)).toEqual([1, 2, 3, 14]);
    },
  );

  it("finds nothing new with evidence, not in silence", async () => {
    server.collections.set("orders", [order(1)]);
    const sync = await syncOf([ORDERS]);
    await run(sync);
    expect(await run(sync)).toMatchObject({ status: "succeeded", resultReasonCode: "no_new_data" });
  });

  it("reads windows at once, where the API can be asked for them", async () => {
    const records = Array.from({ length: 400 }, (_, n) => order(n + 1, { updated_at: at(n * 3600) }));
    server.collections.set("orders", records);
    const resource = { ...ORDERS, incremental: { ...ORDERS.incremental, initial: at(0) } };
    const sync = await syncOf([resource], {
      sync: { executionMode: "fan_out_window", executionConfig: { windowSize: "P30D", maxConcurrency: 3 } },
    });
    const ended = await run(sync);
    expect(ended).toMatchObject({ status: "succeeded", summary: { rowsRead: 400 } });
    expect(ended.summary.slices.total).toBeGreaterThan(5);
    await expectEqual(sync, "orders", records);
  });

  it("goes on where it was when its worker is killed between pages, and loses and doubles nothing", async () => {
    const records = Array.from({ length: 600 }, (_, n) => order(n + 1));
    server.collections.set("orders", records);
    server.delayMs = 50;
    const sync = await syncOf([ORDERS], { sync: { executionConfig: { batchRows: 40, heartbeatTimeoutSeconds: 5 } } });
    const before = await committedRows(world);
    const { id } = await trigger(world, sync.id);
    await until("committed batches", async () => ((await committedRows(world)) > before + 100 ? true : null));
    await worker.kill();
    server.delayMs = 0;
    worker = await world.startWorker(EGRESS);
    expect(await whenChainEnded(world, id)).toMatchObject({ status: "succeeded" });
    await expectEqual(sync, "orders", records);
    const [read] = await world.warehouse(
      "select sum(rows_read)::int as rows from _sluice.slices where plan_id = (select plan_id from _sluice.slices order by updated_at desc limit 1)",
    );
    expect(read?.rows).toBe(600);
  });

  it("loses no row that moves in front of the place where its worker was killed, and one to the end", async () => {
    const records = Array.from({ length: 600 }, (_, n) => order(n + 1));
    server.collections.set("orders", records);
    server.delayMs = 50;
    const paginator = { type: "offset", limit: 20, totalPath: "total" };
    const resource = { ...ORDERS, path: "offset/orders", recordSelector: "items", paginator };
    const sync = await syncOf([resource], { sync: { executionConfig: { batchRows: 40, heartbeatTimeoutSeconds: 5 } } });
    const before = await committedRows(world);
    const { id } = await trigger(world, sync.id);
    await until("committed batches", async () => ((await committedRows(world)) > before + 100 ? true : null));
    await worker.kill();
    // The pages in between stay what they are.
    const [first, last] = [records.shift(), records.pop()];
    records.unshift(...(last ? [last] : []));
    records.push(...(first ? [first] : []));
    server.delayMs = 0;
    worker = await world.startWorker(EGRESS);
    expect(await whenChainEnded(world, id)).toMatchObject({ status: "succeeded" });
    await expectEqual(sync, "orders", records);
  });

  it("a field that shows up between two attempts is no reason to read everything again", async () => {
    const records = Array.from({ length: 200 }, (_, n) => order(n + 1));
    server.collections.set("orders", records);
    const sync = await syncOf([ORDERS], { sync: { executionConfig: { batchRows: 20, maxAutoResumeAttempts: 0 } } });
    let pages = 0;
    const undo = server.interrupt(({ query }) => query.has("cursor") && ++pages > 6, { status: 403, body: {} });
    const failed = await run(sync);
    expect(failed).toMatchObject({ status: "failed", resultReasonCode: "source_permission_denied" });
    undo();
    server.collections.set(
      "orders",
      records.map((record) => ({ ...record, surprise: "new" })),
    );
    const { body } = await world.api("POST", `/syncs/runs/${failed.id}/retry`, {});
    const ended = await whenChainEnded(world, body.id);
    expect(ended).toMatchObject({ status: "succeeded" });
    expect(ended.summary.replanned).toBeUndefined();
    const [loaded] = await world.warehouse(
      `select count(*)::int as rows, count(*) filter (where _unmapped = '{"surprise": "new"}')::int as surprised from ${tableOf(sync, "orders")}`,
    );
    expect(loaded?.rows).toBe(200);
    expect(loaded?.surprised).toBeGreaterThan(0);
    expect(loaded?.surprised).toBeLessThan(200);
  });

  it("renews its token while it runs, and keeps the refresh token that took the old one's place", async () => {
    const records = Array.from({ length: 200 }, (_, n) => order(n + 1));
    server.collections.set("orders", records);
    server.tokens.add("none yet");
    const auth = {
      type: "oauth2_refresh",
      tokenUrl: `${server.baseUrl}/oauth/token`,
      clientId: "sluice",
      refreshTokenSecret: "refresh",
    };
    const sync = await syncOf([ORDERS], { config: { auth }, secrets: { refresh: "refresh-0" } });
    server.delayMs = 30;
    const { id } = await trigger(world, sync.id);
    await until("a page", async () => (server.requests.some(({ query }) => query.has("cursor")) ? true : null));
    server.tokens = new Set(["nobody has this one"]);
    expect(await whenChainEnded(world, id)).toMatchObject({ status: "succeeded", attemptNumber: 1 });
    await expectEqual(sync, "orders", records);
    expect(server.refreshToken).not.toBe("refresh-1");
    server.tokens = new Set(["nor this one"]);
    expect(await run(sync)).toMatchObject({ status: "succeeded" });
  });

  it("waits without failing when the API says so, and says until when", async () => {
    const records = Array.from({ length: 100 }, (_, n) => order(n + 1));
    server.collections.set("orders", records);
    [server.pageSize, server.delayMs] = [5, 50];
    const sync = await syncOf([ORDERS], { sync: { executionConfig: { batchRows: 10 } } });
    const before = await committedRows(world);
    const { id } = await trigger(world, sync.id);
    await until("committed batches", async () => ((await committedRows(world)) > before ? true : null));
    server.interrupt(() => true, { status: 429, headers: { "retry-after": "8" } }, 1);
    const waiting = await whenRun(world, id, ({ status, summary }) => summary.waiting || status === "succeeded");
    expect(waiting).toMatchObject({
      status: "waiting",
      summary: { waiting: { reason: "source_rate_limited", entityKey: "orders" } },
    });
    expect(Date.parse(waiting.summary.waiting.resumeAt)).toBeGreaterThan(Date.now());
    const ended = await whenChainEnded(world, id);
    expect(ended).toMatchObject({ id, status: "succeeded", attemptNumber: 1, summary: { rowsRead: 100 } });
    await expectEqual(sync, "orders", records);
  });

  it("keeps records that are no rows with their reason, loads the others, and says so", async () => {
    const records = Array.from({ length: 50 }, (_, n) => order(n + 1));
    records.splice(10, 1, order(11, { amount: "cheap" }));
    records.splice(20, 1, order(21, { note: "a\u0000b" }));
    server.collections.set("orders", records);
    const sync = await syncOf([{ ...ORDERS, fields: { amount: "numeric" } }]);
    const ended = await run(sync);
    expect(ended).toMatchObject({
      status: "partial",
      resultReasonCode: "rows_rejected",
      summary: { rowsRead: 50, rowsWritten: 48, rowsRejected: 2 },
    });
    await expectEqual(
      sync,
      "orders",
      records.filter(({ id }) => id !== 11 && id !== 21),
    );
  });

  it("loads children beside their parents, those of parents without any included", async () => {
    server.collections.set(
      "customers",
      Array.from({ length: 30 }, (_, n) => ({ id: n + 1, updated_at: at(n) })),
    );
    const children = Array.from({ length: 45 }, (_, n) => order(n + 1, { customers_id: (n % 15) + 1 }));
    server.collections.set("orders", children);
    const sync = await syncOf([
      { name: "customers", path: "offset/customers", primaryKey: ["id"], paginator: { type: "offset", limit: 10 } },
      {
        name: "orders",
        path: "page/customers/{parent.id}/orders",
        primaryKey: ["_parent_id", "id"],
        paginator: { type: "page", totalPagesPath: "pages" },
        parent: { resource: "customers" },
      },
    ]);
    expect(await run(sync)).toMatchObject({ status: "succeeded" });
    await expectEqual(sync, "orders", children);
  });

  it("a resource that is refused fails alone, with its reason", async () => {
    server.collections.set("orders", [order(1)]);
    server.collections.set("invoices", [order(1)]);
    const sync = await syncOf([ORDERS, { name: "invoices", path: "all/invoices", primaryKey: ["id"] }]);
    server.interrupt(({ path }) => path.endsWith("/invoices"), { status: 403, body: { error: "no" } });
    const ended = await run(sync);
    expect(ended).toMatchObject({ status: "partial", resultReasonCode: "entities_failed" });
    expect(ended.summary.entities).toMatchObject({
      orders: { status: "done" },
      invoices: { status: "failed", reasonCode: "source_permission_denied" },
    });
    await expectEqual(sync, "orders", [order(1)]);
  });

  it("cannot be activated where every run would fail or lose rows, and says where", async () => {
    const records = Array.from({ length: 30 }, (_, n) => order(n + 1));
    server.collections.set("orders", records);
    server.interrupt(({ path, query }) => path === "/page/orders" && query.get("page") === "0", {
      status: 200,
      body: { results: [order(0)] },
    });
    const orders = { name: "orders", path: "offset/orders", recordSelector: "items", primaryKey: ["id"] };
    const paginator = { type: "offset", limit: 10 };
    const resources = [
      { ...orders, paginator },
      { ...orders, name: "proven", paginator: { ...paginator, totalPath: "total" } },
      { ...orders, name: "from_zero", path: "page/orders", recordSelector: "results", paginator: { type: "page" } },
    ];
    const connectionId = await connect({ resources });
    const activate = (name: string, entities: string[], loadModes: string[]) =>
      world.api("POST", "/syncs", {
        ...{ connectionId, name, entities, status: "active", destinationConfig: { schema: `s_${name}` } },
        tableBindings: loadModes.map((loadMode, i) => ({ entityKey: entities[i], loadMode })),
      });
    for (const loadMode of ["upsert_soft_delete", "replace", "delete_insert", "append_snapshot", "scd2"]) {
      const refused = await activate(loadMode, ["proven", "orders"], [loadMode, loadMode]);
      expect(refused).toMatchObject({
        status: 422,
        body: { detail: [{ loc: ["body", "tableBindings", 1, "loadMode"] }] },
      });
      expect(refused.body.detail[0].msg).toMatch(
        /totalPath.*stopOnShortPage.*or choose load mode append_event or upsert/,
      );
    }
    expect((await activate("fine", ["orders", "proven"], ["upsert", "replace"])).status).toBe(201);
    const early = await activate("early", ["from_zero"], []);
    expect(early).toMatchObject({ status: 422, body: { detail: [{ loc: ["body", "entities", 0] }] } });
    expect(early.body.detail[0].msg).toMatch(/page 0 has records that are not on page 1.*start of its paginator to 0/);
  });

  it("cannot be activated while its credentials are refused, and says why", async () => {
    server.tokens.add("right");
    const connectionId = await connect(
      { resources: [ORDERS], auth: { type: "bearer", tokenSecret: "token" } },
      { token: "wr0ng-s3cret" },
    );
    const refused = await world.api("POST", "/syncs", {
      name: "refused",
      connectionId,
      entities: ["orders"],
      status: "active",
    });
    expect(refused.status).toBe(422);
    expect(JSON.stringify(refused.body)).toMatch(/orders/);
    expect(JSON.stringify(refused.body)).not.toContain("wr0ng-s3cret");
  });
});

/** Instants and numbers as values, keys in order. */
function normal(record: RestRecord): RestRecord {
  const entries = Object.entries(record)
    .filter(([, value]) => value !== null)
    .map(([key, value]): [string, unknown] => [key, key.endsWith("_at") ? Date.parse(String(value)) : value]);
  return Object.fromEntries(entries.sort(([a], [b]) => a.localeCompare(b)));
}
