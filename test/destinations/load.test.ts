import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { to as copyTo } from "pg-copy-streams";
import { expect, test } from "vitest";
import { CopyConflictError } from "../../destinations/load/writer-errors.ts";
import { claim, copyBatch, endlessStream, load, openWarehouse, prepareRequest, rowsBatch } from "./warehouse.ts";

test("the first plan of a table copies straight, with the run's id and time in every row", async () => {
  const warehouse = await openWarehouse();
  const request = prepareRequest();
  const target = await warehouse.destination.prepareEntity(request);
  expect(target).toMatchObject({ kind: "first_load", straight: true, leafSchema: "_sluice" });
  const runId = randomUUID();
  const writer = await claim(warehouse, target, request, { runId });
  expect(writer).toMatchObject({ checkpoint: null, done: false });
  expect(await writer.write(rowsBatch([["1", "a", "2026-01-01"]], { checkpoint: { after: "1" } }))).toEqual({
    rowsRead: 1,
    rowsWritten: 1,
    rowsRejected: 0,
  });
  await writer.write(rowsBatch([["2", null, null]], { checkpoint: { after: "2" }, final: true }));
  expect(writer).toMatchObject({ checkpoint: { after: "2" }, done: true });
  expect(
    await warehouse.query(
      `select id, note, _sluice_run_id, abs(extract(epoch from now() - _sluice_synced_at)) < 60 as recent
       from shop.orders order by id`,
    ),
  ).toEqual([
    { id: 1, note: "a", _sluice_run_id: runId, recent: true },
    { id: 2, note: null, _sluice_run_id: runId, recent: true },
  ]);
  expect(await warehouse.destination.readLedger(request.planId)).toEqual([
    {
      sliceNo: 0,
      entityKey: "public.orders",
      done: true,
      attempt: 1,
      rowsRead: 2,
      rowsWritten: 2,
      rowsRejected: 0,
      rowsDeleted: 0,
      tables: null,
      checkpoint: { after: "2" },
      finish: null,
    },
  ]);
});

test("text comes through unchanged: tabs, newlines, backslashes, quotes, unicode, and what looks like NULL or an end", async () => {
  const warehouse = await openWarehouse();
  const request = prepareRequest();
  const target = await warehouse.destination.prepareEntity(request);
  const texts = [
    "a\tb",
    "a\nb",
    "a\r\nb",
    "a\\b",
    "\\N",
    "\\.",
    `"'`,
    "",
    "名前 🚲 é",
    // Longer than what is sent at once, with a character on each edge.
    "🚲".repeat(100_000),
    `x${"🚲\\\t".repeat(100_000)}`,
    "\b\f\v\u0001",
    "x".repeat(200_000),
  ];
  const rows = texts.map((text, index) => [String(index), text, null]);
  await load(warehouse, target, request, rows);
  expect(
    (await warehouse.query<{ note: string }>("select note from shop.orders order by id")).map((r) => r.note),
  ).toEqual(texts);
  // The staged path encodes the same way: nothing differs, so nothing is written.
  expect(await load(warehouse, target, request, rows, { stage: 1, sliceNo: 1 })).toEqual({
    rowsRead: texts.length,
    rowsWritten: 0,
    rowsRejected: 0,
  });
});

test("binary COPY data passes undecoded, straight and through staging", async () => {
  const warehouse = await openWarehouse();
  await warehouse.query(
    "create table public.source as select 1 as id, 'a'::text as note, '2026-01-01'::timestamptz as updated_at",
  );
  const client = await warehouse.connect();
  const read = () => client.query(copyTo("copy public.source to stdout (format binary)"));
  const request = prepareRequest();
  const target = await warehouse.destination.prepareEntity(request);
  const writer = await claim(warehouse, target, request);
  await writer.write(copyBatch(read(), { format: "binary" }));
  await warehouse.query("update public.source set note = 'b'");
  const merging = await claim(warehouse, target, request, { sliceNo: 1, stage: 1 });
  expect(await merging.write(copyBatch(read(), { format: "binary" }))).toEqual({
    rowsRead: 1,
    rowsWritten: 1,
    rowsRejected: 0,
  });
  expect(await warehouse.query("select id, note from shop.orders")).toEqual([{ id: 1, note: "b" }]);
});

test("a straight copy that meets a key commits nothing, and the writer merges from then on", async () => {
  const warehouse = await openWarehouse();
  const request = prepareRequest();
  const target = await warehouse.destination.prepareEntity(request);
  await load(warehouse, target, request, [["1", "old", "2026-01-01"]]);
  const writer = await claim(warehouse, target, request, { sliceNo: 1 });
  const batch = rowsBatch([
    ["2", "new", "2026-01-01"],
    ["1", "new", "2026-01-02"],
  ]);
  await expect(writer.write(batch)).rejects.toThrow(CopyConflictError);
  expect(writer.checkpoint).toBeNull();
  expect(await warehouse.query("select count(*)::int as n from shop.orders")).toEqual([{ n: 1 }]);
  expect(await writer.write(batch)).toEqual({ rowsRead: 2, rowsWritten: 2, rowsRejected: 0 });
  expect(await warehouse.query("select id, note from shop.orders order by id")).toEqual([
    { id: 1, note: "new" },
    { id: 2, note: "new" },
  ]);
});

test("a batch whose session is killed in the middle of its COPY leaves nothing, and the slice goes on from its checkpoint", async () => {
  const warehouse = await openWarehouse();
  const request = prepareRequest();
  const target = await warehouse.destination.prepareEntity(request);
  const writer = await claim(warehouse, target, request);
  await writer.write(rowsBatch([["500000", "kept", null]], { checkpoint: { after: "500000" } }));
  const { stream, sent } = endlessStream();
  const writing = writer.write(copyBatch(stream));
  const outcome = expect(writing).rejects.toMatchObject({ reasonCode: "destination_unavailable" });
  await sent;
  await warehouse.query("select pg_terminate_backend(backend_pid) from _sluice.slices where plan_id = $1", [
    request.planId,
  ]);
  await outcome;
  const next = await claim(warehouse, target, request);
  expect(next.checkpoint).toEqual({ after: "500000" });
  expect(await warehouse.query("select id from shop.orders")).toEqual([{ id: 500000 }]);
});

test("the source's own error comes out as it went in, and the batch is rolled back", async () => {
  const warehouse = await openWarehouse();
  const request = prepareRequest();
  const target = await warehouse.destination.prepareEntity(request);
  for (const [sliceNo, stage] of [
    [0, 0],
    [1, 1],
  ] as const) {
    const writer = await claim(warehouse, target, request, { sliceNo, stage });
    const failure = new Error("the source hung up");
    async function* broken(): AsyncGenerator<Buffer> {
      yield Buffer.from("1\ta\t2026-01-01\n");
      throw failure;
    }
    await expect(writer.write(copyBatch(Readable.from(broken(), { objectMode: false })))).rejects.toBe(failure);
    // The session is still good.
    expect(await writer.write(rowsBatch([[String(sliceNo), "b", null]]))).toMatchObject({ rowsWritten: 1 });
  }
  expect(await warehouse.query("select id, note from shop.orders order by id")).toEqual([
    { id: 0, note: "b" },
    { id: 1, note: "b" },
  ]);
});

test("a slice without rows is finished without a batch, as often as one likes", async () => {
  const warehouse = await openWarehouse();
  const request = prepareRequest();
  const target = await warehouse.destination.prepareEntity(request);
  const writer = await claim(warehouse, target, request);
  await writer.write(rowsBatch([["1", "a", null]], { checkpoint: { after: "1" } }));
  await writer.finish();
  await writer.finish();
  expect(await warehouse.destination.readLedger(request.planId)).toMatchObject([
    { done: true, rowsRead: 1, checkpoint: { after: "1" } },
  ]);
  expect(await claim(warehouse, target, request)).toMatchObject({ done: true });
});

test("a checkpoint comes back exactly as it was given", async () => {
  const warehouse = await openWarehouse();
  const request = prepareRequest();
  const target = await warehouse.destination.prepareEntity(request);
  const checkpoint = { text: "\u0000 \ud800 é", big: "12345678901234567890", nested: [null, { a: 1.5 }] };
  const writer = await claim(warehouse, target, request);
  await writer.write(rowsBatch([], { checkpoint }));
  expect((await claim(warehouse, target, request)).checkpoint).toEqual(checkpoint);
});

test("the probe sees a statement at work, and none that waits for the source or has ended", async () => {
  const warehouse = await openWarehouse();
  const request = prepareRequest();
  const target = await warehouse.destination.prepareEntity(request);
  const writer = await claim(warehouse, target, request);
  expect(await writer.probe()).toBe("none");
  const { stream, sent } = endlessStream();
  const starving = writer.write(copyBatch(stream));
  const starved = expect(starving).rejects.toThrow("enough");
  await sent;
  await expect.poll(() => writer.probe()).toBe("none");
  // As those do who hand a stream over: the writer may have stopped listening by then.
  stream.on("error", () => undefined);
  stream.destroy(new Error("enough"));
  await starved;
  // A statement that waits for a lock is alive, since its lock timeout bounds it, but it is not at work.
  const blocker = await warehouse.connect();
  await blocker.query(`begin; lock table _sluice."${target.leafTable}" in access exclusive mode`);
  const waiting = writer.write(rowsBatch([["1", "a", null]]));
  await expect.poll(() => writer.probe()).toMatchObject({ blockedBy: expect.stringMatching(/^session \d+ of /) });
  await blocker.query("rollback");
  expect(await waiting).toMatchObject({ rowsWritten: 1 });
});
