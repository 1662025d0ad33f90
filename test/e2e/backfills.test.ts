import { afterAll, beforeAll, expect, it } from "vitest";
import { readCursorState } from "../../db/cursor-states.ts";
import { committedRows, createOrdersSync, expectOrdersEqual, ORDERS, seedOrders } from "../support/orders.ts";
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

/** Orders carry one second each from 2025-01-01 on: the third hour is rows 7200 to 10799. */
const THIRD_HOUR = { from: "2025-01-01T02:00:00Z", to: "2025-01-01T03:00:00Z" };
const IN_IT = "id between 7200 and 10799";

let world: World;

beforeAll(async () => {
  world = await createWorld();
  await seedOrders(world, 20_000);
  await world.source("create table tags (id int primary key)");
});
afterAll(() => world.close());

async function backfill(sync: Row, body: Row): Promise<Row> {
  const { status, body: run } = await world.api("POST", `/syncs/${sync.id}/backfills`, body);
  expect(status).toBe(201);
  return run;
}

it("a backfill mends its window and nothing else, whatever dies; newer rows stay, and so does the cursor", async () => {
  const sync = await createOrdersSync(world, {
    destinationConfig: { schema: "mended" },
    executionConfig: { windowSize: "PT10M", batchRows: 100 },
  });
  const worker = await world.startWorker();
  await whenEnded(world, (await trigger(world, sync.id)).id);
  const cursor = await readCursorState(world.db, sync.id, ORDERS);
  const table = tableOf(sync, ORDERS);
  await world.warehouse(`delete from ${table} where id in (7199, 7200, 9000, 10799, 10800)`);
  await world.warehouse(`update ${table} set note = 'newer', updated_at = '2030-01-01' where id = 8000`);

  const before = await committedRows(world);
  const run = await backfill(sync, { window: THIRD_HOUR });
  await until("a batch", async () => ((await committedRows(world)) > before + 500 ? true : null));
  await worker.kill();
  await world.startWorker();
  const ended = await whenChainEnded(world, run.id);
  expect(ended).toMatchObject({ status: "succeeded", runMode: "backfill", request: { window: THIRD_HOUR } });
  expect((await getRun(world, run.id)).summary.slices.total).toBe(6);
  expect(await committedRows(world)).toBe(before + 3_600);
  const [shown] = await world.warehouse(
    `select count(*) filter (where ${IN_IT})::int as inside, count(*)::int as all,
            (select note from ${table} where id = 8000) as note from ${table}`,
  );
  expect(shown).toEqual({ inside: 3_600, all: 19_998, note: "newer" });
  expect(await readCursorState(world.db, sync.id, ORDERS)).toEqual(cursor);
});

it("a backfill loads a table that has never been loaded, and the next run completes it", async () => {
  const sync = await createOrdersSync(world, {
    entities: [ORDERS, "public.tags"],
    destinationConfig: { schema: "begun" },
  });
  const run = await whenEnded(world, (await backfill(sync, { window: THIRD_HOUR })).id);
  expect(run).toMatchObject({
    status: "partial",
    resultReasonCode: "entities_failed",
    summary: { rowsWritten: 3_600 },
  });
  expect(run.summary.entities["public.tags"]).toMatchObject({
    reasonCode: "config_invalid",
    error: expect.stringContaining("cursorField"),
  });
  expect(await readCursorState(world.db, sync.id, ORDERS)).toBeNull();
  expect(await whenEnded(world, (await trigger(world, sync.id)).id)).toMatchObject({ status: "succeeded" });
  await expectOrdersEqual(world, sync);
});

it("a guard keeps the table, and a retry with the guards lifted finishes what was read", async () => {
  const rules = { schema: "guarded", entities: { [ORDERS]: { guards: { maxDeleteShare: 0.1 } } } };
  const sync = await createOrdersSync(world, { destinationConfig: rules });
  await whenEnded(world, (await trigger(world, sync.id)).id);
  await world.source("delete from orders where id > 10000");
  const guarded = await whenEnded(world, (await trigger(world, sync.id, { runMode: "full_refresh" })).id);
  expect(guarded).toMatchObject({ status: "failed", resultReasonCode: "delete_guard_tripped" });
  expect(guarded.error).toContain("liftGuards");
  const [kept] = await world.warehouse(`select count(*)::int as rows from ${tableOf(sync, ORDERS)}`);
  expect(kept).toEqual({ rows: 20_000 });

  const read = await committedRows(world);
  const { body: lifted } = await world.api("POST", `/syncs/runs/${guarded.id}/retry`, { liftGuards: true });
  expect(await whenEnded(world, lifted.id)).toMatchObject({ status: "succeeded", request: { liftGuards: true } });
  expect(await committedRows(world)).toBe(read);
  await expectOrdersEqual(world, sync);
});

it("a backfill takes rows from its window alone, where the load mode takes any, and ends or marks none", async () => {
  const columns = { delete_insert: "true", upsert_soft_delete: "_deleted_at is null", scd2: "_is_current" };
  const syncs = await Promise.all(
    Object.entries(columns).map(async ([loadMode, isCurrent]) => {
      const tableBindings = [{ entityKey: ORDERS, loadMode }];
      const sync = await createOrdersSync(world, { tableBindings, destinationConfig: { schema: loadMode } });
      await whenEnded(world, (await trigger(world, sync.id)).id);
      return { sync, loadMode, isCurrent };
    }),
  );
  await world.source("delete from orders where id in (100, 8000)");
  const gone = await Promise.all(
    syncs.map(async ({ sync, loadMode, isCurrent }) => {
      expect(await whenEnded(world, (await backfill(sync, { window: THIRD_HOUR })).id)).toMatchObject({
        status: "succeeded",
      });
      const kept = `select id::int from ${tableOf(sync, ORDERS)} where ${isCurrent}`;
      const rows = await world.warehouse(`select id from unnest(array[100, 8000]) id except (${kept}) order by id`);
      return [loadMode, rows.map(({ id }) => id)];
    }),
  );
  expect(Object.fromEntries(gone)).toEqual({ delete_insert: [8000], upsert_soft_delete: [], scd2: [] });
});
