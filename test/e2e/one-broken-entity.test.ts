import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRestServer, type RestServer } from "../support/rest-server.ts";
import { createWorld, type Row, tableOf, trigger, type World, whenEnded } from "../support/world.ts";

const READER = { user: "one_broken_reader", password: "reader" };
const ENTITIES = ["public.good", "public.locked", "public.teams", "public.totals"];

/** Each of these tables is planned, loaded or failed by itself. */
describe("a sync in which some tables cannot be read", () => {
  let world: World;
  let sync: Row;

  beforeAll(async () => {
    world = await createWorld();
    await world.source(`
      create table good as select n as id from generate_series(1, 100) n;
      alter table good add primary key (id);
      create table teams (id int primary key, owner text);
      create table locked (id int primary key);
      insert into locked values (1);
      create materialized view totals as select count(*) as n from good;
      create role ${READER.user} login password '${READER.password}';
      grant select on all tables in schema public to ${READER.user}`);
    await world.startWorker();
    sync = await world.createSync({
      connectionId: await world.createConnection(READER),
      entities: ENTITIES,
      status: "active",
      executionConfig: { maxConcurrency: 4 },
    });
    await world.source(`
      alter table teams enable row level security;
      create policy own on teams using (exists (select from teams t where t.owner = current_user));
      refresh materialized view totals with no data`);
  });
  afterAll(async () => {
    await world.source(`drop owned by ${READER.user}; drop role ${READER.user}`);
    await world.close();
  });

  it("loads the others, ends as partial and names each that failed with its reason", async () => {
    const holder = new pg.Client(world.sourceUrl);
    await holder.connect();
    await holder.query("begin; lock table locked");
    let run: Row;
    try {
      run = await whenEnded(world, (await trigger(world, sync.id)).id);
    } finally {
      await holder.end();
    }
    expect(run).toMatchObject({ status: "partial", resultReasonCode: "entities_failed" });
    expect(run.summary).toMatchObject({
      planning: { planned: ENTITIES.length, total: ENTITIES.length },
      entities: {
        "public.good": { status: "done", rows: 100 },
        "public.locked": { status: "failed", reasonCode: "source_timeout" },
        "public.teams": { status: "failed", reasonCode: "source_object_invalid" },
        "public.totals": { status: "failed", reasonCode: "source_object_invalid" },
      },
    });
    const [{ rows } = {}] = await world.warehouse(`select count(*)::int as rows from ${tableOf(sync, "public.good")}`);
    expect(rows).toBe(100);

    // What may pass is tried again by itself.
    const next = await whenEnded(world, run.nextAttemptRunId);
    expect(next.summary.entities["public.locked"]).toMatchObject({ status: "done", rows: 1 });
  });

  it("loads the others where one of them ends every session that looks at it", { timeout: 120_000 }, async () => {
    const own = await world.createConnection();
    await world.source(`
      create table steady (id int primary key, at timestamptz not null);
      insert into steady select n, now() from generate_series(1, 100) n;
      create function leave(at timestamptz) returns timestamptz language sql volatile as
        'select case when pg_terminate_backend(pg_backend_pid()) then at end';
      create view crashing as select id, leave(at) as at from steady`);
    const entities = ["public.crashing", "public.steady"];
    const table = await world.createSync({
      ...{ connectionId: own, entities, status: "active", destinationConfig: { schema: "crashing" } },
      tableBindings: [{ entityKey: "public.crashing", primaryKeyColumns: ["id"], cursorField: "at" }],
    });
    const run = await whenEnded(world, (await trigger(world, table.id)).id);
    expect(run).toMatchObject({ status: "partial", resultReasonCode: "entities_failed" });
    expect(run.summary.entities).toMatchObject({
      "public.crashing": { status: "failed", reasonCode: "source_unavailable" },
      "public.steady": { status: "done", rows: 100 },
    });
    await world.api("POST", `/syncs/runs/${run.nextAttemptRunId}/cancel`);
  });

  it("is refused at activation with each of them where the request names it", async () => {
    const { status, body } = await world.api("POST", "/syncs", {
      ...{ connectionId: sync.connectionId, name: "again", entities: ENTITIES, status: "active" },
      destinationConfig: { schema: "again" },
    });
    expect([status, body.detail.map((issue: Row) => issue.loc)]).toEqual([
      422,
      [
        ["body", "entities", 2],
        ["body", "entities", 3],
      ],
    ]);
  });
});

/** The server is there, and one of its resources is not. */
describe("a sync of an API that fails at one resource", () => {
  let world: World;
  let server: RestServer;

  beforeAll(async () => {
    world = await createWorld();
    server = await createRestServer();
    for (const name of ["orders", "refunds"]) server.collections.set(name, [{ id: 1 }, { id: 2 }]);
    await world.startWorker({ SLUICE_EGRESS_ALLOW_PRIVATE: "127.0.0.0/8" });
  });
  afterAll(async () => {
    await world.close();
    await server.close();
  });

  it("loads the others when it answers with 503, and loads it when it answers again", {
    timeout: 120_000,
  }, async () => {
    const resource = (name: string) => ({
      name,
      path: `cursor/${name}`,
      primaryKey: ["id"],
      paginator: { type: "cursor", nextPath: "next", param: "cursor" },
    });
    const { body: connection } = await world.api("POST", "/connections", {
      ...{ name: "api", provider: "http_api", secrets: {} },
      config: { baseUrl: server.baseUrl, retry: { maxAttempts: 1 }, resources: ["orders", "refunds"].map(resource) },
    });
    const sync = await world.createSync({ connectionId: connection.id, entities: ["orders", "refunds"] });
    const heal = server.interrupt(({ path }) => path.includes("refunds"), { status: 503, body: "down" });
    const run = await whenEnded(world, (await trigger(world, sync.id)).id);
    expect(run).toMatchObject({ status: "partial", resultReasonCode: "entities_failed" });
    expect(run.summary.entities).toMatchObject({
      orders: { status: "done", rows: 2 },
      refunds: { status: "failed", reasonCode: "source_unavailable" },
    });
    heal();
    expect(await whenEnded(world, run.nextAttemptRunId)).toMatchObject({ status: "succeeded" });
  });
});
