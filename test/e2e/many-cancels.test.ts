import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createOrdersSync, expectOrdersEqual, ORDERS, seedOrders, throughProxy } from "../support/orders.ts";
import { createDice } from "../support/random.ts";
import {
  createWorld,
  getRun,
  type Row,
  trigger,
  until,
  type WorkerProcess,
  type World,
  whenEnded,
} from "../support/world.ts";

const MODES = ["sequential", "fan_out_entity", "fan_out_window"] as const;
const MANY_SMALL = { windowSize: "2000", batchRows: 200, maxConcurrency: 4 };

/** What is stopped from outside has not failed, wherever that meets it. */
describe("work that is stopped at any moment", () => {
  const dice = createDice(Number(process.env.CANCEL_SEED ?? 1));
  let world: World;
  let worker: WorkerProcess;
  let made = 0;

  beforeAll(async () => {
    world = await createWorld();
    await seedOrders(world, 60_000);
    await world.source(`
      create table notes as select id, note, updated_at from orders;
      alter table notes add primary key (id)`);
    worker = await world.startWorker();
  });
  afterAll(() => world.close());

  const createSync = (changes: Row = {}): Promise<Row> =>
    createOrdersSync(world, {
      entities: [ORDERS, "public.notes"],
      executionMode: dice.pick(MODES),
      ...changes,
      destinationConfig: { schema: `c${made++}` },
      executionConfig: { ...MANY_SMALL, ...changes.executionConfig },
    });

  /** Where the run tells of a failure of somebody who caused none. */
  async function blamesOf(runId: string): Promise<unknown[]> {
    const run = await getRun(world, runId);
    const entities = Object.entries<Row>(run.summary.entities ?? {}).filter(
      ([, { status, reasonCode }]) =>
        reasonCode === "internal_error" || (status === "failed" && run.status !== "failed"),
    );
    const slices = await world.db
      .selectFrom("runSlices")
      .select(["sliceNo", "status", "reasonCode", "error"])
      .where("runId", "=", runId)
      .where((eb) => eb.or([eb("status", "=", "failed"), eb("reasonCode", "is not", null)]))
      .execute();
    const events = await world.db
      .selectFrom("runEvents")
      .select(["kind", "data"])
      .where("runId", "=", runId)
      .where("kind", "in", ["slice.failed", "slice.interrupted"])
      .execute();
    return [...entities, ...slices, ...events];
  }

  it("30 cancels blame nobody: no entity, slice or event tells of a failure", { timeout: 300_000 }, async () => {
    const blames: unknown[] = [];
    const statuses = new Set<string>();
    async function cancelOne(turn: number): Promise<void> {
      const run = await trigger(world, (await createSync()).id);
      await sleep(dice.roll(2_500));
      await world.api("POST", `/syncs/runs/${run.id}/cancel`, { reason: "test" });
      statuses.add((await whenEnded(world, run.id)).status);
      const found = await blamesOf(run.id);
      if (found.length > 0) blames.push({ turn, found });
    }
    const turns = Array.from({ length: 30 }, (_, turn) => turn).values();
    const cancelInTurn = async () => {
      for (const turn of turns) await cancelOne(turn);
    };
    await Promise.all([1, 2, 3].map(cancelInTurn));
    expect(blames).toEqual([]);
    expect(statuses).toContain("cancelled");
  });

  it("runTimeoutSeconds ends the run with its reason, and no slice has one of its own", {
    timeout: 120_000,
  }, async () => {
    const sync = await createSync({
      executionConfig: { runTimeoutSeconds: 2, maxAutoResumeAttempts: 0, batchRows: 20 },
    });
    const run = await trigger(world, sync.id);
    expect(await whenEnded(world, run.id)).toMatchObject({ status: "failed", resultReasonCode: "run_timeout" });
    expect(await blamesOf(run.id)).toEqual([]);
  });

  it("a worker that is asked to stop blames no slice, and the run succeeds in its attempt", {
    timeout: 120_000,
  }, async () => {
    for (let turn = 0; turn < 3; turn++) {
      const sync = await createSync({ entities: [ORDERS], executionConfig: { batchRows: 100 } });
      const run = await trigger(world, sync.id);
      await until("work", async () => ((await getRun(world, run.id)).executorId === null ? null : true));
      await sleep(dice.roll(500));
      const [next] = await Promise.all([world.startWorker(), worker.stop()]);
      worker = next;
      expect(await whenEnded(world, run.id)).toMatchObject({ status: "succeeded", attemptNumber: 1 });
      expect(await blamesOf(run.id)).toEqual([]);
      await expectOrdersEqual(world, sync);
    }
  });

  it("a slice outlives more workers than an activity has tries", { timeout: 180_000 }, async () => {
    await throughProxy(world, async ({ proxy, connectionId }) => {
      const sync = await createSync({
        ...{ connectionId, entities: [ORDERS] },
        executionConfig: { windowSize: "1000000", heartbeatTimeoutSeconds: 60 },
      });
      proxy.stall(2_000_000);
      const run = await trigger(world, sync.id);
      const triesOf = async (): Promise<number> => {
        const slices = await world.db.selectFrom("runSlices").select("tries").where("runId", "=", run.id).execute();
        return Math.max(0, ...slices.map(({ tries }) => tries));
      };
      for (let stops = 0; stops < 6; stops++) {
        await until("a try of the slice", async () => ((await triesOf()) > stops ? true : null));
        await worker.stop();
        worker = await world.startWorker();
      }
      proxy.heal();
      expect(await whenEnded(world, run.id)).toMatchObject({ status: "succeeded", attemptNumber: 1 });
      expect(await blamesOf(run.id)).toEqual([]);
      await expectOrdersEqual(world, sync);
    });
  });
});
