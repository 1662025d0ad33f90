import { Readable } from "node:stream";
import { expect, test } from "vitest";
import type { PrepareRequest } from "../../destinations/destination.ts";
import type { LoadTarget } from "../../destinations/load-target.ts";
import { claim, copyBatch, load, openWarehouse, prepareRequest, rowsBatch, type Warehouse } from "./warehouse.ts";

/** A table that an earlier plan has loaded, so that the present one merges. */
async function mergingInto(
  warehouse: Warehouse,
  overrides: Partial<PrepareRequest>,
  rows: (string | null)[][],
): Promise<{ target: LoadTarget; request: PrepareRequest }> {
  const first = prepareRequest(overrides);
  const columns = first.columns.map(({ name }) => name);
  await load(warehouse, await warehouse.destination.prepareEntity(first), first, rows, { columns });
  const request = prepareRequest(overrides);
  return { request, target: await warehouse.destination.prepareEntity(request) };
}

const notes = (warehouse: Warehouse) => warehouse.query("select id, note from shop.orders order by id");

test("a later plan merges into a table that was loaded before", async () => {
  const warehouse = await openWarehouse();
  const { target } = await mergingInto(warehouse, {}, []);
  expect(target).toMatchObject({ kind: "in_place", loadMode: "upsert" });
});

test("the newer cursor wins, whatever the order; an older row changes nothing", async () => {
  const warehouse = await openWarehouse();
  const { target, request } = await mergingInto(warehouse, {}, [
    ["1", "old", "2026-01-02"],
    ["2", "old", "2026-01-02"],
  ]);
  const result = await load(warehouse, target, request, [
    ["1", "newest", "2026-01-09"],
    ["1", "newer", "2026-01-05"],
    ["2", "older", "2026-01-01"],
    ["3", "new", "2026-01-01"],
  ]);
  expect(result).toEqual({ rowsRead: 4, rowsWritten: 2, rowsRejected: 0 });
  expect(await notes(warehouse)).toEqual([
    { id: 1, note: "newest" },
    { id: 2, note: "old" },
    { id: 3, note: "new" },
  ]);
});

test("of equal cursors the row read later wins, in one batch and across batches", async () => {
  const warehouse = await openWarehouse();
  const { target, request } = await mergingInto(warehouse, {}, [["1", "before", "2026-01-01"]]);
  // Long and short ones by turns, so that the order they lie in is not the order they came in.
  const versions = Array.from({ length: 400 }, (_, n) => ["1", `${n}`.padEnd(n % 3 === 0 ? 3000 : 3), "2026-01-01"]);
  await load(warehouse, target, request, versions);
  expect(await warehouse.query("select trim(note) as note from shop.orders")).toEqual([{ note: "399" }]);
});

test("a NULL cursor is the oldest: it loses to any, and gives way to any", async () => {
  const warehouse = await openWarehouse();
  const { target, request } = await mergingInto(warehouse, {}, [
    ["1", "old", "2026-01-01"],
    ["2", "old", null],
    ["3", "old", null],
  ]);
  await load(warehouse, target, request, [
    ["1", "null", null],
    ["2", "dated", "2020-01-01"],
    ["3", "null again", null],
    ["4", "dated", "2020-01-01"],
    ["4", "null", null],
  ]);
  expect(await notes(warehouse)).toEqual([
    { id: 1, note: "old" },
    { id: 2, note: "dated" },
    { id: 3, note: "null again" },
    { id: 4, note: "dated" },
  ]);
});

test("cursors compare as what they are, not as text", async () => {
  const warehouse = await openWarehouse();
  const overrides = {
    columns: [
      { name: "id", type: "integer", nullable: false },
      { name: "note", type: "text", nullable: true },
      { name: "version", type: "bigint", nullable: true },
    ],
    cursorField: "version",
  };
  const { target, request } = await mergingInto(warehouse, overrides, [["1", "nine", "9"]]);
  await load(warehouse, target, request, [["1", "ten", "10"]], { columns: ["id", "note", "version"] });
  expect(await notes(warehouse)).toEqual([{ id: 1, note: "ten" }]);
});

test("without a cursor the row read last wins", async () => {
  const warehouse = await openWarehouse();
  const { target, request } = await mergingInto(warehouse, { cursorField: null }, [["1", "a", "2026-01-09"]]);
  await load(warehouse, target, request, [
    ["1", "b", "2026-01-02"],
    ["1", "c", "2026-01-01"],
  ]);
  expect(await notes(warehouse)).toEqual([{ id: 1, note: "c" }]);
});

test("an equal row is not written again, and keeps the run and time that wrote it", async () => {
  const warehouse = await openWarehouse();
  const { target, request } = await mergingInto(warehouse, {}, [["1", "a", "2026-01-01"]]);
  const before = await warehouse.query("select * from shop.orders");
  expect(await load(warehouse, target, request, [["1", "a", "2026-01-01"]])).toEqual({
    rowsRead: 1,
    rowsWritten: 0,
    rowsRejected: 0,
  });
  expect(await warehouse.query("select * from shop.orders")).toEqual(before);
  const runId = "00000000-0000-4000-8000-00000000abcd";
  await load(warehouse, target, request, [["1", "b", "2026-01-01"]], { runId, sliceNo: 1 });
  expect(await warehouse.query("select note, _sluice_run_id from shop.orders")).toEqual([
    { note: "b", _sluice_run_id: runId },
  ]);
});

test("types without equality merge too, and a change that equality does not see is a change", async () => {
  const warehouse = await openWarehouse();
  const overrides = {
    columns: [
      { name: "id", type: "integer", nullable: false },
      { name: "doc", type: "json", nullable: true },
      { name: "place", type: "point", nullable: true },
      { name: "docs", type: "json[]", nullable: true },
      { name: "price", type: "numeric", nullable: true },
      { name: "big", type: "text", nullable: true },
    ],
    cursorField: null,
  };
  const columns = overrides.columns.map(({ name }) => name);
  const big = "x".repeat(100_000);
  const { target, request } = await mergingInto(warehouse, overrides, [
    ["1", '{"a":1}', "(1,2)", null, "1.0", big],
    ["2", '{"a":1}', "(1,2)", null, "1.0", big],
    ["3", null, null, null, null, null],
  ]);
  const result = await load(
    warehouse,
    target,
    request,
    [
      ["1", '{"a":1}', "(1,2)", null, "1.0", big],
      ["2", '{"a":1}', "(1,2)", null, "1.00", big],
      ["3", null, null, null, null, null],
    ],
    { columns },
  );
  expect(result).toEqual({ rowsRead: 3, rowsWritten: 1, rowsRejected: 0 });
  expect(await warehouse.query("select price::text from shop.orders where id = 2")).toEqual([{ price: "1.00" }]);
});

test("keys of several columns, of which one is the cursor, and tables that are all key", async () => {
  const warehouse = await openWarehouse();
  const columns = [
    { name: "order_id", type: "bigint", nullable: false },
    { name: "line", type: "text", nullable: false },
  ];
  const overrides = { columns, keyColumns: ["order_id", "line"], cursorField: "order_id" };
  const { target, request } = await mergingInto(warehouse, overrides, [["1", "a"]]);
  const rows = [
    ["1", "a"],
    ["1", "b"],
    ["1", "b"],
    ["2", "a"],
  ];
  expect(await load(warehouse, target, request, rows, { columns: ["order_id", "line"] })).toEqual({
    rowsRead: 4,
    rowsWritten: 2,
    rowsRejected: 0,
  });
});

test("a batch that is written twice changes nothing the second time", async () => {
  const warehouse = await openWarehouse();
  const { target, request } = await mergingInto(warehouse, {}, [["1", "old", "2026-01-01"]]);
  const rows = [
    ["1", "new", "2026-01-02"],
    ["2", "new", "2026-01-02"],
  ];
  expect(await load(warehouse, target, request, rows)).toEqual({ rowsRead: 2, rowsWritten: 2, rowsRejected: 0 });
  expect(await load(warehouse, target, request, rows)).toEqual({ rowsRead: 2, rowsWritten: 0, rowsRejected: 0 });
  // Only what was inserted counts towards the size of the table.
  expect(await warehouse.query("select rows_inserted::int as n from _sluice.slices order by n")).toEqual([
    { n: 1 },
    { n: 1 },
  ]);
});

test("columns that a batch does not have keep their values", async () => {
  const warehouse = await openWarehouse();
  const { target, request } = await mergingInto(warehouse, {}, [["1", "kept", "2026-01-01"]]);
  await load(warehouse, target, request, [["2026-02-01", "1"]], { columns: ["updated_at", "id"] });
  expect(await warehouse.query("select note, updated_at = '2026-02-01' as moved from shop.orders")).toEqual([
    { note: "kept", moved: true },
  ]);
});

test.each([
  ["a NULL key", "\\N\thunter2\t\\N\n"],
  ["a value that is not of its column's type", "1\ta\thunter2\n"],
])(
  "%s in a COPY stream is asked for again as text, where it is rejected alone, and no error shows it",
  async (_, line) => {
    const warehouse = await openWarehouse();
    const { target, request } = await mergingInto(warehouse, {}, []);
    const writer = await claim(warehouse, target, request);
    const write = () => writer.write(copyBatch(Readable.from([line, "2\tb\t\\N\n"], { objectMode: false })));
    const loading = write();
    await expect(loading).rejects.toMatchObject({ name: "CopyDataError" });
    await expect(loading).rejects.not.toThrow("hunter2");
    expect(await write()).toEqual({ rowsRead: 2, rowsWritten: 1, rowsRejected: 1 });
    expect(await notes(warehouse)).toEqual([{ id: 2, note: "b" }]);
  },
);

test("merges that meet in the same keys, in any order, all come through", async () => {
  const warehouse = await openWarehouse();
  const { target, request } = await mergingInto(warehouse, {}, []);
  const ids = Array.from({ length: 2000 }, (_, n) => String(n));
  const writers = await Promise.all([0, 1, 2, 3].map((sliceNo) => claim(warehouse, target, request, { sliceNo })));
  await Promise.all(
    writers.map((writer, n) => {
      const order = n % 2 === 0 ? ids : ids.toReversed();
      return writer.write(rowsBatch(order.map((id) => [id, `writer ${n}`, `2026-01-0${n + 1}`])));
    }),
  );
  expect(await warehouse.query("select distinct note from shop.orders")).toEqual([{ note: "writer 3" }]);
  expect(
    await warehouse.query("select sum(rows_inserted)::int as n from _sluice.slices where plan_id = $1", [
      request.planId,
    ]),
  ).toEqual([{ n: 2000 }]);
});

test("a merge that loses a deadlock is tried again with the rows it has staged", async () => {
  const warehouse = await openWarehouse();
  const { target, request } = await mergingInto(warehouse, {}, [
    ["1", "old", null],
    ["2", "old", null],
  ]);
  const other = await warehouse.connect();
  // Its own deadlock check comes later than ours, so that ours is the one to give way.
  await other.query("set deadlock_timeout = '30s'");
  await other.query("begin; update shop.orders set note = 'other' where id = 2");
  const writer = await claim(warehouse, target, request);
  const writing = writer.write(
    rowsBatch([
      ["1", "new", "2026-01-01"],
      ["2", "new", "2026-01-01"],
    ]),
  );
  await expect.poll(() => warehouse.query("select 1 from pg_locks where not granted")).not.toEqual([]);
  await other.query("update shop.orders set note = 'other' where id = 1");
  await other.query("commit");
  expect(await writing).toEqual({ rowsRead: 2, rowsWritten: 2, rowsRejected: 0 });
  expect(await notes(warehouse)).toEqual([
    { id: 1, note: "new" },
    { id: 2, note: "new" },
  ]);
});
