import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { syncRunWorkflowId } from "../../core/workflow-contract.ts";
import { keepHistory } from "../support/histories.ts";
import { createOrdersSync, expectOrdersEqual, seedOrders } from "../support/orders.ts";
import { createOwnTemporal } from "../support/own-servers.ts";
import {
  createWorld,
  getRun,
  type Row,
  trigger,
  until,
  type World,
  whenChainEnded,
  whenEnded,
} from "../support/world.ts";

const ROWS = 20_000;

/** A server that finds a history of 40 events long: a run then has many executions, and is one run nevertheless. */
describe("a run whose history grows long", () => {
  let server: Awaited<ReturnType<typeof createOwnTemporal>>;
  let world: World;
  let sync: Row;

  beforeAll(async () => {
    server = await createOwnTemporal({ "limit.historyCount.suggestContinueAsNew": 40 });
    world = await createWorld({ temporalAddress: server.address });
    await seedOrders(world, ROWS);
    sync = await createOrdersSync(world, { executionConfig: { windowSize: "500" } });
    await world.startWorker();
  });
  afterAll(async () => {
    await world.close();
    await server.remove();
  });

  /** The run's executions, the first one first. */
  async function executionsOf(run: Row): Promise<{ runId: string; status: string; searchAttributes: Row }[]> {
    const found = [];
    const query = `WorkflowId = '${syncRunWorkflowId(run.id)}'`;
    for await (const { runId, status, startTime, searchAttributes } of world.temporal.workflow.list({ query }))
      found.push({ runId, status: status.name, startTime, searchAttributes });
    return found.sort((a, b) => a.startTime.getTime() - b.startTime.getTime());
  }

  it("goes on in new executions: every window is read once, and the row points to the first one", async () => {
    const run = await trigger(world, sync.id);
    const ended = await whenChainEnded(world, run.id);
    expect(ended).toMatchObject({ id: run.id, status: "succeeded", attemptNumber: 1 });
    expect(ended.summary).toMatchObject({ rowsRead: ROWS, rowsWritten: ROWS });
    await expectOrdersEqual(world, sync);
    expect(await world.warehouse("select distinct fence::int, attempt from _sluice.slices")).toEqual([
      { fence: 1, attempt: 1 },
    ]);

    const executions = await until("all executions in the visibility store", async () => {
      const found = await executionsOf(run);
      return found.at(-1)?.status === "COMPLETED" ? found : null;
    });
    const statuses = executions.map(({ status }) => status);
    expect(statuses.length).toBeGreaterThan(3);
    expect(new Set(statuses.slice(0, -1))).toEqual(new Set(["CONTINUED_AS_NEW"]));
    const [first] = executions;
    expect(ended.backendRunRef).toBe(`${syncRunWorkflowId(run.id)}/${first?.runId}`);
    for (const { searchAttributes } of executions) {
      expect(searchAttributes).toMatchObject({ SluiceRunId: [run.id], SluiceSyncId: [sync.id], SluiceAttempt: [1] });
    }
    await keepHistory(world, run.id, "continued-first", first?.runId);
    await keepHistory(world, run.id, "continued-last");
  });

  it("has one time limit, which begins with the first execution", async () => {
    const limited = await createOrdersSync(world, {
      destinationConfig: { schema: "limited" },
      executionConfig: { windowSize: "50", maxConcurrency: 1, runTimeoutSeconds: 5, maxAutoResumeAttempts: 0 },
    });
    const run = await trigger(world, limited.id);
    expect(await whenEnded(world, run.id, 20_000)).toMatchObject({ status: "failed", resultReasonCode: "run_timeout" });
    await until("its second execution in the visibility store", async () =>
      (await executionsOf(run)).length > 1 ? true : null,
    );
  });

  it("hears a cancel at any time, between two executions too", async () => {
    for (let round = 0; round < 8; round++) {
      const run = await trigger(world, sync.id, { runMode: "full_refresh" });
      const handle = world.temporal.workflow.getHandle(syncRunWorkflowId(run.id));
      await until("the beginning", async () => ((await getRun(world, run.id)).startedAt ? true : null));
      const { runId: first } = await handle.describe();
      if (round % 2 === 0) await sleep(round * 120);
      else await until("the next execution", async () => ((await handle.describe()).runId === first ? null : true));
      expect((await world.api("POST", `/syncs/runs/${run.id}/cancel`)).body.status, `round ${round}`).toBe(
        "cancelling",
      );
      expect(await whenEnded(world, run.id, 6_000), `round ${round}`).toMatchObject({
        status: "cancelled",
        resultReasonCode: "cancelled_by_user",
        nextAttemptRunId: null,
      });
    }
    expect(await whenChainEnded(world, (await trigger(world, sync.id)).id)).toMatchObject({ status: "succeeded" });
    await expectOrdersEqual(world, sync);
  });
});
