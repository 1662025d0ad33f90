import { WorkflowFailedError } from "@temporalio/client";
import { ApplicationFailure, CancelledFailure } from "@temporalio/common";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DEADLINES } from "../../control/stuck-workflow.ts";
import { syncRunWorkflowId } from "../../core/workflow-contract.ts";
import { keepHistory } from "../support/histories.ts";
import { createOrdersSync, ORDERS, seedOrders, whileLocked } from "../support/orders.ts";
import { withReconciler } from "../support/reconciler.ts";
import { createWorld, getRun, type Row, trigger, until, type World, whenEnded, whenRun } from "../support/world.ts";

/** Whoever looks at Temporal's list sees at once which runs failed, and of what. */
describe("a workflow closes as its run ended", () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
    await seedOrders(world, 1_000);
    await world.startWorker();
  });
  afterAll(() => world.close());

  /** How Temporal has it, once it is closed, with what it was closed with. */
  async function closingOf(run: Row): Promise<{ status: string; failure: unknown }> {
    const handle = world.temporal.workflow.getHandle(syncRunWorkflowId(run.id));
    const failure = await handle.result().then(
      () => null,
      (error: unknown) => (error instanceof WorkflowFailedError ? error.cause : error),
    );
    return { status: (await handle.describe()).status.name, failure };
  }

  it("failed: red, with the reason code as the failure's type and the run's error as its message", async () => {
    const connectionId = await world.createConnection({ password: "not the password" });
    const sync = await createOrdersSync(world, { connectionId });
    const ended = await whenEnded(world, (await trigger(world, sync.id)).id);
    expect(ended).toMatchObject({ status: "failed", resultReasonCode: "source_auth_failed" });
    const { status, failure } = await closingOf(ended);
    expect(status).toBe("FAILED");
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({ type: "source_auth_failed", message: ended.error, nonRetryable: true });
    expect(JSON.stringify(failure)).not.toContain("not the password");
    await keepHistory(world, ended.id, "failed");
    await expectLeftAlone(ended);
  });

  it("cancelled: cancelled there too", async () => {
    const sync = await createOrdersSync(world, { destinationConfig: { schema: "cancelled" } });
    const ended = await whileLocked(world.sourceUrl, "lock table orders in access exclusive mode", async () => {
      const run = await trigger(world, sync.id);
      await whenRun(world, run.id, ({ executorId }) => executorId !== null);
      await world.api("POST", `/syncs/runs/${run.id}/cancel`);
      return whenEnded(world, run.id);
    });
    expect(ended).toMatchObject({ status: "cancelled" });
    const { status, failure } = await closingOf(ended);
    expect(status).toBe("CANCELLED");
    expect(failure).toBeInstanceOf(CancelledFailure);
    await keepHistory(world, ended.id, "cancelled-closed");
    await expectLeftAlone(ended);
  });

  it("succeeded and partial: completed", async () => {
    await world.source("create table broken (id int primary key); insert into broken values (1)");
    const sync = await createOrdersSync(world, {
      destinationConfig: { schema: "partial" },
      entities: [ORDERS, "public.broken"],
    });
    const succeeded = await whenEnded(world, (await trigger(world, sync.id)).id);
    expect(succeeded).toMatchObject({ status: "succeeded" });
    expect(await closingOf(succeeded)).toEqual({ status: "COMPLETED", failure: null });
    await world.source("drop table broken");
    await world.source("update orders set note = 'again', updated_at = now() where id < 10");
    const partial = await whenEnded(world, (await trigger(world, sync.id)).id);
    expect(partial).toMatchObject({ status: "partial" });
    expect(await closingOf(partial)).toEqual({ status: "COMPLETED", failure: null });
  });

  /** The reconciler, which lists closed workflows, finds nothing to mend. */
  async function expectLeftAlone(ended: Row): Promise<void> {
    await until("the list", async () => {
      for await (const { workflowId, status } of world.temporal.workflow.list({
        query: "ExecutionStatus != 'Running'",
      }))
        if (workflowId === syncRunWorkflowId(ended.id) && status.name !== "RUNNING") return true;
      return null;
    });
    const before = await getRun(world, ended.id);
    await withReconciler(world, DEADLINES, (pass) => pass());
    expect(await getRun(world, ended.id)).toEqual(before);
  }
});
