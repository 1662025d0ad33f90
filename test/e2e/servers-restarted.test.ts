import { describe, expect, it } from "vitest";
import { committedRows, createOrdersSync, expectOrdersEqual, seedOrders } from "../support/orders.ts";
import { createOwnPostgres, createOwnTemporal, type OwnServer } from "../support/own-servers.ts";
import { createWorld, getRun, trigger, until, type World, whenChainEnded, whenRun } from "../support/world.ts";

async function withOwnTemporal(work: (world: World, temporal: OwnServer) => Promise<void>): Promise<void> {
  const temporal = await createOwnTemporal();
  const world = await createWorld({ temporalAddress: temporal.address });
  try {
    await work(world, temporal);
  } finally {
    await world.close();
    await temporal.remove();
  }
}

describe("when a server goes away", () => {
  it("Temporal down at the trigger: the run is admitted, answered, and dispatched when Temporal is back", async () => {
    await withOwnTemporal(async (world, temporal) => {
      await seedOrders(world, 5_000);
      const sync = await createOrdersSync(world);
      await world.startWorker();
      await temporal.stop();
      const run = await trigger(world, sync.id);
      expect(run).toMatchObject({ status: "pending", backendRunRef: null });
      const second = await world.api("POST", `/syncs/${sync.id}/trigger`);
      expect(second).toMatchObject({ status: 409, body: { code: "run_active", activeRunId: run.id } });
      const seen = await whenRun(world, run.id, ({ summary }) => summary.waiting?.reason === "temporal_unavailable");
      expect(seen.summary).toMatchObject({ phase: "starting", waiting: { since: expect.stringMatching(/Z$/) } });
      await temporal.start();
      const ended = await whenChainEnded(world, run.id);
      expect(ended).toMatchObject({ status: "succeeded", attemptNumber: 1 });
      expect(ended.summary).not.toHaveProperty("waiting");
      await expectOrdersEqual(world, sync);
    });
  });

  it("Temporal restarted during a run, with a cancel asked for meanwhile: the cancel is delivered", async () => {
    await withOwnTemporal(async (world, temporal) => {
      await seedOrders(world, 100_000);
      const sync = await createOrdersSync(world, { executionConfig: { batchRows: 100, maxConcurrency: 1 } });
      await world.startWorker();
      const run = await trigger(world, sync.id);
      await until("committed batches", async () => ((await getRun(world, run.id)).startedAt ? true : null));
      await temporal.stop();
      await world.api("POST", `/syncs/runs/${run.id}/cancel`);
      await temporal.start();
      expect(await whenChainEnded(world, run.id)).toMatchObject({
        status: "cancelled",
        resultReasonCode: "cancelled_by_user",
      });
      const retried = await world.api("POST", `/syncs/runs/${run.id}/retry`);
      expect(await whenChainEnded(world, retried.body.id)).toMatchObject({ status: "succeeded" });
      await expectOrdersEqual(world, sync);
    });
  });

  it("Temporal restarted during a run: the run goes on and ends well", async () => {
    await withOwnTemporal(async (world, temporal) => {
      await seedOrders(world, 50_000);
      const sync = await createOrdersSync(world, { executionConfig: { batchRows: 200 } });
      await world.startWorker();
      const run = await trigger(world, sync.id);
      await until("committed batches", async () => ((await committedRows(world)) > 0 ? true : null));
      await temporal.stop();
      await temporal.start();
      expect(await whenChainEnded(world, run.id)).toMatchObject({ status: "succeeded" });
      await expectOrdersEqual(world, sync);
    });
  });

  it("Postgres restarted during a run, with control, warehouse and source in it: the chain ends well", async () => {
    const postgres = await createOwnPostgres();
    const world = await createWorld({ databases: postgres.databases });
    try {
      await seedOrders(world, 50_000);
      const sync = await createOrdersSync(world, { executionConfig: { batchRows: 200 } });
      await world.startWorker();
      const run = await trigger(world, sync.id);
      await until("committed batches", async () => ((await committedRows(world)) > 0 ? true : null));
      await postgres.stop();
      await postgres.start();
      expect(await whenChainEnded(world, run.id)).toMatchObject({ status: "succeeded" });
      await expectOrdersEqual(world, sync);
    } finally {
      await world.close();
      await postgres.remove();
    }
  });
});
