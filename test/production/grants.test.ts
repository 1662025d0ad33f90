import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from "vitest";
import { createRetention } from "../../control/retain.ts";
import { migrateToLatest } from "../../db/migrate.ts";
import { createTestDatabase, openDb, type TestDatabase, withClient } from "../support/postgres.ts";
import { createRestServer } from "../support/rest-server.ts";
import { createWorld, type Row, type World, whenEnded } from "../support/world.ts";

const ROLES = ["sluice_migrate", "sluice_api", "sluice_worker", "sluice_warehouse", "sluice_source"];

/** docs/grants, run as it is written down, and then all of Sluice on it. */
describe("with the least privileges", () => {
  let databases: Record<"control" | "warehouse" | "source", TestDatabase>;
  let world: World;

  const as = (role: string, database: TestDatabase): string => {
    const url = new URL(database.url);
    url.username = role;
    url.password = "test";
    return url.href;
  };
  async function runGrants(name: keyof typeof databases): Promise<void> {
    const sql = await readFile(`docs/grants/${name}.sql`, "utf8");
    await withClient(databases[name].url, (client) => client.query(sql));
    await withClient(inject("postgresUrl"), async (client) => {
      const { rows } = await client.query("select rolname from pg_roles where rolname = any($1)", [ROLES]);
      for (const { rolname } of rows) await client.query(`alter role ${rolname} password 'test'`);
    });
  }

  beforeAll(async () => {
    const [control, warehouse, source] = await Promise.all([1, 2, 3].map(() => createTestDatabase()));
    if (!control || !warehouse || !source) throw new Error("no databases");
    databases = { control, warehouse, source };
    await withClient(source.url, (client) =>
      client.query("create table items (id int primary key); insert into items select generate_series(1, 50)"),
    );
    await runGrants("control");
    const owner = openDb(as("sluice_migrate", control));
    await migrateToLatest(owner);
    await owner.destroy();
    await runGrants("control");
    await runGrants("warehouse");
    await runGrants("source");
    world = await createWorld({
      databases: {
        control: { ...control, url: as("sluice_api", control) },
        warehouse: { ...warehouse, url: as("sluice_warehouse", warehouse) },
        source: { ...source, url: as("sluice_source", source) },
      },
    });
  });
  afterAll(async () => {
    await world?.close();
    await withClient(inject("postgresUrl"), async (client) => {
      for (const role of ROLES) await client.query(`drop role if exists ${role}`);
    });
  });

  /** Asks with an idempotency key, as a stream where `stream` says so. @returns the answer's JSON, or the stream's text */
  async function ask(
    operation: string,
    given: { path: string | string[]; body?: unknown; stream?: boolean },
  ): Promise<Row> {
    const [method = "", template = ""] = operation.split(" ");
    called.add(operation);
    const places = [given.path].flat();
    const response = await world.fetch(
      new Request(`http://127.0.0.1${template.replace(/\{\w+\}/g, () => places.shift() ?? "")}`, {
        method,
        headers: {
          "content-type": "application/json",
          ...(method === "POST" ? { "idempotency-key": randomUUID() } : {}),
          ...(given.stream ? { accept: "text/event-stream" } : {}),
        },
        ...(given.body === undefined ? {} : { body: JSON.stringify(given.body) }),
      }),
    );
    const text = await response.text();
    expect({ operation, ok: response.ok, text }).toMatchObject({ operation, ok: true });
    return given.stream || text === "" ? { text } : JSON.parse(text);
  }
  const called = new Set<string>();

  async function endOf(sync: Row, body = {}): Promise<Row> {
    return whenEnded(world, (await ask("POST /api/v1/syncs/{sync_id}/trigger", { path: sync.id, body })).id);
  }

  it("every operation works, and what a worker does", async () => {
    await world.startWorker({
      DATABASE_URL: as("sluice_worker", databases.control),
      SLUICE_EGRESS_ALLOW_PRIVATE: "127.0.0.0/8",
    });
    const description = world.sourceConnection();
    const connection = await ask("POST /api/v1/connections", { path: "", body: description });
    const inUse = { path: connection.id };
    await ask("POST /api/v1/connections/{connection_id}/check", inUse);
    await ask("GET /api/v1/connections/{connection_id}/catalog", inUse);
    await ask("POST /api/v1/connections/{connection_id}/rotate", { ...inUse, body: { secrets: description.secrets } });
    await ask("PATCH /api/v1/connections/{connection_id}", { ...inUse, body: { name: `renamed ${randomUUID()}` } });

    const tableBindings = [{ entityKey: "public.items", cursorField: "id" }];
    const sync = await ask("POST /api/v1/syncs", {
      path: "",
      body: { name: "Items", connectionId: connection.id, entities: ["public.items"], tableBindings },
    });
    const ofSync = { path: sync.id };
    await ask("PATCH /api/v1/syncs/{sync_id}", { ...ofSync, body: { name: "renamed", status: "active" } });
    await ask("POST /api/v1/syncs/{sync_id}/plan", ofSync);
    const task = await world.db
      .selectFrom("connectionTasks")
      .select("id")
      .where("kind", "=", "plan")
      .executeTakeFirstOrThrow();
    await ask("GET /api/v1/syncs/{sync_id}/plans/{plan_id}", { path: [sync.id, task.id] });
    const first = await endOf(sync);
    expect(first).toMatchObject({ status: "succeeded", summary: { rowsWritten: 50 } });

    const window = { from: 1, to: 11 };
    const backfill = await ask("POST /api/v1/syncs/{sync_id}/backfills", { ...ofSync, body: { window } });
    expect(await whenEnded(world, backfill.id)).toMatchObject({ status: "succeeded", summary: { rowsRead: 10 } });

    const second = await ask("POST /api/v1/syncs/{sync_id}/trigger", { ...ofSync, body: { runMode: "full_refresh" } });
    await ask("POST /api/v1/syncs/runs/{run_id}/cancel", { path: second.id });
    expect(await whenEnded(world, second.id)).toMatchObject({ status: "cancelled" });
    const third = await ask("POST /api/v1/syncs/runs/{run_id}/retry", { path: second.id });
    expect(await whenEnded(world, third.id)).toMatchObject({ status: "succeeded" });

    const ofRun = { path: first.id };
    const stream = await ask("GET /api/v1/syncs/runs/{run_id}/events", { ...ofRun, stream: true });
    expect(stream.text).toContain("event: run.ended");
    await ask("GET /api/v1/syncs/runs/{run_id}/events", ofRun);
    await ask("GET /api/v1/syncs/runs/{run_id}/slices", ofRun);
    await ask("GET /api/v1/syncs/runs/{run_id}/rejected-rows", ofRun);
    await ask("GET /api/v1/syncs/runs/{run_id}", ofRun);
    for (const cursor of ["7", null]) {
      const body = { entities: { "public.items": { cursor } } };
      await ask("PATCH /api/v1/syncs/{sync_id}/state", { ...ofSync, body });
    }
    for (const what of ["", "/runs", "/state", "/state/versions", "/schedule/preview"])
      await ask(`GET /api/v1/syncs/{sync_id}${what}`, ofSync);
    await ask("GET /api/v1/connections/{connection_id}", inUse);
    await ask("GET /api/v1/connections/{connection_id}/usage", inUse);
    await ask("GET /api/v1/syncs/providers/{provider}/catalog", { path: "postgres" });
    for (const list of ["syncs", "connections", "runs", "audit-events", "result-reasons", "workers"]) {
      await ask(`GET /api/v1/${list}`, { path: "" });
    }
    for (const probe of ["healthz", "readyz"]) await ask(`GET /${probe}`, { path: "" });
    expect(await endOf(sync)).toMatchObject({ status: "succeeded" });

    await ask("DELETE /api/v1/syncs/{sync_id}", ofSync);
    const spare = await ask("POST /api/v1/connections", { path: "", body: world.sourceConnection() });
    await ask("DELETE /api/v1/connections/{connection_id}", { path: spare.id });
    const { paths }: { paths: Record<string, object> } = JSON.parse(await readFile("docs/openapi.json", "utf8"));
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect([...called].sort()).toEqual(operations.sort());
  });

  it("a worker renews tokens, keeps to rate limits, waits, rejects rows and takes away what is old", async () => {
    const rest = await createRestServer();
    onTestFinished(() => rest.close());
    rest.collections.set("orders", [
      { id: 1, n: 1 },
      { id: 2, n: "\0" },
      { id: 3, n: 3 },
    ]);
    rest.tokens.add("none yet");
    const { id: connectionId } = await ask("POST /api/v1/connections", {
      path: "",
      body: {
        name: `api ${randomUUID()}`,
        provider: "http_api",
        config: {
          baseUrl: rest.baseUrl,
          auth: {
            type: "oauth2_refresh",
            tokenUrl: `${rest.baseUrl}/oauth/token`,
            clientId: "sluice",
            refreshTokenSecret: "refresh",
          },
          rateLimit: { perSecond: 50 },
          resources: [{ name: "orders", path: "all/orders", primaryKey: ["id"], fields: { n: "text" } }],
        },
        secrets: { refresh: "refresh-0" },
      },
    });
    const sync = await ask("POST /api/v1/syncs", {
      path: "",
      body: { name: "Api", connectionId, entities: ["orders"] },
    });
    rest.interrupt(({ path }) => path !== "/oauth/token", { status: 429, headers: { "retry-after": "6" } }, 1);
    const run = await endOf(sync);
    expect(run).toMatchObject({ resultReasonCode: "rows_rejected", summary: { rowsWritten: 2, rowsRejected: 1 } });
    const { events } = await ask("GET /api/v1/syncs/runs/{run_id}/events", { path: run.id });
    expect(events.map(({ kind }: Row) => kind)).toContain("run.waiting");

    expect((await endOf(sync)).summary).toMatchObject({ rowsRead: 3 });

    await aged();
    const db = openDb(as("sluice_worker", databases.control));
    const warned: unknown[] = [];
    const log = pino({ level: "warn" }, { write: (line: string) => warned.push(line) });
    const keepDays = { runs: 90, audit: 400 };
    await createRetention({ db, log, keepDays, forgetChains: () => Promise.resolve() })();
    await db.destroy();
    expect(warned).toEqual([]);
    const left = await withClient(databases.control.url, (client) =>
      client.query("select from runs where id = $1", [run.id]),
    );
    expect(left.rowCount).toBe(0);
  });

  /** All that there is becomes two years older. */
  async function aged(): Promise<void> {
    await withClient(databases.control.url, (client) =>
      client.query(`
        update runs set created_at = created_at - interval '2 years', completed_at = completed_at - interval '2 years';
        update audit_events set at = at - interval '2 years';
        update connection_tasks set created_at = created_at - interval '2 years';
        update idempotency_keys set created_at = created_at - interval '2 years';
        update syncs set deleted_at = deleted_at - interval '2 years'`),
    );
  }

  it.each([
    ["sluice_api", "delete from runs"],
    ["sluice_api", "insert into plans values (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '')"],
    ["sluice_api", "update run_slices set status = 'done'"],
    ["sluice_api", "update audit_events set actor = 'nobody'"],
    ["sluice_api", "delete from audit_events"],
    ["sluice_api", "delete from connections"],
    ["sluice_api", "select from kysely_migration"],
    ["sluice_worker", "insert into connections (id) values (gen_random_uuid())"],
    ["sluice_worker", "update connections set config = '{}'"],
    ["sluice_worker", "insert into syncs (id) values (gen_random_uuid())"],
    ["sluice_worker", "update audit_events set actor = 'nobody'"],
    [
      "sluice_worker",
      "insert into audit_events (actor, action, subject_type, subject_id) values ('a', 'a', 'a', gen_random_uuid())",
    ],
    ["sluice_worker", "alter table runs add column more text"],
    ["sluice_worker", "create table more (id int)"],
    ["sluice_worker", "truncate runs"],
    ["sluice_warehouse", "select from runs"],
  ])("%s may not %s", async (role, sql) => {
    await expect(withClient(as(role, databases.control), (client) => client.query(sql))).rejects.toThrow(
      /permission denied|must be owner/,
    );
  });

  it("the source's reader reads and does not write", async () => {
    await expect(
      withClient(as("sluice_source", databases.source), (client) => client.query("delete from items")),
    ).rejects.toThrow(/permission denied|read-only/);
  });
});
