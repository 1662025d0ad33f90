import { randomUUID } from "node:crypto";
import type pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { SupersededError } from "../../destinations/load/writer-errors.ts";
import type { LoadTarget } from "../../destinations/load-target.ts";
import { withClient } from "../support/postgres.ts";
import {
  claim,
  claimRequest,
  copyBatch,
  endlessStream,
  openWarehouse,
  prepareRequest,
  rowsBatch,
  type Warehouse,
} from "./warehouse.ts";

async function prepared(warehouse: Warehouse) {
  const request = prepareRequest();
  return { request, target: await warehouse.destination.prepareEntity(request) };
}

/** A session that stands where a stopped worker left it: in a transaction, holding the slice and the chain. */
async function stoppedWorker(warehouse: Warehouse, planId: string): Promise<pg.Client> {
  const client = await warehouse.connect();
  await client.query("begin");
  await client.query("select from _sluice.chains for share");
  await client.query(
    `update _sluice.slices set rows_read = 99,
       backend_pid = pg_backend_pid(),
       backend_start = (select backend_start from pg_stat_activity where pid = pg_backend_pid())
     where plan_id = $1`,
    [planId],
  );
  return client;
}

test("the ledger is made once, however many begin at the same time", async () => {
  const warehouse = await openWarehouse();
  await warehouse.query("drop schema _sluice cascade");
  await Promise.all(Array.from({ length: 8 }, () => warehouse.reopen().ensureLedger()));
  expect(await warehouse.destination.readLedger(randomUUID())).toEqual([]);
});

test("no table of the ledger is unlogged", async () => {
  const warehouse = await openWarehouse();
  const { request } = await prepared(warehouse);
  await warehouse.destination.prepareEntity({ ...request, planId: randomUUID(), complete: true });
  expect(
    await warehouse.query(
      "select relname from pg_class where relnamespace = '_sluice'::regnamespace and relpersistence <> 'p'",
    ),
  ).toEqual([]);
});

test("an attempt below the fence neither writes, finishes, claims, prepares nor swaps", async () => {
  const warehouse = await openWarehouse();
  const { request, target } = await prepared(warehouse);
  const { destination } = warehouse;
  const { chain, planId, entityKey } = request;
  const writer = await claim(warehouse, target, request);
  await destination.fence({ rootRunId: chain.rootRunId, minAttempt: 2 });
  await expect(writer.write(rowsBatch([["1", "a", null]]))).rejects.toThrow(SupersededError);
  await expect(writer.finish()).rejects.toThrow(SupersededError);
  await expect(destination.claimSlice(claimRequest(target, request, { sliceNo: 1 }))).rejects.toThrow(SupersededError);
  await expect(destination.prepareEntity({ ...request, table: "other" })).rejects.toThrow(SupersededError);
  const signal = new AbortController().signal;
  const beside: LoadTarget = { ...target, leafTable: "beside", kind: "beside" };
  await warehouse.query(`create table _sluice.beside (like shop.orders including all)`);
  await expect(
    destination.finishEntity({ runId: randomUUID(), target: beside, chain, planId, entityKey, signal }),
  ).rejects.toMatchObject({
    // The claimed slice is not done, which is looked at first.
    reasonCode: "reconciliation_mismatch",
  });
  await warehouse.query("update _sluice.slices set done = true");
  await expect(
    destination.finishEntity({ runId: randomUUID(), target: beside, chain, planId, entityKey, signal }),
  ).rejects.toThrow(SupersededError);
  expect(await warehouse.query("select * from shop.orders")).toEqual([]);
  const next = await claim(warehouse, target, { ...request, chain: { ...chain, attempt: 2 } });
  expect(await next.write(rowsBatch([["1", "a", null]]))).toMatchObject({ rowsWritten: 1 });
});

test("a fence never goes down, and one of a chain that is not there yet holds", async () => {
  const warehouse = await openWarehouse();
  const rootRunId = randomUUID();
  await warehouse.destination.fence({ rootRunId, minAttempt: 3 });
  await warehouse.destination.fence({ rootRunId, minAttempt: 2 });
  expect(await warehouse.query("select min_attempt from _sluice.chains")).toEqual([{ min_attempt: 3 }]);
});

test("a fence waits for a batch that is committing, and counts it", async () => {
  const warehouse = await openWarehouse();
  const { request } = await prepared(warehouse);
  const committing = await warehouse.connect();
  await committing.query("begin");
  await committing.query("select from _sluice.chains for share");
  let fenced = false;
  const fencing = warehouse.destination.fence({ rootRunId: request.chain.rootRunId, minAttempt: 2 }).then(() => {
    fenced = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(fenced).toBe(false);
  await committing.query("commit");
  await fencing;
});

test("a fence gets through while writers commit without a pause, and nothing is committed after it", async () => {
  const warehouse = await openWarehouse();
  const { request, target } = await prepared(warehouse);
  const writers = await Promise.all([0, 1, 2, 3].map((sliceNo) => claim(warehouse, target, request, { sliceNo })));
  const ends = writers.map(async (writer, n) => {
    for (let id = n; ; id += 4) await writer.write(rowsBatch([[String(id), "a", null]], { checkpoint: { id } }));
  });
  const ended = Promise.all(ends.map((end) => expect(end).rejects.toThrow(SupersededError)));
  await expect.poll(() => warehouse.query("select 1 from shop.orders limit 1")).toHaveLength(1);
  const startedAt = Date.now();
  await warehouse.destination.fence({ rootRunId: request.chain.rootRunId, minAttempt: 2 });
  expect(Date.now() - startedAt).toBeLessThan(20_000);
  const atFence = await warehouse.query<{ n: number }>("select count(*)::int as n from shop.orders");
  await ended;
  expect(await warehouse.query("select count(*)::int as n from shop.orders")).toEqual(atFence);
  const ledger = await warehouse.destination.readLedger(request.planId);
  expect(ledger.reduce((sum, slice) => sum + slice.rowsWritten, 0)).toBe(atFence[0]?.n);
});

test("a fence ends the open transaction of a stopped worker that holds the chain", async () => {
  const warehouse = await openWarehouse({ fencePatienceMs: 300 });
  const { request, target } = await prepared(warehouse);
  await claim(warehouse, target, request);
  const stopped = await stoppedWorker(warehouse, request.planId);
  await warehouse.destination.fence({ rootRunId: request.chain.rootRunId, minAttempt: 2 });
  await expect(stopped.query("commit")).rejects.toThrow(/terminat|not queryable/);
  expect(await warehouse.destination.readLedger(request.planId)).toMatchObject([{ rowsRead: 0 }]);
});

test("a fence ends the sessions it shuts out, so that what they hold in the table is free", async () => {
  const warehouse = await openWarehouse();
  const { request, target } = await prepared(warehouse);
  const writer = await claim(warehouse, target, request);
  const { stream, sent } = endlessStream();
  const writing = expect(writer.write(copyBatch(stream))).rejects.toThrow(SupersededError);
  await sent;
  await warehouse.destination.fence({ rootRunId: request.chain.rootRunId, minAttempt: 2 });
  await writing;
  await warehouse.query(`begin; lock table _sluice."${target.leafTable}" in access exclusive mode nowait; rollback`);
});

test("a successor ends the session of whoever holds the slice, and begins at the committed checkpoint", async () => {
  const warehouse = await openWarehouse();
  const { request, target } = await prepared(warehouse);
  const first = await claim(warehouse, target, request);
  await first.write(rowsBatch([["5000", "a", null]], { checkpoint: { after: "5000" } }));
  const { stream, sent } = endlessStream();
  const writing = expect(first.write(copyBatch(stream))).rejects.toThrow(SupersededError);
  await sent;
  const second = await claim(warehouse, target, request);
  await writing;
  expect(second.checkpoint).toEqual({ after: "5000" });
  // The same keys that the first had open go through: nothing of it is left.
  expect(await second.write(rowsBatch([["1", "b", null]]))).toMatchObject({ rowsWritten: 1 });
  expect(await warehouse.query("select id from shop.orders order by id")).toEqual([{ id: 1 }, { id: 5000 }]);
});

test("a successor ends an open transaction that is idle and holds the slice's row", async () => {
  const warehouse = await openWarehouse();
  const { request, target } = await prepared(warehouse);
  await (await claim(warehouse, target, request)).close();
  const stopped = await stoppedWorker(warehouse, request.planId);
  // Committed, so that the ledger knows the session, as after a claim; then open again.
  await stopped.query("commit");
  await stopped.query("begin");
  await stopped.query("update _sluice.slices set rows_read = 100 where plan_id = $1", [request.planId]);
  const startedAt = Date.now();
  const next = await claim(warehouse, target, request);
  expect(Date.now() - startedAt).toBeLessThan(20_000);
  expect(await next.write(rowsBatch([["1", "a", null]]))).toMatchObject({ rowsWritten: 1 });
  await expect(stopped.query("commit")).rejects.toThrow(/terminat|not queryable/);
});

test("a worker that wakes up after its slice was taken over cannot commit, even with its session alive", async () => {
  const warehouse = await openWarehouse();
  const { request, target } = await prepared(warehouse);
  const sleeper = await claim(warehouse, target, request);
  // Its session is not to be found, as when the ledger names another one: only the fence protects.
  await warehouse.query("update _sluice.slices set backend_pid = 0");
  const successor = await claim(warehouse, target, request);
  await successor.write(rowsBatch([["1", "new", null]], { checkpoint: { after: "1" } }));
  await expect(sleeper.write(rowsBatch([["2", "old", null]]))).rejects.toThrow(SupersededError);
  await expect(sleeper.finish()).rejects.toThrow(SupersededError);
  expect(await warehouse.query("select id, note from shop.orders")).toEqual([{ id: 1, note: "new" }]);
});

test("an older attempt that claims late does not end its successor's session", async () => {
  const warehouse = await openWarehouse();
  const { request, target } = await prepared(warehouse);
  const chain = { ...request.chain, attempt: 2 };
  const successor = await claim(warehouse, target, { ...request, chain });
  await expect(warehouse.destination.claimSlice(claimRequest(target, request))).rejects.toThrow(SupersededError);
  expect(await successor.write(rowsBatch([["1", "a", null]]))).toMatchObject({ rowsWritten: 1 });
});

test("of many that claim one slice at once, exactly one can write afterwards", async () => {
  const warehouse = await openWarehouse();
  const { request, target } = await prepared(warehouse);
  const claims = await Promise.allSettled(Array.from({ length: 6 }, () => claim(warehouse, target, request)));
  const writers = claims.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  const writes = await Promise.allSettled(writers.map((writer) => writer.write(rowsBatch([["1", "a", null]]))));
  expect(writes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(await warehouse.query("select id from shop.orders")).toEqual([{ id: 1 }]);
});

test("everything works for a role that may only create in the database", async () => {
  const warehouse = await openWarehouse();
  const role = `loader_${randomUUID().replaceAll("-", "")}`;
  const database = new URL(warehouse.url).pathname.slice(1);
  await warehouse.query("drop schema _sluice cascade");
  await warehouse.query(`create role ${role} login password 'loader'`);
  await warehouse.query(`revoke all on database ${database} from public`);
  await warehouse.query(`grant connect, create, temporary on database ${database} to ${role}`);
  onTestFinished(async () => {
    await withClient(warehouse.url, (client) => client.query(`drop owned by ${role} cascade; drop role ${role}`));
  });
  const url = new URL(warehouse.url);
  url.username = role;
  url.password = "loader";
  const destination = warehouse.reopen({ url: url.href });
  await destination.ensureLedger();
  const request = prepareRequest();
  const target = await destination.prepareEntity(request);
  await claim({ destination }, target, request);
  const successor = await claim({ destination }, target, request, { stage: 1 });
  expect(await successor.write(rowsBatch([["1", "a", null]], { final: true }))).toMatchObject({ rowsWritten: 1 });
  await destination.fence({ rootRunId: request.chain.rootRunId, minAttempt: 2 });
});
