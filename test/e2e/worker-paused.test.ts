import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { FaultProxy } from "../support/fault-proxy.ts";
import { committedRows, createOrdersSync, expectOrdersEqual, seedOrders, throughProxy } from "../support/orders.ts";
import {
  createWorld,
  getRun,
  trigger,
  until,
  type World,
  whenChainEnded,
  whenEnded,
  whenRun,
} from "../support/world.ts";

interface OrdersWorld {
  world: World;
  proxy: FaultProxy;
  connectionId: string;
}

/** A world of the test's own, with a proxy before its source. */
async function inOrdersWorld(work: (through: OrdersWorld) => Promise<void>): Promise<void> {
  const world = await createWorld();
  try {
    await seedOrders(world, 20_000);
    await throughProxy(world, (through) => work({ world, ...through }));
  } finally {
    await world.close();
  }
}

/** SIGSTOP, not kill -9: its sessions stay, and one day it goes on where it was. They wait side by side. */
describe.concurrent("a worker that is paused, not dead", { timeout: 300_000 }, () => {
  it("when it wakes up after a cancel, it writes nothing", async () => {
    await inOrdersWorld(async ({ world, proxy, connectionId }) => {
      const sync = await createOrdersSync(world, { connectionId });
      const paused = await world.startWorker();
      proxy.stall(2_000_000);
      const run = await trigger(world, sync.id);
      await until("the stall", async () => (proxy.stalled() ? true : null));
      paused.signal("SIGSTOP");
      await world.startWorker();
      expect((await world.api("POST", `/syncs/runs/${run.id}/cancel`, { reason: "test" })).status).toBe(200);
      const ended = await whenRun(world, run.id, ({ completedAt }) => completedAt !== null, 100_000);
      expect(ended).toMatchObject({
        status: "cancelled",
        resultReasonCode: "cancelled_by_user",
        nextAttemptRunId: null,
      });
      const atEnd = await committedRows(world);
      proxy.heal();
      paused.signal("SIGCONT");
      await sleep(3_000);
      expect(await committedRows(world)).toBe(atEnd);
      expect(await world.api("GET", `/syncs/runs/${run.id}`)).toMatchObject({ body: { status: "cancelled" } });

      const retried = await world.api("POST", `/syncs/runs/${run.id}/retry`);
      expect(retried.status).toBe(201);
      expect(await whenChainEnded(world, retried.body.id)).toMatchObject({ status: "succeeded", attemptNumber: 2 });
      await expectOrdersEqual(world, sync);
    });
  });

  it("when it wakes up in the middle of the next attempt's work, it changes nothing of either", async () => {
    await inOrdersWorld(async ({ world, proxy, connectionId }) => {
      const sync = await createOrdersSync(world, { connectionId });
      const paused = await world.startWorker();
      proxy.stall(2_000_000);
      const first = await trigger(world, sync.id);
      await until("the stall", async () => (proxy.stalled() ? true : null));
      paused.signal("SIGSTOP");
      await world.startWorker();
      await world.api("POST", `/syncs/runs/${first.id}/cancel`, { reason: "test" });
      await whenEnded(world, first.id, 100_000);
      const atEnd = await committedRows(world);

      // The next attempt commits something, and then it is the one that stands still while the other wakes up.
      proxy.heal();
      proxy.stall(3_000_000);
      const { body: next } = await world.api("POST", `/syncs/runs/${first.id}/retry`);
      await until("work of the next attempt", async () => ((await committedRows(world)) > atEnd ? true : null));
      await until("the second stall", async () => (proxy.stalled() ? true : null));
      await sleep(1_000);
      const inTheMiddle = await committedRows(world);
      const before = await getRun(world, first.id);
      paused.signal("SIGCONT");
      await sleep(5_000);
      expect(await committedRows(world)).toBe(inTheMiddle);
      expect(await getRun(world, next.id)).toMatchObject({ status: "running", attemptNumber: 2 });

      proxy.heal();
      expect(await whenChainEnded(world, next.id)).toMatchObject({ status: "succeeded", attemptNumber: 2 });
      await expectOrdersEqual(world, sync);
      expect(await committedRows(world)).toBe(20_000);
      expect(await getRun(world, first.id)).toEqual(before);
    });
  });

  it("and taken over: when it wakes up after the chain has ended, it writes nothing", async () => {
    await inOrdersWorld(async ({ world, proxy, connectionId }) => {
      const sync = await createOrdersSync(world, { connectionId });
      const paused = await world.startWorker();
      proxy.stall(2_000_000);
      const run = await trigger(world, sync.id);
      await until("the stall", async () => (proxy.stalled() ? true : null));
      paused.signal("SIGSTOP");
      proxy.heal();
      await world.startWorker();
      const ended = await whenChainEnded(world, run.id, 100_000);
      expect(ended).toMatchObject({ status: "succeeded" });
      paused.signal("SIGCONT");
      await sleep(3_000);
      await expectOrdersEqual(world, sync);
    });
  });
});
