import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { LoadableRows, PrepareRequest } from "../../destinations/destination.ts";
import { isStraight, type LoadTarget } from "../../destinations/load-target.ts";
import { claim, load, openWarehouse, prepareRequest, rowsBatch, type Warehouse, whileKilled } from "./warehouse.ts";

const columns = [
  { name: "id", type: "integer", nullable: false },
  { name: "code", type: "character varying(4)", nullable: true },
  { name: "amount", type: "numeric(5,2)", nullable: true },
  { name: "at", type: "timestamp with time zone", nullable: true },
  { name: "extra", type: "jsonb", nullable: true },
];
const names = columns.map(({ name }) => name);
const sound = (id: number | string): (string | null)[] => [String(id), "ok", "1.50", "2026-01-01 00:00:00+00", "{}"];

/** In the first way of loading rows go straight into the table, in the other by way of the stage. */
const WAYS = ["straight", "merged", "appended"] as const;

async function prepare(
  warehouse: Warehouse,
  way: (typeof WAYS)[number],
): Promise<{ target: LoadTarget; request: PrepareRequest }> {
  const overrides = {
    columns,
    cursorField: null,
    ...(way === "appended" ? { loadMode: "append_event", keyColumns: [] } : {}),
  } satisfies Partial<PrepareRequest>;
  if (way !== "straight") {
    const first = prepareRequest(overrides);
    await load(warehouse, await warehouse.destination.prepareEntity(first), first, [], { columns: names });
  }
  const request = prepareRequest(overrides);
  const target = await warehouse.destination.prepareEntity(request);
  expect(isStraight(target)).toBe(way === "straight");
  return { target, request };
}

const batchOf = (rows: (string | null)[][], more: Partial<LoadableRows> = {}): LoadableRows => ({
  ...rowsBatch(rows, { columns: names }),
  ...more,
});

const rejectsOf = (warehouse: Warehouse, { planId }: PrepareRequest) =>
  warehouse.destination.readRejects({ planId, limit: 1000, recordBytes: 8192 });

const idsIn = async (warehouse: Warehouse) =>
  (await warehouse.query<{ id: number }>("select id from shop.orders order by id")).map((row) => row.id);

describe.each(WAYS)("loading %s", (way) => {
  test("JSON that is nested more deeply than Postgres reads is rejected alone", async () => {
    const warehouse = await openWarehouse();
    const { target, request } = await prepare(warehouse, way);
    const writer = await claim(warehouse, target, request);
    const deep = ["2", "ok", "1.50", null, "[".repeat(50_000)];
    await writer.write(batchOf([sound(1), deep, sound(3)], { final: true }));
    expect(await idsIn(warehouse)).toEqual([1, 3]);
    expect(await rejectsOf(warehouse, request)).toMatchObject([
      { rowNo: 2, column: "extra", reason: "stack depth limit exceeded (54001)" },
    ]);
  });

  test("what is wrong with a row is told by column and reason, and the other rows are loaded", async () => {
    const warehouse = await openWarehouse();
    const { target, request } = await prepare(warehouse, way);
    const faulty: [(string | null)[], string, string][] = [
      [["x1", "ok", "1", null, null], "id", "invalid input syntax for type integer (22P02)"],
      [["99999999999", "ok", "1", null, null], "id", "value … is out of range for type integer (22003)"],
      [["7", "toolong", "1", null, null], "code", "value too long for type character varying(4) (22001)"],
      [["8", "ok", "1234.5", null, null], "amount", "numeric field overflow (22003)"],
      [["9", "ok", "1", "2026-02-30", null], "at", "date/time field value out of range (22008)"],
      [["10", "ok", "1", null, "{"], "extra", "invalid input syntax for type json (22P02)"],
      [["11", "ok", "1", null, '"\\u0000"'], "extra", "unsupported Unicode escape sequence (22P05)"],
      [
        ["12", "\0", "1", null, null],
        "code",
        "text with a NUL character or half a surrogate pair, which Postgres cannot store",
      ],
      [
        ["13", "\ud800", "1", null, null],
        "code",
        "text with a NUL character or half a surrogate pair, which Postgres cannot store",
      ],
      ...(way === "appended"
        ? []
        : [[[null, "ok", "1", null, null], "id", "null in a key column"] satisfies (typeof faulty)[number]]),
    ];
    const writer = await claim(warehouse, target, request);
    const rows = faulty.flatMap(([row], index) => [sound(100 + index), row]);
    expect(await writer.write(batchOf([...rows, sound(200)], { final: true }))).toEqual({
      rowsRead: 2 * faulty.length + 1,
      rowsWritten: faulty.length + 1,
      rowsRejected: faulty.length,
    });
    expect(await idsIn(warehouse)).toEqual([...faulty.map((_, index) => 100 + index), 200]);
    const rejects = await rejectsOf(warehouse, request);
    expect(rejects.map(({ rowNo, column, reason }) => [rowNo, column, reason])).toEqual(
      faulty.map(([, column, reason], index) => [2 * index + 2, column, reason]),
    );
    expect(rejects.map(({ record }) => JSON.parse(record))).toEqual(
      faulty.map(([row]) => Object.fromEntries(names.map((name, index) => [name, row[index]]))),
    );
    expect(await warehouse.destination.readLedger(request.planId)).toMatchObject([
      { done: true, rowsRead: 2 * faulty.length + 1, rowsWritten: faulty.length + 1, rowsRejected: faulty.length },
    ]);
  });

  test("every row of a batch may be faulty, and the checkpoint moves all the same", async () => {
    const warehouse = await openWarehouse();
    const { target, request } = await prepare(warehouse, way);
    const writer = await claim(warehouse, target, request);
    const rows = Array.from({ length: 50 }, (_, n) => [`x${n}`, "ok", "1", null, null]);
    expect(await writer.write(batchOf(rows, { checkpoint: { next: 50 } }))).toEqual({
      ...{ rowsRead: 50, rowsWritten: 0, rowsRejected: 50 },
    });
    await writer.close();
    expect(await claim(warehouse, target, request)).toMatchObject({ checkpoint: { next: 50 }, done: false });
    expect((await rejectsOf(warehouse, request)).map(({ rowNo }) => rowNo)).toEqual(rows.map((_, n) => n + 1));
  });

  test("faulty rows are found wherever they are among many", async () => {
    const warehouse = await openWarehouse();
    const { target, request } = await prepare(warehouse, way);
    const faultyAt = new Set([0, 1, 2, 700, 9_999, 10_000, 33_333, 39_998, 39_999]);
    const rows = Array.from({ length: 40_000 }, (_, n) =>
      faultyAt.has(n) ? [`x${n}`, "ok", "1", null, null] : sound(n),
    );
    const writer = await claim(warehouse, target, request);
    expect(await writer.write(batchOf(rows))).toMatchObject({ rowsRejected: faultyAt.size });
    expect(await idsIn(warehouse)).toEqual(rows.flatMap((_, n) => (faultyAt.has(n) ? [] : [n])));
    expect((await rejectsOf(warehouse, request)).map(({ rowNo }) => rowNo)).toEqual([...faultyAt].map((n) => n + 1));
  });

  test("killed at any moment and gone on with, rejects are neither lost nor doubled", async () => {
    const warehouse = await openWarehouse();
    const { target, request } = await prepare(warehouse, way);
    const batches = Array.from({ length: 5 }, (_, batch) =>
      Array.from({ length: 200 }, (_, row) => {
        const n = batch * 200 + row;
        return n % 50 === 7 ? [`x${n}`, "ok", "1", null, null] : sound(n);
      }),
    );
    await whileKilled(warehouse, async () => {
      for (let done = false; !done; ) {
        const writer = await claim(warehouse, target, request).catch(() => null);
        if (writer === null) continue;
        try {
          for (let next = Number(writer.checkpoint?.next ?? 0); next < batches.length; next++) {
            const final = next === batches.length - 1;
            await writer.write(batchOf(batches[next] ?? [], { checkpoint: { next: next + 1 }, final }));
            await sleep(10);
          }
          done = true;
        } catch (error) {
          expect(error).toMatchObject({ name: expect.stringMatching(/TransientError|SupersededError/) });
        } finally {
          await writer.close();
        }
      }
    });
    const faulty = batches.flat().flatMap((row, n) => (row[0]?.startsWith("x") ? [n + 1] : []));
    expect((await rejectsOf(warehouse, request)).map(({ rowNo }) => rowNo)).toEqual(faulty);
    expect(await idsIn(warehouse)).toHaveLength(1000 - faulty.length);
    expect(await warehouse.destination.readLedger(request.planId)).toMatchObject([
      { rowsRead: 1000, rowsRejected: faulty.length },
    ]);
  });

  test("rows over the entity's limit are not loaded, nor is their batch, but they are there to be looked at", async () => {
    const warehouse = await openWarehouse();
    const { target, request } = await prepare(warehouse, way);
    const faulty = (id: string) => [id, "ok", "1", null, null];
    const first = await claim(warehouse, target, request, { maxRejectedRows: 2 });
    await first.write(batchOf([sound(1), faulty("x2"), faulty("x3")], { checkpoint: { next: 4 } }));
    const over = first.write(batchOf([sound(4), faulty("x5")], { checkpoint: { next: 6 }, final: true }));
    await expect(over).rejects.toMatchObject({
      name: "TerminalError",
      reasonCode: "reject_threshold_exceeded",
      message: expect.stringMatching(/^3 rows of public\.orders .* maxRejectedRows \(2\).*column id: invalid input/),
    });
    await expect(over).rejects.not.toThrow("x5");
    expect(await idsIn(warehouse)).toEqual([1]);
    expect((await rejectsOf(warehouse, request)).map(({ rowNo }) => rowNo)).toEqual([2, 3, 5]);
    expect(await warehouse.destination.readLedger(request.planId)).toMatchObject([
      { done: false, checkpoint: { next: 4 }, rowsRead: 3, rowsRejected: 2 },
    ]);

    // Corrected at the source, the batch loads, and what was kept of it goes.
    const second = await claim(warehouse, target, request, { maxRejectedRows: 2 });
    expect(second).toMatchObject({ checkpoint: { next: 4 }, done: false });
    await second.write(batchOf([sound(4), sound(5)], { checkpoint: { next: 6 }, final: true }));
    expect((await rejectsOf(warehouse, request)).map(({ rowNo }) => rowNo)).toEqual([2, 3]);
    expect(await idsIn(warehouse)).toEqual([1, 4, 5]);
  });
});

test("slices of one entity that reject at once keep to its limit together", async () => {
  const warehouse = await openWarehouse();
  const { target, request } = await prepare(warehouse, "straight");
  const slices = [0, 1, 2, 3, 4, 5];
  const writers = await Promise.all(
    slices.map((sliceNo) => claim(warehouse, target, request, { sliceNo, maxRejectedRows: 3 })),
  );
  const written = await Promise.allSettled(
    writers.map((writer, n) => writer.write(batchOf([sound(n), [`x${n}`, "ok", "1", null, null]], { final: true }))),
  );
  expect(written.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
  expect(await idsIn(warehouse)).toHaveLength(3);
  const ledger = await warehouse.destination.readLedger(request.planId);
  expect(ledger.reduce((sum, slice) => sum + slice.rowsRejected, 0)).toBe(3);
});

test("records that could not even be rows come after the rows of their batch, and are kept with them", async () => {
  const warehouse = await openWarehouse();
  const { target, request } = await prepare(warehouse, "straight");
  const writer = await claim(warehouse, target, request);
  const rejects = [{ column: "amount", reason: "not a number\0", record: '{"amount": "\ud800"}' }];
  expect(await writer.write(batchOf([sound(1), sound(2)], { rejects }))).toEqual({
    ...{ rowsRead: 3, rowsWritten: 2, rowsRejected: 1 },
  });
  await writer.write(batchOf([["x4", "ok", "1", null, null]], { rejects, final: true }));
  expect(await rejectsOf(warehouse, request)).toMatchObject([
    { sliceNo: 0, rowNo: 3, entityKey: "public.orders", column: "amount", reason: "not a number�" },
    { sliceNo: 0, rowNo: 4, column: "id" },
    { sliceNo: 0, rowNo: 5, column: "amount", record: '{"amount": "�"}' },
  ]);
});

test("a batch with the wrong number of cells is a failure, not a reject", async () => {
  const warehouse = await openWarehouse();
  const { target, request } = await prepare(warehouse, "straight");
  const writer = await claim(warehouse, target, request);
  await expect(writer.write(batchOf([["1", "ok"]]))).rejects.toMatchObject({ reasonCode: "destination_type_mismatch" });
  expect(await rejectsOf(warehouse, request)).toEqual([]);
});

test("a key that is there already among faulty rows makes the writer merge, and then rejects them", async () => {
  const warehouse = await openWarehouse();
  const { target, request } = await prepare(warehouse, "straight");
  const writer = await claim(warehouse, target, request);
  await writer.write(batchOf([sound(1)]));
  const batch = batchOf([["x", "ok", "1", null, null], sound(1), sound(2)], { final: true });
  await expect(writer.write(batch)).rejects.toMatchObject({ name: "CopyConflictError" });
  expect(await writer.write(batch)).toEqual({ rowsRead: 3, rowsWritten: 1, rowsRejected: 1 });
  expect((await rejectsOf(warehouse, request)).map(({ rowNo }) => rowNo)).toEqual([2]);
});

test("of many rejects the first of every slice are read, and long records are cut between characters", async () => {
  const warehouse = await openWarehouse();
  const { target, request } = await prepare(warehouse, "straight");
  for (const sliceNo of [0, 1]) {
    const writer = await claim(warehouse, target, request, { sliceNo });
    await writer.write(batchOf(Array.from({ length: 5 }, () => [`x${"é".repeat(20)}`, null, null, null, null])));
  }
  const read = await warehouse.destination.readRejects({ planId: request.planId, limit: 6, recordBytes: 9 });
  expect(read.map(({ sliceNo, rowNo }) => [sliceNo, rowNo])).toEqual([
    ...[
      [0, 1],
      [1, 1],
      [0, 2],
    ],
    ...[
      [1, 2],
      [0, 3],
      [1, 3],
    ],
  ]);
  expect(read[0]?.record).toBe('{"id":"x');
  expect(await warehouse.destination.readRejects({ planId: request.planId, limit: 1, recordBytes: 10 })).toMatchObject([
    { record: '{"id":"xé' },
  ]);
});

test("rejects go with their slice", async () => {
  const warehouse = await openWarehouse();
  const { target, request } = await prepare(warehouse, "straight");
  const writer = await claim(warehouse, target, request);
  await writer.write(batchOf([["x", null, null, null, null]], { final: true }));
  await warehouse.destination.forgetChains({ rootRunIds: [request.chain.rootRunId], keepFences: [] });
  expect(await rejectsOf(warehouse, request)).toEqual([]);
});
