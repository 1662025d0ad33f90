import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  changeOrders,
  committedRows,
  createOrdersSync,
  expectOrdersEqual,
  ORDERS,
  seedOrders,
  throughProxy,
  whenBlocked,
  whileLocked,
} from "../support/orders.ts";
import { createWorld, tableOf, trigger, until, type World, whenChainEnded, whenEnded } from "../support/world.ts";

/** kill -9 at the moments that matter. After each: nothing lost, nothing doubled, and the run tells the truth. */
describe("a worker that is killed", () => {
  let world: World;

  beforeEach(async () => {
    world = await createWorld();
    await seedOrders(world, 20_000);
  });
  afterEach(() => world.close());

  it("in the middle of a batch: another one goes on from the last committed batch", async () => {
    await throughProxy(world, async ({ proxy, connectionId }) => {
      const sync = await createOrdersSync(world, { connectionId });
      const worker = await world.startWorker();
      proxy.stall(2_000_000);
      const run = await trigger(world, sync.id);
      await until("committed batches", async () => ((await committedRows(world)) > 0 ? true : null));
      await until("the stall", async () => (proxy.stalled() ? true : null));
      await worker.kill();
      proxy.heal();
      await world.startWorker();
      const ended = await whenChainEnded(world, run.id);
      expect(ended).toMatchObject({ status: "succeeded", resultReasonCode: null });
      await expectOrdersEqual(world, sync);
    });
  });

  it("right after a commit, again and again: every batch counts once", async () => {
    const sync = await createOrdersSync(world, { executionConfig: { batchRows: 500 } });
    const run = await trigger(world, sync.id);
    for (let kill = 0; kill < 3; kill++) {
      const before = await committedRows(world);
      const worker = await world.startWorker();
      await until("a commit", async () => ((await committedRows(world)) > before ? true : null));
      await worker.kill();
    }
    await world.startWorker();
    const ended = await whenChainEnded(world, run.id);
    expect(ended).toMatchObject({ status: "succeeded" });
    await expectOrdersEqual(world, sync);
  });

  it("in the middle of a merge: the merge rolls back and is done once by the next", async () => {
    const sync = await createOrdersSync(world);
    const worker = await world.startWorker();
    await whenEnded(world, (await trigger(world, sync.id)).id);
    await changeOrders(world);

    const table = tableOf(sync, ORDERS);
    const run = await whileLocked(world.warehouseUrl, `select from ${table} where id = 3 for update`, async () => {
      const started = await trigger(world, sync.id);
      expect(await whenBlocked(world)).toMatch(/insert into/i);
      await worker.kill();
      return started;
    });
    await world.startWorker();
    expect(await whenChainEnded(world, run.id)).toMatchObject({ status: "succeeded" });
    await expectOrdersEqual(world, sync);
  });

  it("in the middle of a swap: readers see the old table or the new one, and the next attempt finishes it", async () => {
    const sync = await createOrdersSync(world);
    const worker = await world.startWorker();
    await whenEnded(world, (await trigger(world, sync.id)).id);
    await world.source("delete from orders where id % 2 = 0");

    const run = await whileLocked(
      world.warehouseUrl,
      `lock table ${tableOf(sync, ORDERS)} in access share mode`,
      async () => {
        const started = await trigger(world, sync.id, { runMode: "full_refresh" });
        await whenBlocked(world);
        await worker.kill();
        const [seen] = await world.warehouse(`select count(*)::int as rows from ${tableOf(sync, ORDERS)}`);
        expect(seen).toEqual({ rows: 20_000 });
        return started;
      },
    );
    await world.startWorker();
    expect(await whenChainEnded(world, run.id)).toMatchObject({ status: "succeeded" });
    await expectOrdersEqual(world, sync);
  });

  it("while it proves the result: another one does, without waiting for the time that may take", async () => {
    const sync = await createOrdersSync(world);
    const worker = await world.startWorker();
    await whenEnded(world, (await trigger(world, sync.id)).id);
    await changeOrders(world);
    const run = await whileLocked(world.controlUrl, "lock table cursor_states in exclusive mode", async () => {
      const started = await trigger(world, sync.id);
      expect(await whenBlocked(world, world.controlUrl)).toMatch(/cursor_states/);
      await worker.kill();
      return started;
    });
    await world.startWorker();
    expect(await whenEnded(world, run.id, 40_000)).toMatchObject({ status: "succeeded" });
    await expectOrdersEqual(world, sync);
  });

  it("asked to stop with SIGTERM: it ends by itself with code 0, and another one goes on at once", async () => {
    await throughProxy(world, async ({ proxy, connectionId }) => {
      // A worker that left without a word would be missed only after a minute.
      const sync = await createOrdersSync(world, { connectionId, executionConfig: { heartbeatTimeoutSeconds: 60 } });
      const worker = await world.startWorker();
      proxy.stall(2_000_000);
      const run = await trigger(world, sync.id);
      await until("the stall", async () => (proxy.stalled() ? true : null));
      expect(await worker.stop()).toBe(0);
      proxy.heal();
      await world.startWorker();
      expect(await whenChainEnded(world, run.id, 40_000)).toMatchObject({ status: "succeeded", attemptNumber: 1 });
      await expectOrdersEqual(world, sync);
    });
  });

  it("asked to stop with SIGTERM amid a stream of slices: takes none with it that has just been given out", async () => {
    // A slice that is lost with its worker's last poll stands still for so long.
    const executionConfig = { windowSize: "100", heartbeatTimeoutSeconds: 600 };
    const sync = await createOrdersSync(world, { executionConfig });
    let worker = await world.startWorker();
    await world.startWorker();
    const run = await trigger(world, sync.id);
    for (let stops = 0; stops < 4; stops++) {
      const next = world.startWorker();
      await worker.stop();
      worker = await next;
    }
    expect(await whenChainEnded(world, run.id, 180_000)).toMatchObject({ status: "succeeded", attemptNumber: 1 });
    await expectOrdersEqual(world, sync);
  });
});
