import { type Client, WorkflowNotFoundError } from "@temporalio/client";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DEADLINES } from "../../control/stuck-workflow.ts";
import { syncRunWorkflowId } from "../../core/workflow-contract.ts";
import { getRun as readRun } from "../../db/runs.ts";
import { silenceTemporal } from "../support/foreign-worker.ts";
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

/** What Temporal is asked, in turn; a call for which `fails` holds fails as visibility does when it is away. */
function recorded(client: Client, calls: string[], fails: (call: string) => boolean): Client {
  const note = (call: string): void => {
    calls.push(call);
    if (fails(call)) throw new Error(`${call}: visibility is away`);
  };
  const workflow = new Proxy(client.workflow, {
    get(target, name) {
      if (name === "list") {
        return (options: { query: string }) => {
          note(options.query.includes("CloseTime") ? "list closed" : "list running");
          return target.list(options);
        };
      }
      if (name === "getHandle") {
        return (workflowId: string) =>
          new Proxy(target.getHandle(workflowId), {
            get(handle, method) {
              const value = Reflect.get(handle, method);
              if (method !== "cancel" && method !== "describe" && method !== "terminate") return value;
              return (...args: unknown[]) => {
                note(`${method} ${workflowId}`);
                return value.apply(handle, args);
              };
            },
          });
      }
      return Reflect.get(target, name);
    },
  });
  return new Proxy(client, {
    get(target, name) {
      if (name === "workflow") return workflow;
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

describe("the reconciler", () => {
  let world: World;
  let sync: Row;

  beforeAll(silenceTemporal);
  beforeEach(async () => {
    world = await createWorld();
    await seedOrders(world, 2_000);
    sync = await createOrdersSync(world);
  });
  afterEach(() => world.close());

  const change = (run: Row, values: Row) => world.db.updateTable("runs").set(values).where("id", "=", run.id).execute();
  const statusOf = async (run: Row) =>
    (await world.temporal.workflow.getHandle(syncRunWorkflowId(run.id)).describe()).status.name;

  it("delivers cancels first, then looks at silent runs, then at lists, and a list that fails stops nothing", async () => {
    const other = await createOrdersSync(world, { destinationConfig: { schema: "other" } });
    const worker = await world.startWorker();
    const begun = await whileLocked(world.sourceUrl, "lock table orders in access exclusive mode", async () => {
      const silent = await trigger(world, sync.id);
      const cancelled = await trigger(world, other.id);
      for (const run of [silent, cancelled]) await whenRun(world, run.id, ({ executorId }) => executorId !== null);
      await worker.kill();
      const hourAgo = new Date(Date.now() - 3_600_000);
      await change(silent, { dispatchedAt: hourAgo, backendHeartbeatAt: hourAgo });
      await change(cancelled, { status: "cancelling", cancelRequestedAt: new Date(), cancelRequestedBy: "test" });
      const calls: string[] = [];
      const temporal = recorded(world.temporal, calls, (call) => call.startsWith("list"));
      await withReconciler({ ...world, temporal }, DEADLINES, (pass) => pass());
      const at = (call: string) => calls.findIndex((each) => each.startsWith(call));
      const order = [
        at(`cancel ${syncRunWorkflowId(cancelled.id)}`),
        at(`describe ${syncRunWorkflowId(silent.id)}`),
        at("list closed"),
        at("list running"),
      ];
      expect(order).not.toContain(-1);
      expect(order).toEqual(order.toSorted((a, b) => a - b));
      const { cancelDeliveredAt } = await readRun(world.db, cancelled.id);
      expect(cancelDeliveredAt).not.toBeNull();
      return silent;
    });
    await world.startWorker();
    expect(await whenChainEnded(world, begun.id)).toMatchObject({ status: "succeeded" });
  });

  it("leaves the workflow of a run that ended a moment ago to close by itself, and ends one that does not", async () => {
    const run = await trigger(world, sync.id);
    await whenRun(world, run.id, ({ backendRunRef }) => backendRunRef !== null);
    await world.api("POST", `/syncs/runs/${run.id}/cancel`);
    expect(await whenEnded(world, run.id)).toMatchObject({ status: "cancelled" });
    const passUntil = (pass: () => Promise<void>, done: () => Promise<boolean>) =>
      until("the reconciler", async () => {
        await pass();
        return (await done()) ? true : null;
      });
    await withReconciler(world, DEADLINES, async (pass) => {
      const calls: string[] = [];
      await withReconciler(
        { ...world, temporal: recorded(world.temporal, calls, () => false) },
        DEADLINES,
        (recordedPass) => passUntil(recordedPass, async () => calls.includes(`describe ${syncRunWorkflowId(run.id)}`)),
      );
      expect(await statusOf(run)).toBe("RUNNING");
      await change(run, { completedAt: new Date(Date.now() - 120_000) });
      await passUntil(pass, async () => (await statusOf(run)) === "TERMINATED");
    });
  });

  it("ends a run that Temporal does not know any more as execution_not_found, and the chain goes on", async () => {
    const run = await trigger(world, sync.id);
    await whenRun(world, run.id, ({ backendRunRef }) => backendRunRef !== null);
    const workflowId = syncRunWorkflowId(run.id);
    await world.temporal.workflow.getHandle(workflowId).terminate("test");
    await world.temporal.workflowService.deleteWorkflowExecution({
      namespace: world.namespace,
      workflowExecution: { workflowId },
    });
    await until("the deletion", () =>
      statusOf(run).then(
        () => null,
        (error: unknown) => (error instanceof WorkflowNotFoundError ? true : null),
      ),
    );
    await change(run, { dispatchedAt: new Date(Date.now() - 3_600_000) });
    await withReconciler(world, DEADLINES, (pass) => pass());
    expect(await getRun(world, run.id)).toMatchObject({
      status: "failed",
      resultReasonCode: "execution_not_found",
      nextAttemptRunId: expect.any(String),
    });
    await world.startWorker();
    expect(await whenChainEnded(world, run.id)).toMatchObject({ status: "succeeded", attemptNumber: 2 });
    await expectOrdersEqual(world, sync);
  });
});
