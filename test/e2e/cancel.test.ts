import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keepHistory } from "../support/histories.ts";
import {
  committedRows,
  createOrdersSync,
  expectOrdersEqual,
  ORDERS,
  seedOrders,
  throughProxy,
  whenBlocked,
  whileLocked,
} from "../support/orders.ts";
import {
  createWorld,
  getRun,
  type Row,
  tableOf,
  trigger,
  until,
  type World,
  whenChainEnded,
  whenEnded,
  whenRun,
} from "../support/world.ts";

/** Acknowledged within 5 s wherever it hits, with a receipt, and nothing commits afterwards. */
describe("cancel", () => {
  let world: World;

  beforeEach(async () => {
    world = await createWorld();
    await seedOrders(world, 20_000);
  });
  afterEach(() => world.close());

  const cancel = (run: Row) => world.api("POST", `/syncs/runs/${run.id}/cancel`, { reason: "test" });

  async function expectCancelled(run: Row): Promise<void> {
    const asked = await cancel(run);
    expect(asked).toMatchObject({ status: 200, body: { status: "cancelling", cancelReason: "test" } });
    const again = await world.api("POST", `/syncs/runs/${run.id}/cancel`, { reason: "later" });
    expect(again.body).toMatchObject({ cancelReason: "test", cancelRequestedAt: asked.body.cancelRequestedAt });
    const ended = await whenEnded(world, run.id, 6_000);
    expect(ended).toMatchObject({
      status: "cancelled",
      resultClass: "cancelled",
      resultReasonCode: "cancelled_by_user",
    });
    expect(ended.summary.cancel).toMatchObject({ fenced: true });
    const rows = await committedRows(world);
    await sleep(1_000);
    expect(await committedRows(world)).toBe(rows);
    expect(await cancel(run)).toMatchObject({ status: 409, body: { code: "run_terminal", nextAttemptRunId: null } });
  }

  async function expectRetrySucceeds(run: Row, sync: Row): Promise<void> {
    const retried = await world.api("POST", `/syncs/runs/${run.id}/retry`);
    expect(retried.status).toBe(201);
    expect(await whenChainEnded(world, retried.body.id)).toMatchObject({ status: "succeeded" });
    await expectOrdersEqual(world, sync);
  }

  it("before a worker has begun: at once, and the workflow then does nothing", async () => {
    const sync = await createOrdersSync(world);
    const run = await trigger(world, sync.id);
    expect(await cancel(run)).toMatchObject({ status: 200, body: { status: "cancelled", startedAt: null } });
    await world.startWorker();
    expect(await whenChainEnded(world, (await trigger(world, sync.id)).id)).toMatchObject({ status: "succeeded" });
    expect(await whenEnded(world, run.id)).toMatchObject({ status: "cancelled", startedAt: null });
  });

  it("while it plans", async () => {
    const sync = await createOrdersSync(world);
    await world.startWorker();
    await whileLocked(world.sourceUrl, "lock table orders in access exclusive mode", async (release) => {
      const run = await trigger(world, sync.id);
      await whenRun(world, run.id, ({ status }) => status === "running");
      await expectCancelled(run);
      await release();
      await expectRetrySucceeds(run, sync);
    });
  });

  it("while the source sends nothing", async () => {
    await throughProxy(world, async ({ proxy, connectionId }) => {
      const sync = await createOrdersSync(world, { connectionId });
      await world.startWorker();
      proxy.stall(2_000_000);
      const run = await trigger(world, sync.id);
      await until("the stall", async () => (proxy.stalled() ? true : null));
      await expectCancelled(run);
      await keepHistory(world, run.id, "cancelled");
      proxy.heal();
      await expectRetrySucceeds(run, sync);
    });
  });

  it("while it waits for the source, minutes before that is over", async () => {
    const role = `limited_${randomBytes(4).toString("hex")}`;
    await world.source(`create role ${role} login password 'limited'; grant select on orders to ${role}`);
    try {
      const connectionId = await world.createConnection({ user: role, password: "limited" });
      const sync = await createOrdersSync(world, {
        connectionId,
        executionConfig: { windowSize: "1000", batchRows: 100 },
      });
      await world.startWorker();
      const run = await trigger(world, sync.id);
      await until("committed batches", async () => ((await committedRows(world)) > 0 ? true : null));
      await world.source(`alter role ${role} connection limit 0`);
      await whenRun(world, run.id, ({ status }) => status === "waiting");
      await expectCancelled(run);
      expect((await getRun(world, run.id)).summary.waiting).toBeUndefined();
      await world.source(`alter role ${role} connection limit -1`);
      await expectRetrySucceeds(run, sync);
    } finally {
      await world.source(`drop owned by ${role}; drop role ${role}`);
    }
  });

  it("before the next attempt is due: at once, and the chain is over", async () => {
    await throughProxy(world, async ({ proxy, connectionId }) => {
      const sync = await createOrdersSync(world, { connectionId });
      await world.startWorker();
      proxy.refuse();
      const failed = await whenEnded(world, (await trigger(world, sync.id)).id);
      const next = await getRun(world, failed.nextAttemptRunId);
      expect(next).toMatchObject({ status: "pending", attemptNumber: 2 });
      expect(Date.parse(next.summary.autoResume.notBefore)).toBeGreaterThan(Date.now());
      expect(await cancel(next)).toMatchObject({ status: 200, body: { status: "cancelled", backendRunRef: null } });
      proxy.heal();
      await sleep(Date.parse(next.summary.autoResume.notBefore) - Date.now() + 2_000);
      expect(await getRun(world, next.id)).toMatchObject({
        status: "cancelled",
        startedAt: null,
        nextAttemptRunId: null,
      });
      await expectRetrySucceeds(next, sync);
    });
  });

  it("while it merges, and while it swaps", async () => {
    const sync = await createOrdersSync(world);
    await world.startWorker();
    await whenEnded(world, (await trigger(world, sync.id)).id);
    await world.source("update orders set note = 'again', updated_at = now() where id < 5000");
    const table = tableOf(sync, ORDERS);
    const merging = await whileLocked(world.warehouseUrl, `select from ${table} where id = 3 for update`, async () => {
      const run = await trigger(world, sync.id);
      await whenBlocked(world);
      await expectCancelled(run);
      return run;
    });
    await expectRetrySucceeds(merging, sync);

    await world.source("delete from orders where id % 2 = 0");
    const swapping = await whileLocked(world.warehouseUrl, `lock table ${table} in access share mode`, async () => {
      const run = await trigger(world, sync.id, { runMode: "full_refresh" });
      await whenBlocked(world);
      await expectCancelled(run);
      return run;
    });
    await expectRetrySucceeds(swapping, sync);
  });
});
