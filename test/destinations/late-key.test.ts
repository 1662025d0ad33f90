import { describe, expect, test } from "vitest";
import type { PrepareRequest } from "../../destinations/destination.ts";
import type { LoadTarget } from "../../destinations/load-target.ts";
import {
  claim,
  finish,
  killWaiting,
  load,
  openWarehouse,
  prepareRequest,
  rowsBatch,
  type Warehouse,
} from "./warehouse.ts";

type Rows = (string | null)[][];

const rowsOf = (from: number, to: number, note = "first", at = "2026-01-01"): Rows =>
  Array.from({ length: to - from }, (_, index) => [String(from + index), note, at]);

async function begin(
  warehouse: Warehouse,
  overrides: Partial<PrepareRequest> = {},
): Promise<{ request: PrepareRequest; target: LoadTarget }> {
  const request = prepareRequest({ keyComesLast: true, ...overrides });
  return { request, target: await warehouse.destination.prepareEntity(request) };
}

/** Of the table and of what it shows. */
async function keys({ query }: Warehouse): Promise<Record<string, string>> {
  const rows = await query<{ of: string; key: string }>(
    `select case conrelid when 'shop.orders'::regclass then 'table' else 'rows' end as of, pg_get_constraintdef(oid) as key
     from pg_constraint where contype = 'p' and (conrelid = 'shop.orders'::regclass
       or conrelid in (select inhrelid from pg_inherits where inhparent = 'shop.orders'::regclass))`,
  );
  return Object.fromEntries(rows.map(({ of, key }) => [of, key]));
}

const indexes = ({ query }: Warehouse, { leafTable }: LoadTarget) =>
  query("select indexrelid::regclass::text from pg_index where indrelid = $1::regclass", [`_sluice.${leafTable}`]);

const KEYED = { table: "PRIMARY KEY (id)", rows: "PRIMARY KEY (id)" };

describe("a key that is made last", () => {
  test("is there with the finish, and then as any other; what has none rejects a NULL in it all the same", async () => {
    const warehouse = await openWarehouse();
    const { request, target } = await begin(warehouse);
    expect(target).toMatchObject({ kind: "first_load", straight: true, lateKey: { keeps: "newest" } });
    await load(warehouse, target, request, [...rowsOf(0, 500), [null, "no id", null]]);
    expect(await keys(warehouse)).toEqual({});
    expect(await warehouse.query("select count(*)::int as n from shop.orders")).toEqual([{ n: 500 }]);
    await finish(warehouse, target, request);
    expect(await keys(warehouse)).toEqual(KEYED);
    expect(await indexes(warehouse, target)).toHaveLength(1);
    await finish(warehouse, target, request);
    await expect(
      warehouse.query("insert into shop.orders (id, _sluice_run_id) values (7, gen_random_uuid())"),
    ).rejects.toThrow(/duplicate key/);
    expect(await warehouse.destination.readLedger(request.planId)).toMatchObject([
      { rowsWritten: 500, rowsRejected: 1, done: true },
    ]);
    expect(await warehouse.destination.readFinished(request.planId)).toEqual(["public.orders"]);

    const next = prepareRequest({ keyComesLast: true });
    const merged = await warehouse.destination.prepareEntity(next);
    expect(merged).toMatchObject({ kind: "in_place", loadMode: "upsert" });
    await load(warehouse, merged, next, rowsOf(400, 600, "second", "2026-01-02"));
    expect(
      await warehouse.query("select note, count(*)::int as n from shop.orders group by note order by note"),
    ).toEqual([
      { note: "first", n: 400 },
      { note: "second", n: 200 },
    ]);
  });

  test("of a table without one is none", async () => {
    const warehouse = await openWarehouse();
    const { target } = await begin(warehouse, { loadMode: "append_event", keyColumns: [] });
    expect(target).toMatchObject({ kind: "first_load", straight: true });
    expect(target).not.toHaveProperty("lateKey");
  });

  test("keeps of rows that came twice the one a merge would have kept, and the ledger counts them once", async () => {
    const warehouse = await openWarehouse();
    const { request, target } = await begin(warehouse);
    await load(warehouse, target, request, rowsOf(0, 100), { sliceNo: 0 });
    const again = [
      ["1", "older", "2025-01-01"],
      ["2", "newer", "2026-02-02"],
      ["3", "same time, later", "2026-01-01"],
      ["4", "no time", null],
    ];
    await load(warehouse, target, request, again, { sliceNo: 1 });
    await finish(warehouse, target, request);
    expect(await keys(warehouse)).toEqual(KEYED);
    expect(await warehouse.query("select id, note from shop.orders where id < 5 order by id")).toEqual([
      { id: 0, note: "first" },
      { id: 1, note: "first" },
      { id: 2, note: "newer" },
      { id: 3, note: "same time, later" },
      { id: 4, note: "first" },
    ]);
    const ledger = await warehouse.destination.readLedger(request.planId);
    expect(ledger.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0)).toBe(100);
  });

  test("keeps of events that came twice the first", async () => {
    const warehouse = await openWarehouse();
    const { request, target } = await begin(warehouse, { loadMode: "append_event" });
    await load(warehouse, target, request, rowsOf(0, 3), { sliceNo: 0 });
    await load(warehouse, target, request, [["1", "changed", "2026-02-02"]], { sliceNo: 1 });
    await finish(warehouse, target, request);
    expect(await warehouse.query("select distinct note, count(*) over ()::int as n from shop.orders")).toEqual([
      { note: "first", n: 3 },
    ]);
  });

  test("is made before the first row that is merged: a catch-up of a swap finds what it is to change", async () => {
    const warehouse = await openWarehouse();
    const first = await begin(warehouse, { keyComesLast: false });
    await load(warehouse, first.target, first.request, rowsOf(0, 10));
    await warehouse.query("create view shop.seen as select id from shop.orders");
    const [before] = await warehouse.query("select 'shop.orders'::regclass::oid as oid");

    const { request, target } = await begin(warehouse, { complete: true, fromScratch: true });
    expect(target).toMatchObject({ kind: "beside", lateKey: { keeps: "newest" } });
    await load(warehouse, target, request, rowsOf(0, 200), { sliceNo: 0 });
    expect(await indexes(warehouse, target)).toEqual([]);
    const caughtUp = await load(warehouse, target, request, rowsOf(190, 210, "late", "2026-01-02"), {
      sliceNo: 1,
      stage: 1,
    });
    expect(caughtUp).toMatchObject({ rowsWritten: 20 });
    expect(await indexes(warehouse, target)).toHaveLength(1);
    await finish(warehouse, target, request);
    expect(await keys(warehouse)).toEqual(KEYED);
    expect(await warehouse.query("select 'shop.orders'::regclass::oid as oid")).toEqual([before]);
    expect(await warehouse.query("select count(*)::int as n from shop.seen")).toEqual([{ n: 210 }]);
  });

  test("of rows that come twice beside the table leaves as many as the ledger counts, so that they are swapped in", async () => {
    const warehouse = await openWarehouse();
    const first = await begin(warehouse, { keyComesLast: false });
    await load(warehouse, first.target, first.request, rowsOf(0, 10));
    const { request, target } = await begin(warehouse, { complete: true, fromScratch: true });
    await load(warehouse, target, request, rowsOf(0, 200), { sliceNo: 0 });
    await load(warehouse, target, request, rowsOf(150, 250, "moved", "2026-01-02"), { sliceNo: 1 });
    await load(warehouse, target, request, rowsOf(0, 1, "late", "2026-01-03"), { sliceNo: 2, stage: 1 });
    await finish(warehouse, target, request);
    expect(
      await warehouse.query(
        "select count(*)::int as n, count(*) filter (where note = 'moved')::int as moved from shop.orders",
      ),
    ).toEqual([{ n: 250, moved: 100 }]);
  });

  test("of a snapshot is made beside it", async () => {
    const warehouse = await openWarehouse();
    const { request, target } = await begin(warehouse, { loadMode: "append_snapshot", complete: true });
    expect(target).toMatchObject({ kind: "snapshot", straight: true, lateKey: { keeps: "newest" } });
    await load(warehouse, target, request, rowsOf(0, 50));
    await finish(warehouse, target, request);
    expect(await keys(warehouse)).toEqual({ rows: "PRIMARY KEY (id)" });
  });

  test("is made by the next attempt where a session ends in the middle of it, and nobody who reads waits for it", async () => {
    const warehouse = await openWarehouse();
    const { request, target } = await begin(warehouse);
    await load(warehouse, target, request, rowsOf(0, 300));
    const writer = await warehouse.connect();
    await writer.query("begin");
    await writer.query(`lock table _sluice."${target.leafTable}" in row exclusive mode`);
    const interrupted = expect(finish(warehouse, target, request)).rejects.toThrow();
    const building =
      "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like 'create unique index%'";
    await expect.poll(() => warehouse.query(building), { timeout: 20_000 }).toHaveLength(1);
    expect(await warehouse.query("select count(*)::int as n from shop.orders")).toEqual([{ n: 300 }]);
    await killWaiting(warehouse, building);
    await interrupted;
    await writer.query("rollback");
    expect(await keys(warehouse)).toEqual({});
    await finish(warehouse, target, request);
    expect(await keys(warehouse)).toEqual(KEYED);
    expect(await indexes(warehouse, target)).toHaveLength(1);
  });
});

describe("a load that ended before its key was made", () => {
  const abandoned = async (warehouse: Warehouse) => {
    const first = await begin(warehouse);
    await load(warehouse, first.target, first.request, rowsOf(0, 100), { sliceNo: 0 });
    return first;
  };

  test("leaves it to the next plan that loads in place; the old one then merges, and has nothing to finish", async () => {
    const warehouse = await openWarehouse();
    const old = await abandoned(warehouse);
    const { request, target } = await begin(warehouse);
    expect(await keys(warehouse)).toEqual(KEYED);
    expect(target).toMatchObject({ kind: "in_place", loadMode: "upsert" });
    await load(warehouse, target, request, rowsOf(50, 150, "again", "2026-01-02"));
    const resumed = await warehouse.destination.prepareEntity(old.request);
    expect(resumed).toMatchObject({ kind: "first_load", straight: false, lateKey: { keeps: "newest" } });
    await load(warehouse, resumed, old.request, rowsOf(140, 160), { sliceNo: 1 });
    await finish(warehouse, resumed, old.request);
    expect(await indexes(warehouse, target)).toHaveLength(1);
    expect(
      await warehouse.query("select note, count(*)::int as n from shop.orders group by note order by note"),
    ).toEqual([
      { note: "again", n: 100 },
      { note: "first", n: 60 },
    ]);
  });

  test("also where the index was made and the key was not", async () => {
    const warehouse = await openWarehouse();
    const old = await abandoned(warehouse);
    const late = await claim(
      warehouse,
      { ...old.target, kind: "first_load", straight: false, lateKey: { keeps: "newest" } },
      old.request,
      { sliceNo: 1 },
    );
    await late.write(rowsBatch(rowsOf(90, 110), { final: true }));
    await late.close();
    expect(await indexes(warehouse, old.target)).toHaveLength(1);
    expect(await keys(warehouse)).toEqual({});
    await begin(warehouse);
    expect(await keys(warehouse)).toEqual(KEYED);
    expect(await indexes(warehouse, old.target)).toHaveLength(1);
  });

  test("also where rows came twice, and where the ledger has forgotten the load", async () => {
    const warehouse = await openWarehouse();
    const old = await abandoned(warehouse);
    await load(warehouse, old.target, old.request, rowsOf(90, 120, "moved", "2026-01-02"), { sliceNo: 1 });
    await warehouse.destination.forgetChains({ rootRunIds: [old.request.chain.rootRunId], keepFences: [] });
    expect(await warehouse.query("select from _sluice.targets")).toEqual([]);
    await begin(warehouse);
    expect(await keys(warehouse)).toEqual(KEYED);
    expect(
      await warehouse.query("select note, count(*)::int as n from shop.orders group by note order by note"),
    ).toEqual([
      { note: "first", n: 90 },
      { note: "moved", n: 30 },
    ]);
  });

  test("and is refused where the source has another key since, until a full refresh brings that", async () => {
    const warehouse = await openWarehouse();
    await abandoned(warehouse);
    const changed = { keyColumns: ["id", "updated_at"], cursorField: null };
    await expect(begin(warehouse, changed)).rejects.toThrow(/its key is \(id\), the source's now \(id, updated_at\)/);
    const asked = prepareRequest({ ...changed, complete: true, fromScratch: true, keyComesLast: true });
    const { confirmation } = await warehouse.destination.previewEntity(asked);
    const { request, target } = await begin(warehouse, { ...asked, confirmedPlan: confirmation });
    await load(warehouse, target, request, rowsOf(0, 30, "anew"));
    await finish(warehouse, target, request);
    expect((await keys(warehouse)).table).toBe("PRIMARY KEY (id, updated_at)");
  });

  test("gives way to a full refresh, which brings its own; what the table is stays, and the old plan is over", async () => {
    const warehouse = await openWarehouse();
    const old = await abandoned(warehouse);
    await warehouse.query("create view shop.seen as select id from shop.orders");
    const { request, target } = await begin(warehouse, { complete: true, fromScratch: true });
    await load(warehouse, target, request, rowsOf(0, 30, "anew"));
    await finish(warehouse, target, request);
    expect(await keys(warehouse)).toEqual(KEYED);
    expect(await warehouse.query("select count(*)::int as n from shop.seen")).toEqual([{ n: 30 }]);
    await expect(finish(warehouse, old.target, old.request)).rejects.toThrow(/A later plan loads/);
  });
});
