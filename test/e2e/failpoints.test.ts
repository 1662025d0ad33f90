import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { COMMITS, type FailpointName } from "../../core/failpoints.ts";
import { admitRun } from "../../db/runs.ts";
import { changeOrders, createOrdersSync, expectOrdersEqual, ORDERS, seedOrders } from "../support/orders.ts";
import { compareTables, createWorld, type Row, tableOf, trigger, type World, whenEnded } from "../support/world.ts";

const EVENTS = "public.events";
const STOCK = "public.stock";

const POINTS = COMMITS.flatMap((commit): FailpointName[] => [`${commit}.before`, `${commit}.after`]);

/**
 * The worker is killed right before and right after each commit of a run that merges, appends and adds a snapshot: by what it
 * has twice or lacks, each table shows one that was done again or left out.
 */
describe.concurrent("a worker that is killed", () => {
  it.for(POINTS)("at %s loses and doubles nothing", async (failpoint, { onTestFinished }) => {
    const world = await createWorld();
    onTestFinished(() => world.close());
    const sync = await prepare(world);

    const doomed = await world.startWorker({}, failpoint);
    // The API would try to dispatch it at once: what is killed is the worker.
    const admitted = await admitRun(world.db, {
      ...{ id: randomUUID(), syncId: sync.id, runMode: "incremental" },
      ...{ triggeredBy: "manual", triggerRef: null, actor: "user:test" },
    });
    if (!("run" in admitted)) throw new Error("another run is active");
    await doomed.gone;
    await world.startWorker();

    const ended = await whenEnded(world, admitted.run.id);
    expect(ended).toMatchObject({ status: "succeeded", resultReasonCode: null, nextAttemptRunId: null });
    await expectOrdersEqual(world, sync);
    const events = await compareTables(world, EVENTS, tableOf(sync, EVENTS));
    expect(events.destination).toEqual(events.source);
    expect(await snapshots(world, sync)).toEqual([{ rows: 40 }, { rows: 50 }]);
    await expectCounted(world, ended);
    await expectCursorsMovedOnce(world, sync);
  });
});

/** Loaded once, with a change at the source since. @returns the sync */
async function prepare(world: World): Promise<Row> {
  await seedOrders(world, 3_000);
  await world.source(`
    create table events (what text, updated_at timestamptz not null);
    insert into events select 'same', timestamptz '2025-01-01' + (i / 3) * interval '1 second' from generate_series(1, 600) i;
    create table stock (id int primary key, amount int);
    insert into stock select i, i from generate_series(1, 40) i;
    analyze`);
  const sync = await createOrdersSync(world, {
    entities: [ORDERS, EVENTS, STOCK],
    tableBindings: [
      { entityKey: EVENTS, loadMode: "append_event", cursorField: "updated_at" },
      { entityKey: STOCK, loadMode: "append_snapshot" },
    ],
    executionConfig: { batchRows: 300 },
  });
  const worker = await world.startWorker();
  const first = await whenEnded(world, (await trigger(world, sync.id)).id);
  expect(first).toMatchObject({ status: "succeeded" });
  await worker.kill();
  await changeOrders(world);
  await world.source("insert into events select 'same', now() from generate_series(1, 500)");
  await world.source("insert into stock select i, i from generate_series(41, 50) i");
  return sync;
}

function snapshots(world: World, sync: Row): Promise<Row[]> {
  const table = tableOf(sync, STOCK);
  return world.warehouse(`select count(*)::int as rows from ${table} group by _snapshot_at order by _snapshot_at`);
}

/** The run says what the ledger counts: 1,000 rows changed, 500 came, and 50 are in the snapshot. */
async function expectCounted(world: World, ended: Row): Promise<void> {
  const [ledger] = await world.warehouse(
    `select sum(rows_written)::int + (select coalesce(sum(finish_rows), 0)::int from _sluice.targets where plan_id = $1) as rows
     from _sluice.slices where plan_id = $1`,
    [ended.id],
  );
  expect(ended.summary.rowsWritten).toBe(ledger?.rows);
  expect(ended.summary.entities[ORDERS].rows).toBe(1_500);
  expect(ended.summary.entities[EVENTS].rows).toBe(500);
}

/** Once by the first run and once by this one; the next finds nothing new. */
async function expectCursorsMovedOnce(world: World, sync: Row): Promise<void> {
  const { body } = await world.api("GET", `/syncs/${sync.id}/state`);
  const versions = Object.fromEntries(body.entities.map((each: Row) => [each.entityKey, each.version]));
  expect(versions).toEqual({ [ORDERS]: 2, [EVENTS]: 2, [STOCK]: 0 });
  const again = await trigger(world, sync.id, { entities: [ORDERS, EVENTS] });
  expect(await whenEnded(world, again.id)).toMatchObject({ status: "succeeded", resultReasonCode: "no_new_data" });
}
