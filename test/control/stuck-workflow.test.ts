import { setTimeout as sleep } from "node:timers/promises";
import Long from "long";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DEADLINES } from "../../control/stuck-workflow.ts";
import { syncRunWorkflowId } from "../../core/workflow-contract.ts";
import { silenceTemporal, withWorkflows } from "../support/foreign-worker.ts";
import { createOrdersSync, expectOrdersEqual, seedOrders, whileLocked } from "../support/orders.ts";
import { withReconciler } from "../support/reconciler.ts";
import {
  createWorld,
  getRun,
  type Row,
  trigger,
  until,
  type World,
  whenChainEnded,
  whenEnded,
  whenRun,
} from "../support/world.ts";

/** A run that does not go on by itself ends with the reason, and the chain goes on once somebody takes its work. */
describe("a workflow that is stuck", () => {
  let world: World;
  let sync: Row;

  beforeAll(silenceTemporal);
  beforeEach(async () => {
    world = await createWorld();
    await seedOrders(world, 2_000);
    sync = await createOrdersSync(world);
  });
  afterEach(() => world.close());

  const handleOf = (run: Row) => world.temporal.workflow.getHandle(syncRunWorkflowId(run.id));
  const statusOf = async (run: Row) => (await handleOf(run).describe()).status.name;

  /** As if it had been silent for an hour. */
  async function age(run: Row): Promise<void> {
    await world.db
      .updateTable("runs")
      .set({ dispatchedAt: new Date(Date.now() - 3_600_000), backendHeartbeatAt: null })
      .where("id", "=", run.id)
      .execute();
  }

  /** The run once passes of the reconciler have ended it. */
  function whenReconciled(run: Row, pass: () => Promise<void>, timeoutMs?: number): Promise<Row> {
    const ask = async (): Promise<Row | null> => {
      await pass();
      const seen = await getRun(world, run.id);
      return seen.completedAt === null ? null : seen;
    };
    return until(`run ${run.id}`, ask, timeoutMs);
  }

  async function expectChainSucceeds(run: Row): Promise<void> {
    expect(await whenChainEnded(world, run.id)).toMatchObject({ status: "succeeded", attemptNumber: 2 });
    await expectOrdersEqual(world, sync);
  }

  it("its task keeps failing: workflow_wedged within 60 s, and a worker with sound workflows finishes the chain", async () => {
    const run = await withWorkflows(world, "wedged", async () => {
      const started = await trigger(world, sync.id);
      await age(started);
      const ended = await withReconciler(world, DEADLINES, (pass) => whenReconciled(started, pass, 60_000));
      expect(ended).toMatchObject({
        status: "failed",
        resultClass: "system_failure",
        resultReasonCode: "workflow_wedged",
      });
      expect(await statusOf(started)).toBe("TERMINATED");
      return started;
    });
    await world.startWorker();
    await expectChainSucceeds(run);
  });

  it("no worker begins it: start_timeout, counted only from when somebody looks", async () => {
    const run = await trigger(world, sync.id);
    await age(run);
    await withReconciler(world, { ...DEADLINES, startMs: 1_500 }, async (pass) => {
      await pass();
      expect(await getRun(world, run.id)).toMatchObject({ status: "pending" });
      await sleep(1_600);
      expect(await whenReconciled(run, pass)).toMatchObject({ status: "failed", resultReasonCode: "start_timeout" });
      expect(await statusOf(run)).toBe("TERMINATED");
    });
    await world.startWorker();
    await expectChainSucceeds(run);
  });

  it("no worker serves the queue of its work: queue_timeout", async () => {
    await world.startWorker({ WORKER_QUEUES: "workflows,records,plans,looks" });
    const run = await trigger(world, sync.id);
    await whenRun(world, run.id, ({ summary }) => summary.waiting?.reason === "no_worker");
    await age(run);
    const ended = await withReconciler(world, { ...DEADLINES, queueMs: 2_000 }, (pass) => whenReconciled(run, pass));
    expect(ended).toMatchObject({
      status: "failed",
      resultClass: "transient_failure",
      resultReasonCode: "queue_timeout",
      error: expect.stringContaining("sluice-data"),
    });
    expect(await statusOf(run)).toBe("TERMINATED");
    await world.startWorker({ WORKER_QUEUES: "data" });
    await expectChainSucceeds(run);
  });

  it("reset, and the new execution ends without a result: workflow_reset, and the chain goes on", async () => {
    const worker = await world.startWorker();
    const run = await whileLocked(world.sourceUrl, "lock table orders in access exclusive mode", async () => {
      const started = await trigger(world, sync.id);
      await whenRun(world, started.id, ({ executorId }) => executorId !== null);
      await worker.kill();
      const handle = handleOf(started);
      await world.temporal.workflowService.resetWorkflowExecution({
        namespace: world.namespace,
        workflowExecution: { workflowId: handle.workflowId, runId: (await handle.describe()).runId },
        reason: "test",
        workflowTaskFinishEventId: Long.fromNumber(4),
        requestId: started.id,
      });
      await withWorkflows(world, "failing", () =>
        until("the failure", async () => ((await statusOf(started)) === "FAILED" ? true : null)),
      );
      await age(started);
      const ended = await withReconciler(world, DEADLINES, (pass) => whenReconciled(started, pass));
      expect(ended).toMatchObject({ status: "failed", resultReasonCode: "workflow_reset" });
      return started;
    });
    await world.startWorker();
    await expectChainSucceeds(run);
  });

  it("an hour without any worker fails nothing: the run begins when one is back", async () => {
    const run = await trigger(world, sync.id);
    await age(run);
    await world.startWorker();
    expect(await whenEnded(world, run.id)).toMatchObject({ status: "succeeded", attemptNumber: 1 });
  });
});
