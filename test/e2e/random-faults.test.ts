import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { changeOrders, createOrdersSync, expectOrdersEqual, seedOrders } from "../support/orders.ts";
import { createWorld, type Row, trigger, type WorkerProcess, type World, whenChainEnded } from "../support/world.ts";

/** Rounds of changes at the source with kills, pauses and lost sessions at random moments. FAULT_ROUNDS=40 for a long one. */
const ROUNDS = Number(process.env.FAULT_ROUNDS ?? 3);
const PAUSE_MS = 7_000;

describe("random faults", () => {
  let world: World;
  let sync: Row;
  let worker: WorkerProcess;

  beforeAll(async () => {
    world = await createWorld();
    await seedOrders(world, 20_000);
    const executionConfig = { windowSize: "4000", batchRows: 500, maxAutoResumeAttempts: 20 };
    sync = await createOrdersSync(world, { executionConfig });
    worker = await world.startWorker();
  });
  afterAll(() => world.close());

  const faults = [
    async function kill() {
      await worker.kill();
      worker = await world.startWorker();
    },
    async function pause() {
      const paused = worker;
      paused.signal("SIGSTOP");
      worker = await world.startWorker();
      setTimeout(() => paused.signal("SIGCONT"), PAUSE_MS).unref();
    },
    async function loseSessions() {
      await world.warehouse(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'sluice%'",
      );
    },
  ];

  it(`${ROUNDS} rounds end in a destination that equals the source`, {
    timeout: 60_000 + ROUNDS * 120_000,
  }, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      await changeOrders(world);
      // Rows that are deleted at the source leave the destination with a full refresh.
      const runMode = round % 2 === 1 ? "full_refresh" : "incremental";
      if (runMode === "full_refresh") await world.source("delete from orders where id % 7 = 3");
      const run = await trigger(world, sync.id, { runMode });
      for (let n = 0; n < 2; n++) {
        await sleep(Math.random() * 1_200);
        await faults[Math.floor(Math.random() * faults.length)]?.();
      }
      expect(await whenChainEnded(world, run.id), `round ${round}, ${runMode}`).toMatchObject({ status: "succeeded" });
      await expectOrdersEqual(world, sync);
    }
  });
});
