import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { syncRunWorkflowId } from "../../core/workflow-contract.ts";
import { createFaultProxy, type FaultProxy } from "../support/fault-proxy.ts";
import { whileStepHeld } from "../support/held-steps.ts";
import { createOrdersSync, expectOrdersEqual, seedOrders } from "../support/orders.ts";
import {
  createWorld,
  type Row,
  trigger,
  until,
  type World,
  whenChainEnded,
  whenEnded,
  whenRun,
} from "../support/world.ts";

/** All slices are done, and the destination goes away before the result is proved. The patience here is `runTimeoutSeconds`. */
describe("a destination that goes away when only the proof is left", () => {
  let world: World;
  let proxy: FaultProxy;

  beforeAll(async () => {
    world = await createWorld();
    await seedOrders(world, 5_000);
    proxy = await createFaultProxy({ targetPort: Number(new URL(world.warehouseUrl).port) });
    const warehouse = new URL(world.warehouseUrl);
    warehouse.port = String(proxy.port);
    await world.startWorker({ WAREHOUSE_URL: warehouse.href });
  });
  afterAll(async () => {
    proxy.heal();
    await world.close();
    await proxy.close();
  });

  async function loseBeforeProof(runTimeoutSeconds: number, lose: () => void): Promise<[Row, Row]> {
    const sync = await createOrdersSync(world, {
      executionMode: "fan_out_entity",
      destinationConfig: { schema: `s_${Date.now()}` },
      executionConfig: { runTimeoutSeconds },
    });
    const run = await whileStepHeld(world, "done", async ({ reached }) => {
      const triggered = await trigger(world, sync.id);
      await reached();
      lose();
      return triggered;
    });
    return [sync, run];
  }

  it.each([
    ["refuses connections", () => proxy.refuse()],
    ["answers nothing", () => proxy.stall()],
  ])("and %s: the run says so, ends when its patience is over, and the next attempt proves it", async (_, lose) => {
    const [sync, run] = await loseBeforeProof(12, lose);
    const unproved = await whenRun(world, run.id, ({ summary }) => summary.proof !== undefined);
    expect(unproved).toMatchObject({
      status: "running",
      summary: { proof: { reasonCode: "destination_unavailable" } },
    });
    const ended = await whenEnded(world, run.id);
    expect(ended).toMatchObject({ status: "failed", resultReasonCode: "destination_unavailable" });
    expect(ended.summary).not.toHaveProperty("proof");
    expect(ended.nextAttemptRunId).not.toBeNull();
    expect((await world.api("GET", `/syncs/${sync.id}`)).body.lastError).toBe(ended.error);
    proxy.heal();
    expect(await whenChainEnded(world, run.id)).toMatchObject({ status: "succeeded" });
    await expectOrdersEqual(world, sync);
  });

  it("and the run is cancelled: it ends as that with the next try of the proof, and a retry proves it", async () => {
    const [sync, run] = await loseBeforeProof(600, () => proxy.refuse());
    await whenRun(world, run.id, ({ summary }) => summary.proof !== undefined);
    await world.api("POST", `/syncs/runs/${run.id}/cancel`, {});
    expect(await whenEnded(world, run.id)).toMatchObject({
      status: "cancelled",
      resultReasonCode: "cancelled_by_user",
    });
    const workflow = world.temporal.workflow.getHandle(syncRunWorkflowId(run.id));
    await until("the workflow", async () => ((await workflow.describe()).status.name === "CANCELLED" ? true : null));
    proxy.heal();
    const retried = await world.api("POST", `/syncs/runs/${run.id}/retry`, {});
    expect(await whenChainEnded(world, retried.body.id)).toMatchObject({ status: "succeeded", attemptNumber: 2 });
    await expectOrdersEqual(world, sync);
  });

  it("and comes back in time: the run succeeds", async () => {
    const [sync, run] = await loseBeforeProof(600, () => proxy.refuse());
    await whenRun(world, run.id, ({ summary }) => summary.proof !== undefined);
    proxy.heal();
    const ended = await whenEnded(world, run.id);
    expect(ended).toMatchObject({ status: "succeeded", attemptNumber: 1 });
    expect(ended.summary).not.toHaveProperty("proof");
    await expectOrdersEqual(world, sync);
  });
});
