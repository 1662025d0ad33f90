import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createFaultProxy } from "../support/fault-proxy.ts";
import { SMALL_BATCHES, throughProxy, whileLocked } from "../support/orders.ts";
import { createOwnPostgres } from "../support/own-servers.ts";
import { createTestDatabase } from "../support/postgres.ts";
import {
  compareTables,
  createWorld,
  type Row,
  tableOf,
  trigger,
  until,
  type World,
  whenEnded,
  whenRun,
} from "../support/world.ts";

/** Longer than five tries of an activity last, than its heartbeats may stay away, and than nothing may move. */
const OUTAGE_MS = 65_000;
const TABLES = ["planning", "loading", "finishing", "proving"] as const;
/** An advisory lock of the warehouse that a trigger of the test's takes. */
const PROOF_LOCK = 4711;

async function seed(world: World): Promise<void> {
  for (const table of TABLES) {
    await world.source(`
      create table ${table} (id bigint primary key, note text, updated_at timestamptz not null);
      insert into ${table} select i, repeat(md5(i::text), 8), timestamptz '2025-01-01' + i * interval '1 second'
        from generate_series(1, 20000) i;
      analyze ${table}`);
  }
}

function createSync(world: World, table: string, connectionId: string): Promise<Row> {
  return world.createSync({
    connectionId,
    entities: [`public.${table}`],
    executionMode: "fan_out_window",
    executionConfig: { ...SMALL_BATCHES, progressTimeoutSeconds: 30 },
  });
}

async function expectEqual(world: World, sync: Row): Promise<void> {
  const [entity = ""] = sync.entities;
  const { source, destination } = await compareTables(world, entity, tableOf(sync, entity));
  expect(destination).toEqual(source);
}

/** Whoever fences the chain waits for the lock: the run is at its proof. */
async function holdProofsOf(world: World, runId: string): Promise<void> {
  await world.warehouse(`
    create function wait_for_test() returns trigger language plpgsql as $$
    begin perform pg_advisory_xact_lock(${PROOF_LOCK}); return new; end $$;
    create trigger wait_for_test before insert or update on _sluice.chains for each row
    when (new.root_run_id = '${runId}' and new.min_attempt > 1) execute function wait_for_test()`);
}

const sessionsWaiting = (world: World, pattern: string): Promise<true> =>
  until(`a session that waits: ${pattern}`, async () => {
    const rows = await world.warehouse(
      "select from pg_stat_activity where wait_event_type = 'Lock' and application_name like 'sluice%' and query ~* $1",
      [pattern],
    );
    return rows.length > 0 ? true : null;
  });

/** Side by side: most of their time they wait. */
describe.concurrent("the control database, away for more than a minute", () => {
  it("costs no run an attempt, whether it plans, loads, finishes or proves, and nothing is copied again", {
    timeout: 240_000,
  }, async () => {
    const control = await createOwnPostgres();
    const world = await createWorld({
      databases: {
        control: control.databases.control,
        warehouse: await createTestDatabase(),
        source: await createTestDatabase(),
      },
    });
    try {
      await seed(world);
      const direct = await world.createConnection();
      await throughProxy(world, async ({ proxy, connectionId }) => {
        const syncs = {
          planning: await createSync(world, "planning", direct),
          loading: await createSync(world, "loading", connectionId),
          finishing: await createSync(world, "finishing", direct),
          proving: await createSync(world, "proving", direct),
        };
        await world.startWorker();
        for (const name of ["finishing", "proving"] as const)
          await whenEnded(world, (await trigger(world, syncs[name].id)).id);
        const { sourceUrl, warehouseUrl } = world;
        const runs = await whileLocked(sourceUrl, "lock table planning in access exclusive mode", () =>
          whileLocked(
            warehouseUrl,
            `lock table ${tableOf(syncs.finishing, "public.finishing")} in access share mode`,
            () =>
              whileLocked(warehouseUrl, `select pg_advisory_xact_lock(${PROOF_LOCK})`, async () => {
                const planning = await trigger(world, syncs.planning.id);
                await whenRun(world, planning.id, ({ executorId }) => executorId !== null);
                const finishing = await trigger(world, syncs.finishing.id, { runMode: "full_refresh" });
                await sessionsWaiting(world, "finishing|lock table|g[0-9]");
                await world.source("insert into proving select i, 'new', now() from generate_series(20001, 20500) i");
                const proving = await trigger(world, syncs.proving.id);
                await holdProofsOf(world, proving.id);
                await sessionsWaiting(world, "_sluice.chains");
                proxy.stall(1_000_000);
                const loading = await trigger(world, syncs.loading.id);
                await until("the stall", async () => (proxy.stalled() ? true : null));
                await control.stop();
                return { planning, loading, finishing, proving };
              }),
          ),
        );
        // Everything goes on and meets a control database that is not there.
        proxy.heal();
        await sleep(OUTAGE_MS);
        await control.start();
        for (const name of TABLES) {
          const ended = await whenEnded(world, runs[name].id);
          expect([name, ended.status, ended.resultReasonCode, ended.attemptNumber, ended.error]).toEqual([
            ...[name, "succeeded", null, 1, null],
          ]);
          expect([name, ended.nextAttemptRunId]).toEqual([name, null]);
          await expectEqual(world, syncs[name]);
        }
        const blamed = await world.db.selectFrom("runSlices").selectAll().where("reasonCode", "is not", null).execute();
        expect(blamed).toEqual([]);
        const copied = await world.warehouse(
          "select max(fence)::int as claims from _sluice.slices where plan_id = $1",
          [runs.loading.id],
        );
        expect(copied).toEqual([{ claims: 1 }]);
      });
    } finally {
      await world.close();
      await control.remove();
    }
  });

  it("or there and silent, as one that is paused or cut off: the same", { timeout: 240_000 }, async () => {
    const world = await createWorld();
    const control = await createFaultProxy({ targetPort: Number(new URL(world.controlUrl).port) });
    try {
      await seed(world);
      const url = new URL(world.controlUrl);
      url.port = String(control.port);
      await world.startWorker({ DATABASE_URL: url.href });
      const direct = await world.createConnection();
      await throughProxy(world, async ({ proxy, connectionId }) => {
        const syncs = {
          planning: await createSync(world, "planning", direct),
          loading: await createSync(world, "loading", connectionId),
        };
        const lock = "lock table planning in access exclusive mode";
        const runs = await whileLocked(world.sourceUrl, lock, async () => {
          const planning = await trigger(world, syncs.planning.id);
          await whenRun(world, planning.id, ({ executorId }) => executorId !== null);
          proxy.stall(1_000_000);
          const loading = await trigger(world, syncs.loading.id);
          await until("the stall", async () => (proxy.stalled() ? true : null));
          control.stall();
          return { planning, loading };
        });
        proxy.heal();
        await sleep(OUTAGE_MS);
        control.heal();
        for (const name of ["planning", "loading"] as const) {
          const ended = await whenEnded(world, runs[name].id);
          expect([name, ended.status, ended.attemptNumber, ended.error]).toEqual([name, "succeeded", 1, null]);
          await expectEqual(world, syncs[name]);
        }
      });
    } finally {
      await world.close();
      await control.close();
    }
  });
});
