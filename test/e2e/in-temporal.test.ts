import Long from "long";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { syncRunWorkflowId } from "../../core/workflow-contract.ts";
import {
  createOrdersSync,
  expectOrdersEqual,
  ORDERS,
  seedOrders,
  whenBlocked,
  whileLocked,
} from "../support/orders.ts";
import {
  createWorld,
  type Row,
  tableOf,
  trigger,
  type World,
  whenChainEnded,
  whenEnded,
  whenRun,
} from "../support/world.ts";

/** What somebody does in the Temporal Web UI or CLI shows in the run within 30 s. */
describe("a run whose workflow is touched in Temporal", () => {
  let world: World;
  let sync: Row;

  beforeEach(async () => {
    world = await createWorld();
    await seedOrders(world, 5_000);
    sync = await createOrdersSync(world);
    await world.startWorker();
    await whenEnded(world, (await trigger(world, sync.id)).id);
    await world.source("update orders set note = 'again', updated_at = now()");
  });
  afterEach(() => world.close());

  /** A run in the middle of a merge that a lock holds up, while `work` does something to its workflow. */
  async function whileMerging(work: (run: Row) => Promise<void>): Promise<Row> {
    return whileLocked(world.warehouseUrl, `select from ${tableOf(sync, ORDERS)} where id = 3 for update`, async () => {
      const run = await trigger(world, sync.id);
      await whenBlocked(world);
      await work(run);
      return run;
    });
  }
  const handleOf = (run: Row) => world.temporal.workflow.getHandle(syncRunWorkflowId(run.id));

  it("terminated: the row fails as workflow_terminated, nothing resumes by itself, and a retry finishes the work", async () => {
    const run = await whileMerging(async (started) => {
      await handleOf(started).terminate("test");
      expect(await whenEnded(world, started.id, 35_000)).toMatchObject({
        status: "failed",
        resultClass: "system_failure",
        resultReasonCode: "workflow_terminated",
        nextAttemptRunId: null,
      });
    });
    const retried = await world.api("POST", `/syncs/runs/${run.id}/retry`);
    expect(retried).toMatchObject({
      status: 201,
      body: { attemptNumber: 2, attemptRootRunId: run.id, triggeredBy: "retry" },
    });
    expect(await whenChainEnded(world, retried.body.id)).toMatchObject({ status: "succeeded" });
    await expectOrdersEqual(world, sync);
  });

  it("cancelled there: the row is cancelled with its own code within seconds", async () => {
    await whileMerging(async (started) => {
      await handleOf(started).cancel();
      const ended = await whenEnded(world, started.id, 10_000);
      expect(ended).toMatchObject({
        status: "cancelled",
        resultReasonCode: "cancelled_in_backend",
        cancelRequestedBy: "system:temporal",
      });
    });
  });

  it("reset: the row follows the new execution, and the data is right", async () => {
    const run = await whileMerging(async (started) => {
      const handle = handleOf(started);
      const { runId } = await handle.describe();
      await world.temporal.workflowService.resetWorkflowExecution({
        namespace: world.namespace,
        workflowExecution: { workflowId: handle.workflowId, runId },
        reason: "test",
        workflowTaskFinishEventId: Long.fromNumber(4),
        requestId: started.id,
      });
    });
    expect(await whenChainEnded(world, run.id)).toMatchObject({ status: "succeeded" });
    await expectOrdersEqual(world, sync);
  });

  it("reset after its end: the terminal row stays, and the new execution changes nothing", async () => {
    const run = await trigger(world, sync.id);
    const ended = await whenEnded(world, run.id);
    const handle = handleOf(run);
    await world.temporal.workflowService.resetWorkflowExecution({
      namespace: world.namespace,
      workflowExecution: { workflowId: handle.workflowId, runId: (await handle.describe()).runId },
      reason: "test",
      workflowTaskFinishEventId: Long.fromNumber(4),
      requestId: run.id,
    });
    expect(await handle.result()).toMatchObject({ status: "succeeded" });
    expect(await whenRun(world, run.id, () => true)).toMatchObject({
      status: "succeeded",
      completedAt: ended.completedAt,
    });
  });

  it("is readable there: summary, search attributes, and the page that backendRunUrl names", async () => {
    const run = await trigger(world, sync.id);
    const ended = await whenEnded(world, run.id);
    const description = await handleOf(run).describe();
    expect(description.searchAttributes).toMatchObject({
      SluiceRunId: [run.id],
      SluiceSyncId: [sync.id],
      SluiceProvider: ["postgres"],
      SluiceRunMode: ["incremental"],
      SluiceTriggeredBy: ["manual"],
      SluiceAttempt: [1],
    });
    expect(await description.staticSummary()).toBe(`${sync.name} · incremental · attempt 1`);
    const first = description.raw.workflowExecutionInfo?.firstRunId ?? description.runId;
    expect(ended.backendRunRef).toBe(`${description.workflowId}/${first}`);
    expect(ended.backendRunUrl).toBe(
      `http://127.0.0.1:8233/namespaces/${world.namespace}/workflows/${encodeURIComponent(description.workflowId)}/${first}/history`,
    );
  });
});
