import { expect, test } from "vitest";
import { claim, load, openWarehouse, prepareRequest, rowsBatch, type Warehouse } from "./warehouse.ts";

const columns = ["happened_at", "what"];
const keyless = {
  columns: [
    { name: "happened_at", type: "timestamp with time zone", nullable: true },
    { name: "what", type: "text", nullable: true },
  ],
  keyColumns: [],
  cursorField: "happened_at",
  loadMode: "append_event",
} as const;

function appendRequest(): ReturnType<typeof prepareRequest> {
  return prepareRequest({ ...keyless, columns: [...keyless.columns], keyColumns: [] });
}

async function counts(warehouse: Warehouse): Promise<Record<string, number>> {
  const rows = await warehouse.query<{ what: string; n: number }>(
    "select coalesce(what, 'null') as what, count(*)::int as n from shop.orders group by 1 order by 1",
  );
  return Object.fromEntries(rows.map(({ what, n }) => [what, n]));
}

const [day1, day2, day3] = ["2026-01-01", "2026-01-02", "2026-01-03"];

test("with a key, events that are there stay as they are, and new ones are added", async () => {
  const warehouse = await openWarehouse();
  const first = prepareRequest({ loadMode: "append_event" });
  await load(warehouse, await warehouse.destination.prepareEntity(first), first, [["1", "first", day1]]);
  const request = prepareRequest({ loadMode: "append_event" });
  const target = await warehouse.destination.prepareEntity(request);
  expect(target).toMatchObject({ kind: "in_place", loadMode: "append_event" });
  const rows = [
    ["1", "again", day3],
    ["2", "second", day1],
    ["2", "twice", day3],
  ];
  expect(await load(warehouse, target, request, rows)).toEqual({ rowsRead: 3, rowsWritten: 1, rowsRejected: 0 });
  expect(await warehouse.query("select id, note from shop.orders order by id")).toEqual([
    { id: 1, note: "first" },
    { id: 2, note: "second" },
  ]);
});

test("another key takes another table, since a full refresh adds to the one that is there", async () => {
  const warehouse = await openWarehouse();
  const first = prepareRequest({ loadMode: "append_event" });
  await load(warehouse, await warehouse.destination.prepareEntity(first), first, [["1", "first", day1]]);
  for (const complete of [false, true]) {
    const request = prepareRequest({ loadMode: "append_event", keyColumns: ["id", "updated_at"], complete });
    await expect(warehouse.destination.prepareEntity(request)).rejects.toMatchObject({
      message: expect.stringMatching(/its key is \(id\)/),
      fix: "Drop or rename the table, then retry with runMode full_refresh.",
    });
  }
});

test("a straight copy of events that meets a key appends from then on", async () => {
  const warehouse = await openWarehouse();
  const request = prepareRequest({ loadMode: "append_event" });
  const target = await warehouse.destination.prepareEntity(request);
  await load(warehouse, target, request, [["1", "first", day1]]);
  const writer = await claim(warehouse, target, request, { sliceNo: 1 });
  const batch = rowsBatch([["1", "again", day3]]);
  await expect(writer.write(batch)).rejects.toMatchObject({ name: "CopyConflictError" });
  expect(await writer.write(batch)).toEqual({ rowsRead: 1, rowsWritten: 0, rowsRejected: 0 });
});

test("without a key, equal rows of the source all come, and an overlapping range that is read again adds only what is new", async () => {
  const warehouse = await openWarehouse();
  const first = appendRequest();
  const rows = [
    [day1, "a"],
    [day2, "b"],
    [day2, "b"],
    [null, "c"],
  ];
  await load(warehouse, await warehouse.destination.prepareEntity(first), first, rows, { columns });
  expect(await counts(warehouse)).toEqual({ a: 1, b: 2, c: 1 });

  const request = appendRequest();
  const target = await warehouse.destination.prepareEntity(request);
  expect(target).toMatchObject({ kind: "in_place", loadMode: "append_event" });
  const again = [
    [day2, "b"],
    [day2, "b"],
    [day2, "b"],
    [day3, "d"],
    [day3, "d"],
    [null, "c"],
    [null, null],
  ];
  expect(await load(warehouse, target, request, again, { columns })).toEqual({
    rowsRead: 7,
    rowsWritten: 4,
    rowsRejected: 0,
  });
  expect(await counts(warehouse)).toEqual({ a: 1, b: 3, c: 1, d: 2, null: 1 });
});

test("equal rows that fall into two batches of a slice, or two attempts at it, are counted together", async () => {
  const warehouse = await openWarehouse();
  const first = appendRequest();
  await load(warehouse, await warehouse.destination.prepareEntity(first), first, [[day1, "a"]], { columns });
  const request = appendRequest();
  const target = await warehouse.destination.prepareEntity(request);
  const writer = await claim(warehouse, target, request);
  const same = (n: number) =>
    rowsBatch(
      Array.from({ length: n }, () => [day1, "a"]),
      { columns },
    );
  expect(await writer.write(same(2))).toEqual({ rowsRead: 2, rowsWritten: 1, rowsRejected: 0 });
  const successor = await claim(warehouse, target, { ...request, chain: { ...request.chain, attempt: 2 } });
  expect(await successor.write(same(2))).toEqual({ rowsRead: 2, rowsWritten: 2, rowsRejected: 0 });
  await successor.finish();
  expect(await counts(warehouse)).toEqual({ a: 4 });
  expect(await warehouse.query("select * from _sluice.appended")).toEqual([]);
  // A third plan reads all of it again, and nothing is new.
  const third = appendRequest();
  const thirdTarget = await warehouse.destination.prepareEntity(third);
  const all = Array.from({ length: 4 }, () => [day1, "a"]);
  expect(await load(warehouse, thirdTarget, third, all, { columns })).toEqual({
    rowsRead: 4,
    rowsWritten: 0,
    rowsRejected: 0,
  });
});

test("without key and cursor the whole table is compared", async () => {
  const warehouse = await openWarehouse();
  const first = { ...appendRequest(), cursorField: null };
  await load(warehouse, await warehouse.destination.prepareEntity(first), first, [[day1, "a"]], { columns });
  const request = { ...appendRequest(), cursorField: null };
  const target = await warehouse.destination.prepareEntity(request);
  const rows = [
    [day1, "a"],
    [day2, "a"],
  ];
  expect(await load(warehouse, target, request, rows, { columns })).toEqual({
    rowsRead: 2,
    rowsWritten: 1,
    rowsRejected: 0,
  });
});
