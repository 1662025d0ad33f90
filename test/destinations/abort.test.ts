import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { claim, copyBatch, endlessStream, openWarehouse, prepareRequest, rowsBatch } from "./warehouse.ts";

/** A second is what it takes; five, since the machine may be busy. What is ended here would take minutes, or for ever. */
const WITHIN_MS = 5_000;

/** Resolves with what `work` rejects with and how long that took after `act`. */
async function rejectionAfter(work: Promise<unknown>, act: () => void): Promise<{ error: unknown; tookMs: number }> {
  const rejected = work.then(
    () => undefined,
    (error: unknown) => error,
  );
  const startedAt = Date.now();
  act();
  const error = await rejected;
  return { error, tookMs: Date.now() - startedAt };
}

test("an abort ends a COPY that waits for its source, with the signal's reason and nothing committed", async () => {
  const warehouse = await openWarehouse();
  const request = prepareRequest();
  const target = await warehouse.destination.prepareEntity(request);
  for (const stage of [0, 1] as const) {
    const abort = new AbortController();
    const reason = new Error(`cancelled in stage ${stage}`);
    const writer = await claim(warehouse, target, request, { signal: abort.signal, stage, sliceNo: stage });
    const { stream, sent } = endlessStream();
    const writing = writer.write(copyBatch(stream));
    await sent;
    const { error, tookMs } = await rejectionAfter(writing, () => abort.abort(reason));
    expect(error).toBe(reason);
    expect(tookMs).toBeLessThan(WITHIN_MS);
  }
  expect(await warehouse.query("select * from shop.orders")).toEqual([]);
  await expect
    .poll(() =>
      warehouse.query(
        `select 1 from pg_stat_activity join _sluice.slices on pid = backend_pid and pg_stat_activity.backend_start = slices.backend_start`,
      ),
    )
    .toEqual([]);
});

test("a source that does not end when it is told to holds no abort up, nor the loss of the session", async () => {
  const warehouse = await openWarehouse();
  const request = prepareRequest();
  const target = await warehouse.destination.prepareEntity(request);
  async function* hangs(): AsyncGenerator<Buffer> {
    yield Buffer.from("1\ta\t2026-01-01\n");
    await new Promise(() => undefined);
  }
  const hanging = () => copyBatch(Readable.from(hangs(), { objectMode: false }));
  const abort = new AbortController();
  const aborted = (await claim(warehouse, target, request, { signal: abort.signal })).write(hanging());
  const { tookMs } = await rejectionAfter(aborted, () => abort.abort(new Error("cancelled")));
  expect(tookMs).toBeLessThan(WITHIN_MS);
  const killed = (await claim(warehouse, target, request, { sliceNo: 1 })).write(hanging());
  const lost = expect(killed).rejects.toMatchObject({ reasonCode: "destination_unavailable" });
  await warehouse.query("select pg_terminate_backend(backend_pid) from _sluice.slices where slice_no = 1");
  await lost;
});

test("an abort ends a statement that waits for a lock", async () => {
  const warehouse = await openWarehouse();
  const request = prepareRequest();
  const target = await warehouse.destination.prepareEntity(request);
  const blocker = await warehouse.connect();
  await blocker.query(`begin; lock table _sluice."${target.leafTable}" in access exclusive mode`);
  for (const stage of [0, 1] as const) {
    const abort = new AbortController();
    const writer = await claim(warehouse, target, request, { signal: abort.signal, stage, sliceNo: stage });
    const writing = writer.write(rowsBatch([["1", "a", null]]));
    await expect.poll(() => writer.probe()).toMatchObject({ blockedBy: expect.any(String) });
    const { error, tookMs } = await rejectionAfter(writing, () => abort.abort(new Error("cancelled")));
    expect(error).toMatchObject({ message: "cancelled" });
    expect(tookMs).toBeLessThan(WITHIN_MS);
  }
});

test("an abort ends a merge that is computing, and the statement does not run on", async () => {
  const warehouse = await openWarehouse();
  const request = prepareRequest();
  const target = await warehouse.destination.prepareEntity(request);
  await warehouse.query(
    `create function public.slow() returns trigger language plpgsql as
     'begin for i in 1..1000000000 loop perform 1; end loop; return new; end'`,
  );
  await warehouse.query("create trigger slow before insert on shop.orders for each row execute function public.slow()");
  const abort = new AbortController();
  const writer = await claim(warehouse, target, request, { signal: abort.signal, stage: 1 });
  const writing = writer.write(rowsBatch([["1", "a", null]]));
  await expect.poll(() => writer.probe()).toBe("working");
  const { tookMs } = await rejectionAfter(writing, () => abort.abort(new Error("cancelled")));
  expect(tookMs).toBeLessThan(WITHIN_MS);
  await expect
    .poll(() =>
      warehouse.query(
        "select query from pg_stat_activity where state = 'active' and query like '%merged%' and pid <> pg_backend_pid()",
      ),
    )
    .toEqual([]);
});

test("a signal that is aborted already lets nothing begin", async () => {
  const warehouse = await openWarehouse();
  const request = prepareRequest();
  const target = await warehouse.destination.prepareEntity(request);
  const reason = new Error("cancelled before");
  await expect(claim(warehouse, target, request, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const abort = new AbortController();
  const writer = await claim(warehouse, target, request, { signal: abort.signal });
  abort.abort(reason);
  await expect(writer.write(rowsBatch([["1", "a", null]]))).rejects.toBe(reason);
  await expect(writer.finish()).rejects.toBe(reason);
  expect(await warehouse.query("select * from shop.orders")).toEqual([]);
});

test("an abort ends a swap that waits for readers, and the table stays as it was", async () => {
  const warehouse = await openWarehouse();
  const first = prepareRequest();
  await warehouse.destination.prepareEntity(first);
  const request = prepareRequest({ complete: true });
  const target = await warehouse.destination.prepareEntity(request);
  const writer = await claim(warehouse, target, request);
  await writer.write(rowsBatch([["1", "a", null]], { final: true }));
  const reader = await warehouse.connect();
  await reader.query("begin; select * from shop.orders");
  const abort = new AbortController();
  const { chain, planId, entityKey } = request;
  const swapping = warehouse.destination.finishEntity({
    runId: randomUUID(),
    target,
    chain,
    planId,
    entityKey,
    signal: abort.signal,
  });
  await expect
    .poll(() => warehouse.query("select 1 from pg_locks where not granted and mode = 'AccessExclusiveLock'"))
    .toHaveLength(1);
  const { error, tookMs } = await rejectionAfter(swapping, () => abort.abort(new Error("cancelled")));
  expect(error).toMatchObject({ message: "cancelled" });
  expect(tookMs).toBeLessThan(WITHIN_MS);
  await reader.query("commit");
  expect(await warehouse.query("select * from shop.orders")).toEqual([]);
});
