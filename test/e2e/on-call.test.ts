import { randomBytes } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ORDERS, seedOrders, throughProxy } from "../support/orders.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { createWorld, type Row, tableOf, trigger, type World, whenEnded, whenRun } from "../support/world.ts";

const PASSWORD = "on-call";

/** Failures that people have to understand from `GET run` alone: what failed, which setting or grant it was, what to do. */
describe.concurrent("a run that failed", () => {
  let world: World;
  let syncs = 0;

  beforeAll(async () => {
    world = await createWorld();
    await seedOrders(world, 2_000);
    await world.source(`
      create schema shop;
      create table shop.items (id int primary key, name text);
      insert into shop.items select i, 'item' from generate_series(1, 10) i;
      create view slow as select id, note, pg_sleep(30)::text as waited from orders limit 2`);
    await world.startWorker();
  });
  afterAll(() => world.close());

  async function connect(config: Row = {}, secrets: Row = {}): Promise<string> {
    const made = world.sourceConnection();
    const { status, body } = await world.api("POST", "/connections", {
      ...{ ...made, config: { ...made.config, ...config }, secrets: { ...made.secrets, ...secrets } },
    });
    expect(status, JSON.stringify(body)).toBe(201);
    return body.id;
  }

  /** At the source and the destination, which are of one server. @returns how to connect as it */
  async function createRole(name: string, ...grants: string[]): Promise<{ config: Row; secrets: Row }> {
    await world.source(`create role ${name} login password '${PASSWORD}'`);
    for (const grant of grants) await world.source(grant);
    return { config: { user: name }, secrets: { password: PASSWORD } };
  }

  async function createSync(body: Row, executionConfig: Row = {}): Promise<Row> {
    const { entities = [ORDERS], connectionId = await connect(), destinationConfig = {}, ...rest } = body;
    return world.createSync({
      ...{ connectionId, entities, ...rest },
      destinationConfig: { schema: `s${++syncs}`, ...destinationConfig },
      executionConfig: { maxAutoResumeAttempts: 0, ...executionConfig },
    });
  }

  async function failedRun(sync: Row): Promise<Row> {
    const run = await whenEnded(world, (await trigger(world, sync.id)).id);
    expect(run.status, JSON.stringify(run)).toBe("failed");
    expectReadable(run);
    return run;
  }

  it("for a wrong password", async () => {
    const connectionId = await connect({}, { password: "wrong" });
    expect(await failedRun(await createSync({ connectionId }))).toMatchObject({
      resultReasonCode: "source_auth_failed",
      error: expect.stringMatching(/password authentication failed.*Correct user and password of the connection\.$/),
    });
  });

  it("since the source is not there", async () => {
    const connectionId = await connect({ port: 1 });
    expect(await failedRun(await createSync({ connectionId }))).toMatchObject({
      resultReasonCode: "source_unavailable",
      error: expect.stringMatching(/ECONNREFUSED.*Check host and port of the connection/),
    });
  });

  it("since nothing answers at the source's address", async () => {
    await throughProxy(world, async ({ proxy }) => {
      proxy.stall(0);
      const connectionId = await connect({ port: proxy.port, connectTimeoutSeconds: 1 });
      expect(await failedRun(await createSync({ connectionId }))).toMatchObject({
        resultReasonCode: "source_unavailable",
        error: expect.stringMatching(/timeout expired.*raise its connectTimeoutSeconds\.$/),
      });
    });
  });

  it("since a view is slower than the connection's limit", async () => {
    const connectionId = await connect({ statementTimeoutSeconds: 1 });
    const sync = await createSync({ connectionId, entities: ["public.slow"] });
    expect(await failedRun(sync)).toMatchObject({
      resultReasonCode: "source_timeout",
      error: expect.stringMatching(/statement timeout.*Raise statementTimeoutSeconds of the connection/),
    });
  });

  it("since it took longer than it may", async () => {
    const sync = await createSync({ entities: ["public.slow"] }, { runTimeoutSeconds: 3 });
    const { id } = await trigger(world, sync.id);
    const run = await whenEnded(world, id);
    expectReadable(run);
    expect(run).toMatchObject({
      resultReasonCode: "run_timeout",
      error: "The run took longer than executionConfig.runTimeoutSeconds.",
    });
  });

  it.each([
    ["schema", "no_usage", [], /may not read shop\.items\. Grant the user `usage` on schema shop\.$/],
    ["table", "no_select", ["grant usage on schema shop to no_select"], /Grant the user `select` on shop\.items\.$/],
  ])("for want of a grant on a %s of the source", async (_what, role, grants, said) => {
    const { config, secrets } = await createRole(role, ...grants);
    const sync = await createSync({ connectionId: await connect(config, secrets), entities: ["shop.items"] });
    expect(await failedRun(sync)).toMatchObject({
      resultReasonCode: "source_permission_denied",
      error: expect.stringMatching(said),
    });
  });

  it.each([
    [
      "database",
      "fresh",
      /permission denied for database (\S+) .*Grant the destination's role `create` and `temporary` on database \1\.$/,
    ],
    [
      "schema",
      "given",
      /permission denied for schema given .*Grant the destination's role `usage` and `create` on schema given\.$/,
    ],
  ])("for want of a grant on a %s of the destination", async (_what, schema, said) => {
    const role = `no_${schema}_${randomBytes(4).toString("hex")}`;
    const { config, secrets } = await createRole(role);
    // Another warehouse, where nobody has made a ledger yet.
    const other = await createTestDatabase();
    const client = new pg.Client(other.url);
    await client.connect();
    const database = new URL(other.url).pathname.slice(1);
    try {
      await client.query(
        `revoke all on database ${database} from public; grant connect on database ${database} to ${role}`,
      );
      if (schema === "given") {
        await client.query(`grant create, temporary on database ${database} to ${role}; create schema given`);
      }
      const connectionId = await connect({ ...config, database }, secrets);
      const sync = await createSync({ destinationConfig: { connectionId, schema } });
      expect(await failedRun(sync)).toMatchObject({
        resultReasonCode: "destination_permission_denied",
        error: expect.stringMatching(said),
      });
    } finally {
      await client.end();
      await other.drop().catch(() => undefined);
    }
  });

  it("since a trigger at the destination raises", async () => {
    await world.source(
      "create table raised (id int primary key, at timestamptz); insert into raised values (1, now())",
    );
    const sync = await createSync({ entities: ["public.raised"] });
    await whenEnded(world, (await trigger(world, sync.id)).id);
    await world.warehouse(`
      create function refuse() returns trigger language plpgsql as $$ begin raise 'closed for the day'; end $$;
      create trigger refuse before insert on ${tableOf(sync, "public.raised")} for each row execute function refuse()`);
    await world.source("insert into raised values (2, now())");
    expect(await failedRun(sync)).toMatchObject({
      resultReasonCode: "destination_constraint_violation",
      error: expect.stringMatching(/closed for the day.*trigger at the destination/),
      summary: { entities: { "public.raised": { status: "failed" } } },
    });
  });

  it("since more rows were rejected than it may", async () => {
    await world.source("create table bad (id int primary key, at text); insert into bad values (1, 'x')");
    const tableBindings = [{ entityKey: "public.bad", loadMode: "upsert" }];
    const sync = await createSync({ entities: ["public.bad"], tableBindings }, { maxRejectedRows: 0 });
    await whenEnded(world, (await trigger(world, sync.id)).id);
    await world.warehouse(`alter table ${tableOf(sync, "public.bad")} add check (at <> 'y')`);
    await world.source("insert into bad values (2, 'y')");
    expect(await failedRun(sync)).toMatchObject({
      resultReasonCode: "reject_threshold_exceeded",
      error: expect.stringMatching(/raise executionConfig\.maxRejectedRows\.$/),
    });
  });

  it("and one that was cancelled has a receipt, with instants as everywhere", async () => {
    const sync = await createSync({ entities: ["public.slow"] });
    const { id } = await trigger(world, sync.id);
    await whenRun(world, id, ({ status }) => status === "running");
    await world.api("POST", `/syncs/runs/${id}/cancel`);
    const run = await whenEnded(world, id);
    const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(run).toMatchObject({
      status: "cancelled",
      summary: { cancel: { requestedAt: instant, observedAt: instant, fenced: true } },
    });
    const { body } = await world.api("GET", `/syncs/runs/${id}/events?limit=500`);
    expect(JSON.stringify(body)).not.toMatch(OF_POSTGRES);
  });
});

const OF_POSTGRES = /\d\d:\d\d(\.\d+)?\+00/;

/** Whatever it says, in one form: instants are RFC 3339 with `Z`, and nothing is promised. */
function expectReadable(run: Row): void {
  expect(JSON.stringify(run)).not.toMatch(OF_POSTGRES);
  expect(run.error).not.toMatch(/next attempt/);
}
