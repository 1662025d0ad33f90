import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createOrdersSync,
  expectOrdersEqual,
  ORDERS,
  seedOrders,
  whenBlocked,
  whileLocked,
} from "../support/orders.ts";
import {
  createWorld,
  type Row,
  tableOf,
  trigger,
  type WorkerProcess,
  type World,
  whenEnded,
} from "../support/world.ts";

/** "Is my copy right?" is answered by both databases, and what is not is put right, window by window. */
describe("verify and repair", () => {
  let world: World;
  let worker: WorkerProcess;
  beforeAll(async () => {
    world = await createWorld();
    await seedOrders(world, 20_000);
    worker = await world.startWorker();
  });
  afterAll(() => world.close());

  let syncs = 0;
  const define = (changes: Row = {}) =>
    createOrdersSync(world, { destinationConfig: { schema: `copy_${++syncs}` }, ...changes });
  const run = async (sync: Row, runMode: "incremental" | "verify" | "repair"): Promise<Row> =>
    whenEnded(world, (await trigger(world, sync.id, { runMode })).id);
  const slicesOf = async (ended: Row): Promise<Row[]> =>
    (await world.api("GET", `/syncs/runs/${ended.id}/slices`)).body.slices;
  const stateOf = async (sync: Row): Promise<Row> =>
    (await world.api("GET", `/syncs/${sync.id}/state`)).body.entities[0];

  it("a copy that is right is verified without a row moved, a cursor moved or a table touched", async () => {
    const sync = await define();
    await run(sync, "incremental");
    const state = await stateOf(sync);
    const generations = () => world.warehouse("select * from _sluice.tables order by table_name");
    const tables = await generations();
    const verified = await run(sync, "verify");
    expect(verified).toMatchObject({
      status: "succeeded",
      resultClass: "success",
      resultReasonCode: null,
      error: null,
    });
    expect(verified.summary).toMatchObject({ rowsRead: 0, rowsWritten: 0 });
    expect(verified.summary.verification.entities).toEqual({
      [ORDERS]: { windows: 4, differing: 0, sourceRows: 20_000, destinationRows: 20_000 },
    });
    expect((await slicesOf(verified)).map(({ status, verification }) => [status, verification.equal])).toEqual(
      Array(4).fill(["done", true]),
    );
    expect(await stateOf(sync)).toEqual(state);
    expect(await generations()).toEqual(tables);
  });

  it("verify names exactly the windows that differ, and repair loads exactly those again", async () => {
    const sync = await define();
    await run(sync, "incremental");
    const table = tableOf(sync, ORDERS);
    await world.warehouse(`update ${table} set amount = amount + 1 where id = 17`);
    await world.warehouse(`delete from ${table} where id in (9001, 9002)`);
    await world.warehouse(`insert into ${table} (id, note, updated_at, _sluice_run_id)
      select 20001, 'private', updated_at, _sluice_run_id from ${table} where id = 1`);

    const verified = await run(sync, "verify");
    expect(verified).toMatchObject({ status: "failed", resultReasonCode: "reconciliation_mismatch" });
    expect(verified.error).toContain("3 of 4 windows differ from the source: 1/4, 2/4, 4/4");
    expect(verified.summary.entities[ORDERS]).toMatchObject({
      status: "failed",
      reasonCode: "reconciliation_mismatch",
    });
    expect(JSON.stringify(verified)).not.toContain("private");
    expect((await slicesOf(verified)).map(({ status, verification }) => [status, verification])).toEqual([
      ["failed", { sourceRows: expect.any(Number), destinationRows: expect.any(Number), equal: false }],
      ["failed", { sourceRows: expect.any(Number), destinationRows: expect.any(Number), equal: false }],
      ["done", { sourceRows: expect.any(Number), destinationRows: expect.any(Number), equal: true }],
      ["failed", { sourceRows: expect.any(Number), destinationRows: expect.any(Number), equal: false }],
    ]);
    const state = await stateOf(sync);

    const repaired = await run(sync, "repair");
    expect(repaired).toMatchObject({ status: "succeeded", resultReasonCode: null });
    expect(repaired.summary.rowsWritten).toBe(4);
    const windows = await slicesOf(repaired);
    expect(windows.map(({ verification }) => verification.equal)).toEqual([false, false, true, false]);
    expect(
      windows.map(({ rowsRead, verification }) => (verification.equal ? rowsRead === 0 : rowsRead >= 4_000)),
    ).toEqual(Array(4).fill(true));
    await expectOrdersEqual(world, sync);
    expect(await stateOf(sync)).toEqual(state);
    expect(await run(sync, "verify")).toMatchObject({ status: "succeeded" });
  });

  it("a retry of a verify looks only at what differed, and a retry as repair mends it", async () => {
    const sync = await define();
    await run(sync, "incremental");
    const table = tableOf(sync, ORDERS);
    await world.warehouse(`delete from ${table} where id = 5`);
    const failed = await run(sync, "verify");
    const retry = async (of: Row, body: Row): Promise<Row> =>
      whenEnded(world, (await world.api("POST", `/syncs/runs/${of.id}/retry`, body)).body.id);
    const again = await retry(failed, {});
    expect(again).toMatchObject({ status: "failed", resultReasonCode: "reconciliation_mismatch" });
    expect((await slicesOf(again)).map(({ inherited }) => inherited)).toEqual([false, true, true, true]);
    expect(again.summary.verification.entities[ORDERS]).toMatchObject({ windows: 4, differing: 1 });
    expect(await retry(again, { runMode: "repair" })).toMatchObject({ status: "succeeded" });
    await expectOrdersEqual(world, sync);
  });

  it("a source at work gives no false alarm: what the next run will load does not count", async () => {
    const sync = await define();
    await run(sync, "incremental");
    let writing = true;
    const write = async (): Promise<void> => {
      for (let i = 0; writing; i++) {
        await world.source(
          `update orders set note = 'busy ${i}', updated_at = clock_timestamp() where id % 97 = ${i % 97}`,
        );
        await world.source("insert into orders select max(id) + 1, 'new', 1, null, clock_timestamp() from orders");
      }
    };
    const writer = write();
    try {
      for (let turn = 0; turn < 3; turn++) expect(await run(sync, "verify")).toMatchObject({ status: "succeeded" });
    } finally {
      writing = false;
      await writer;
    }
    await run(sync, "incremental");
    expect(await run(sync, "verify")).toMatchObject({ status: "succeeded" });
  });

  it("text keys and every kind of type compare equal, whatever the two ends think of order and types", async () => {
    await world.source(`
      create type mood as enum ('sad', 'ok'); create domain email as text; create type pair as (a int, b text);
      
      create table people (
        id email collate "C" primary key, mood mood, moods mood[], money money, pair pair, f4 real, f8 double precision,
        n numeric, n2 numeric(10,2), at timestamptz, ts timestamp(3), d date, i interval, b bytea, j json, jb jsonb,
        tags text[], bits bit(5), ip inet, u uuid, r int4range, c char(5), v varchar(9), s smallint);
      insert into people select 'P' || md5(i::text) || 'é', 'ok', '{ok,sad}', i::money, row(i, 'x,"y')::pair, 'NaN', '-0', 'NaN', 1.10,
        'infinity', now(), '0044-03-15 BC', '1 mon -2 days', '\\x00ff', '{"b": 1, "a": 2}', '{"b": 1, "a": 2}',
        array['a', null, ''], '10101', '10.0.0.1/8', gen_random_uuid(), '[1,5)', 'ab', '', i % 100
      from generate_series(1, 15000) i;
      analyze people`);
    const people = "public.people";
    const sync = await define({ entities: [people] });
    expect(await run(sync, "incremental")).toMatchObject({ status: "succeeded" });
    await world.source("alter table people alter column s type integer");
    await world.warehouse(
      `alter table ${tableOf(sync, people)} alter column n2 type numeric, alter column s type bigint`,
    );
    const verified = await run(sync, "verify");
    expect(verified).toMatchObject({ status: "succeeded", error: null });
    expect(verified.summary.verification.entities[people]).toMatchObject({ windows: 2, sourceRows: 15_000 });

    await world.warehouse(
      `update ${tableOf(sync, people)} set f8 = 0 where id = (select min(id) from ${tableOf(sync, people)})`,
    );
    expect((await run(sync, "verify")).error).toContain("1 of 2 windows differ");
    expect(await run(sync, "repair")).toMatchObject({ status: "succeeded", summary: { rowsWritten: 1 } });
    expect(await run(sync, "verify")).toMatchObject({ status: "succeeded" });
  });

  it("rows without a key are compared as a multiset", async () => {
    await world.source("create table marks as select i % 10 as page from generate_series(1, 1000) i");
    const marks = "public.marks";
    const sync = await define({ entities: [marks] });
    await run(sync, "incremental");
    expect(await run(sync, "verify")).toMatchObject({ status: "succeeded" });
    const table = tableOf(sync, marks);
    await world.warehouse(`insert into ${table} select * from ${table} where page = 2 limit 1`);
    expect(await run(sync, "verify")).toMatchObject({ status: "failed", resultReasonCode: "reconciliation_mismatch" });
    await world.warehouse(`delete from ${table} where ctid = (select min(ctid) from ${table} where page = 3)`);
    expect(await run(sync, "verify")).toMatchObject({ resultReasonCode: "reconciliation_mismatch" });
    // Of equal rows as many stay as the source has, and no others are written.
    const repaired = await run(sync, "repair");
    expect(repaired).toMatchObject({ status: "succeeded", summary: { rowsWritten: 2 } });
    expect(await run(sync, "verify")).toMatchObject({ status: "succeeded" });
    const counted = await world.warehouse(`select page, count(*)::int as rows from ${table} group by 1 order by 1`);
    expect(counted).toEqual(Array.from({ length: 10 }, (_, page) => ({ page, rows: 100 })));
  });

  it("a view, and rows of types without an order or a key, are repaired as a whole", async () => {
    await world.source(`
      create table raw (j json, p point, n numeric(6,2), v varchar(5));
      insert into raw select '{"b": 1, "a": 2}', '(1,2)', i % 3, 'x' from generate_series(1, 90) i;
      create view raw_view as select j, p, n, v from raw`);
    const [raw, view] = ["public.raw", "public.raw_view"];
    const sync = await define({ entities: [raw, view] });
    await run(sync, "incremental");
    // The destination may be wider than the source.
    await world.warehouse(`alter table ${tableOf(sync, raw)} alter column n type numeric, alter column v type text`);
    await world.warehouse(`delete from ${tableOf(sync, raw)} where n = 1`);
    await world.warehouse(`update ${tableOf(sync, view)} set v = 'y' where n = 2`);
    const repaired = await run(sync, "repair");
    expect(repaired).toMatchObject({ status: "succeeded", error: null });
    expect(repaired.summary.entities).toEqual({
      [raw]: { status: "done", rows: 30 },
      [view]: { status: "done", rows: 60 },
    });
    expect(await run(sync, "verify")).toMatchObject({ status: "succeeded" });
    await world.source("delete from raw");
    const emptied = await run(sync, "repair");
    expect(emptied).toMatchObject({ status: "failed", resultReasonCode: "unexpected_zero_rows" });
    expect(await world.warehouse(`select count(*)::int as rows from ${tableOf(sync, raw)}`)).toEqual([{ rows: 90 }]);
  });

  it("what cannot be compared is skipped with a reason, and the run is partial, whatever the others are", async () => {
    await world.source(`
      create table log (line text); insert into log select 'a' from generate_series(1, 5);
      create table sizes (id integer primary key); insert into sizes select generate_series(1, 5)`);
    const [log, sizes] = ["public.log", "public.sizes"];
    const sync = await define({
      entities: [log, sizes],
      tableBindings: [{ entityKey: log, loadMode: "append_event" }],
    });
    await run(sync, "incremental");
    for (const runMode of ["verify", "repair"] as const) {
      const partial = await run(sync, runMode);
      expect(partial).toMatchObject({
        ...{ status: "partial", resultClass: "partial_success", resultReasonCode: "entities_skipped" },
        error: expect.stringMatching(/^public\.log is not compared/),
      });
      expect(partial.summary.entities).toEqual({
        [log]: { status: "skipped", rows: 0, reasonCode: "skipped_not_comparable", error: partial.error },
        [sizes]: { status: "done", rows: 0 },
      });
    }
    const asked = (entities: string[]) =>
      world.api("POST", `/syncs/${sync.id}/trigger`, { runMode: "repair", entities });
    const { status, body } = await asked([sizes, log]);
    expect([status, body.detail.map(({ loc }: Row) => loc)]).toEqual([422, [["body", "entities", 1]]]);
    const { body: alone } = await asked([sizes]);
    expect(await whenEnded(world, alone.id)).toMatchObject({ status: "succeeded" });
  });

  it("a repair compares what it cannot mend, and says what can", async () => {
    await world.source("create table rates (id integer primary key); insert into rates select generate_series(1, 5)");
    const rates = "public.rates";
    await world.source("create table tags (id integer primary key); insert into tags select generate_series(1, 5)");
    const sync = await define({
      entities: [rates, "public.tags"],
      tableBindings: [{ entityKey: rates, loadMode: "scd2" }],
    });
    await run(sync, "incremental");
    expect(await run(sync, "repair")).toMatchObject({ status: "succeeded" });
    await world.warehouse(`delete from ${tableOf(sync, rates)} where id = 1`);
    const failed = await run(sync, "repair");
    expect(failed).toMatchObject({ status: "partial", resultReasonCode: "entities_failed" });
    expect(failed.summary.entities[rates]).toMatchObject({
      ...{ status: "failed", reasonCode: "reconciliation_mismatch" },
      error: expect.stringMatching(/has no repair: a run with runMode full_refresh/),
    });
  });

  it("rows that are marked as deleted are no rows of the source; repair marks what is gone and takes back what is there", async () => {
    await world.source("create table stock (id integer primary key); insert into stock select generate_series(1, 100)");
    const stock = "public.stock";
    const sync = await define({
      entities: [stock],
      tableBindings: [{ entityKey: stock, loadMode: "upsert_soft_delete" }],
    });
    await run(sync, "incremental");
    await world.source("delete from stock where id <= 10");
    await run(sync, "incremental");
    expect(await run(sync, "verify")).toMatchObject({ status: "succeeded" });
    await world.source("delete from stock where id = 11");
    await world.source("insert into stock values (1)");
    const repaired = await run(sync, "repair");
    expect(repaired).toMatchObject({ status: "succeeded", summary: { rowsWritten: 2 } });
    const table = tableOf(sync, stock);
    const marked = await world.warehouse(`select id from ${table} where _deleted_at is not null order by id`);
    expect(marked.map(({ id }) => id)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it("of versions the current ones are compared", async () => {
    await world.source(`
      create table prices (id integer primary key, price numeric, updated_at timestamptz not null default clock_timestamp());
      insert into prices select i, i from generate_series(1, 100) i`);
    const prices = "public.prices";
    const sync = await define({ entities: [prices], tableBindings: [{ entityKey: prices, loadMode: "scd2" }] });
    await run(sync, "incremental");
    await world.source("update prices set price = 0, updated_at = clock_timestamp() where id <= 10");
    await run(sync, "incremental");
    const verified = await run(sync, "verify");
    expect(verified.summary.verification.entities[prices]).toMatchObject({ differing: 0, destinationRows: 100 });
    await world.warehouse(`update ${tableOf(sync, prices)} set price = 1 where id = 2 and _is_current`);
    expect(await run(sync, "verify")).toMatchObject({ resultReasonCode: "reconciliation_mismatch" });
  });

  it("a worker that is killed while it repairs leaves a window as it was, and the next one mends it", async () => {
    const sync = await define();
    await run(sync, "incremental");
    const table = tableOf(sync, ORDERS);
    await world.warehouse(`delete from ${table} where id = 3`);
    await world.warehouse(`update ${table} set note = 'other' where id = 4`);
    const repair = await whileLocked(world.warehouseUrl, `select from ${table} where id = 4 for update`, async () => {
      const { id } = await trigger(world, sync.id, { runMode: "repair" });
      await whenBlocked(world);
      await worker.kill();
      worker = await world.startWorker();
      const [row] = await world.warehouse(`select count(*)::int as rows from ${table} where id = 3`);
      expect(row).toEqual({ rows: 0 });
      return id;
    });
    expect(await whenEnded(world, repair)).toMatchObject({ status: "succeeded", summary: { rowsWritten: 2 } });
    await expectOrdersEqual(world, sync);
    expect(await run(sync, "verify")).toMatchObject({ status: "succeeded" });
  });

  it("a cancel reaches the statement that compares", async () => {
    const sync = await define();
    await run(sync, "incremental");
    await whileLocked(world.warehouseUrl, `lock table ${tableOf(sync, ORDERS)}`, async () => {
      const { id } = await trigger(world, sync.id, { runMode: "verify" });
      expect(await whenBlocked(world)).toContain("hashtextextended");
      await world.api("POST", `/syncs/runs/${id}/cancel`);
      expect(await whenEnded(world, id)).toMatchObject({ status: "cancelled", resultReasonCode: "cancelled_by_user" });
    });
  });

  it("a table that the sync has not loaded is no table to compare with, and is not made by that", async () => {
    const sync = await define();
    const verified = await run(sync, "verify");
    expect(verified).toMatchObject({ status: "failed", resultReasonCode: "destination_schema_conflict" });
    expect(verified.error).toContain("this sync has not loaded it");
    const [made] = await world.warehouse("select to_regclass($1) as table", [tableOf(sync, ORDERS)]);
    expect(made).toEqual({ table: null });
    const { body } = await world.api("GET", `/syncs/${sync.id}`);
    expect(body.tableBindings[0].physicalTableName).toBe(sync.tableBindings[0].physicalTableName);
  });

  it("a repair that cannot succeed, since a column has another type now, says so", async () => {
    await world.source(
      "create table retyped (id int primary key, day timestamp); insert into retyped values (1, '2026-01-01 12:00')",
    );
    const sync = await define({ entities: ["public.retyped"] });
    await run(sync, "incremental");
    await world.source("alter table retyped alter day type timestamptz using day at time zone 'Asia/Tokyo'");
    const repaired = await run(sync, "repair");
    expect(repaired).toMatchObject({ status: "failed", resultReasonCode: "reconciliation_mismatch" });
    expect(repaired.error).toContain("day is timestamp without time zone, the source's now timestamp with time zone");
    expect(repaired.error).toContain("runMode full_refresh");
    expect(await run(sync, "incremental")).toMatchObject({
      status: "failed",
      resultReasonCode: "destination_type_mismatch",
    });
  });
});
