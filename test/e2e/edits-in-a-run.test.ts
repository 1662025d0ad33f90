import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createOrdersSync, expectOrdersEqual, ORDERS, seedOrders, throughProxy } from "../support/orders.ts";
import { createTestDatabase, type TestDatabase, withClient } from "../support/postgres.ts";
import {
  createWorld,
  getRun,
  type Row,
  tableOf,
  trigger,
  until,
  type World,
  whenChainEnded,
  whenEnded,
} from "../support/world.ts";

/** What is edited while a run is at work reaches the next chain, or the next attempt: never half of a scan. */
describe("an edit in the middle of a run", () => {
  let world: World;

  beforeEach(async () => {
    world = await createWorld();
    await seedOrders(world, 20_000);
    await world.startWorker();
  });
  afterEach(() => world.close());

  /** Edits while a read of the first windows stands still, with others still to come. */
  async function runDuring(
    edit: (of: { sync: Row; connectionId: string; port: number }) => Promise<void>,
    { changes = {}, first = false }: { changes?: Row; first?: boolean } = {},
  ): Promise<{ sync: Row; run: Row }> {
    return throughProxy(world, async ({ proxy, connectionId }) => {
      const sync = await createOrdersSync(world, {
        connectionId,
        ...changes,
        executionConfig: { maxConcurrency: 1, windowSize: "2000", ...changes.executionConfig },
      });
      if (first) await whenEnded(world, (await trigger(world, sync.id)).id);
      proxy.stall(2_000_000);
      const run = await trigger(world, sync.id, first ? { runMode: "full_refresh" } : {});
      await until("the stall", async () => (proxy.stalled() ? true : null));
      await edit({ sync, connectionId, port: proxy.port });
      proxy.heal();
      await whenChainEnded(world, run.id);
      return { sync, run: await getRun(world, run.id) };
    });
  }

  async function patch(path: string, body: Row): Promise<void> {
    const answer = await world.api("PATCH", path, body);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  }

  it("of the columns that the sync reads: all windows are read as they were planned", async () => {
    const { sync, run } = await runDuring(({ sync: { id } }) =>
      patch(`/syncs/${id}`, { sourceConfig: { resources: { [ORDERS]: { exclude: ["note"] } } } }),
    );
    expect(run).toMatchObject({ status: "succeeded", attemptNumber: 1 });
    await expectOrdersEqual(world, sync);
  });

  it("of a guard: the run is guarded as it was planned, and a retry as it was edited", async () => {
    const { sync, run } = await runDuring(
      async ({ sync: { id } }) => {
        await patch(`/syncs/${id}`, { destinationConfig: { guards: { maxRowsFactor: 0.1 } } });
      },
      { first: true },
    );
    expect(run).toMatchObject({ status: "succeeded", attemptNumber: 1 });
    const { config, secrets } = world.sourceConnection();
    await patch(`/connections/${sync.connectionId}`, { config, secrets });
    const next = await trigger(world, sync.id, { runMode: "full_refresh" });
    expect(await whenEnded(world, next.id)).toMatchObject({
      status: "failed",
      resultReasonCode: "delete_guard_tripped",
    });
    await patch(`/syncs/${sync.id}`, { destinationConfig: {} });
    const retried = await world.api("POST", `/syncs/runs/${next.id}/retry`, {});
    expect(await whenEnded(world, retried.body.id)).toMatchObject({ status: "succeeded" });
  });

  it("of the source's address: the attempt ends, and the next one reads everything from the new one", async () => {
    const other = await createTestDatabase();
    try {
      const { run, sync } = await runDuring(async ({ connectionId }) => {
        await copyOrders(other);
        const { config, secrets } = world.sourceConnection();
        await patch(`/connections/${connectionId}`, {
          config: { ...config, database: new URL(other.url).pathname.slice(1) },
          secrets,
        });
      });
      expect(run).toMatchObject({ status: "failed", resultReasonCode: "connection_changed" });
      const ended = await getRun(world, String(run.nextAttemptRunId));
      expect(ended).toMatchObject({ status: "succeeded", summary: { replanned: true } });
      const [seen] = await world.warehouse(
        `select count(*)::int as rows, count(*) filter (where note = 'other')::int as other from ${tableOf(sync, ORDERS)}`,
      );
      expect(seen).toEqual({ rows: 20_000, other: 20_000 });
    } finally {
      await other.drop();
    }
  });

  it("of the destination's address: nothing more goes to the old one, and the next attempt loads all into the new one", async () => {
    const [first, second] = [await createTestDatabase(), await createTestDatabase()];
    try {
      const destinationId = await connect(first);
      const { secrets } = world.sourceConnection();
      const edit = { config: configOf(second), secrets };
      const { run } = await runDuring(() => patch(`/connections/${destinationId}`, edit), {
        changes: { destinationConfig: { connectionId: destinationId } },
      });
      expect(run).toMatchObject({ status: "failed", resultReasonCode: "connection_changed" });
      const ended = await getRun(world, String(run.nextAttemptRunId));
      expect(ended).toMatchObject({ status: "succeeded", summary: { rowsWritten: 20_000 } });
      // The first plan, whose id is its run's, has left nothing there.
      const slices = await withClient(second.url, (client) =>
        client.query("select from _sluice.slices where plan_id = $1", [run.id]),
      );
      expect(slices.rowCount).toBe(0);
    } finally {
      await Promise.all([first.drop(), second.drop()]);
    }
  });

  const configOf = ({ url }: TestDatabase): Row => ({
    ...world.sourceConnection().config,
    database: new URL(url).pathname.slice(1),
  });

  async function connect(database: TestDatabase): Promise<string> {
    const { body } = await world.api("POST", "/connections", {
      ...world.sourceConnection(),
      config: configOf(database),
    });
    return body.id;
  }

  /** The same rows, but for a note that says where they are from. */
  async function copyOrders({ url }: TestDatabase): Promise<void> {
    await withClient(url, (client) =>
      client.query(`
        create table orders (id bigint primary key, note text, amount numeric, tags text[], updated_at timestamptz not null);
        insert into orders select i, 'other', i / 7.0, array['a', null, i::text],
          timestamptz '2025-01-01' + i * interval '1 second' from generate_series(1, 20000) i`),
    );
  }
});
