import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createOrdersSync, expectOrdersEqual, seedOrders, throughProxy, whileLocked } from "../support/orders.ts";
import {
  createWorld,
  getRun,
  type Row,
  trigger,
  type World,
  whenChainEnded,
  whenEnded,
  whenRun,
} from "../support/world.ts";

/** A run that was accepted behind an active one begins when that chain is over, and never beside it. */
describe("a queued run", () => {
  let world: World;

  beforeEach(async () => {
    world = await createWorld();
    await seedOrders(world, 2_000);
    await world.startWorker();
  });
  afterEach(() => world.close());

  const lock = "lock table orders in access exclusive mode";
  const cancel = (run: Row) => world.api("POST", `/syncs/runs/${run.id}/cancel`, {});

  async function enqueue(sync: Row): Promise<Row> {
    const id = randomUUID();
    await world.db
      .insertInto("runs")
      .values({
        ...{ id, syncId: sync.id, status: "queued", runMode: "incremental", triggeredBy: "scheduled" },
        ...{ createdBy: "system:test", executionBackend: "native", executionMode: "fan_out_window" },
        ...{ executionConfig: JSON.stringify(sync.executionConfig), attemptNumber: 1, attemptRootRunId: id },
        ...{ maxAutoResumeAttempts: 3, summary: "{}", backendStatus: "{}", dispatchAfter: new Date() },
      })
      .execute();
    return getRun(world, id);
  }

  /** An active run that a lock at the source holds up, and one behind it, while `work` goes on. */
  async function whileQueued(work: (runs: { sync: Row; active: Row; queued: Row }) => Promise<void>): Promise<Row> {
    const sync = await createOrdersSync(world);
    return whileLocked(world.sourceUrl, lock, async () => {
      const active = await trigger(world, sync.id);
      await whenRun(world, active.id, ({ status }) => status === "running");
      const queued = await enqueue(sync);
      await work({ sync, active, queued });
      return { sync, active, queued };
    });
  }

  it("begins when the active one has ended", async () => {
    const { sync, active, queued } = await whileQueued(async () => undefined);
    const first = await whenChainEnded(world, active.id);
    const second = await whenChainEnded(world, queued.id);
    expect([first.status, second.status]).toEqual(["succeeded", "succeeded"]);
    expect(Date.parse(second.startedAt)).toBeGreaterThanOrEqual(Date.parse(first.completedAt));
    await expectOrdersEqual(world, sync);
  });

  it("waits for the next attempts of the active chain too", async () => {
    await throughProxy(world, async ({ proxy, connectionId }) => {
      const sync = await createOrdersSync(world, { connectionId });
      proxy.refuse();
      const active = await trigger(world, sync.id);
      const queued = await enqueue(sync);
      expect(await whenEnded(world, active.id)).toMatchObject({ resultReasonCode: "source_unavailable" });
      expect(await getRun(world, queued.id)).toMatchObject({ status: "queued" });
      proxy.heal();
      const last = await whenChainEnded(world, active.id);
      expect(last).toMatchObject({ status: "succeeded", attemptNumber: 2 });
      const second = await whenEnded(world, queued.id);
      expect(second).toMatchObject({ status: "succeeded" });
      expect(Date.parse(second.startedAt)).toBeGreaterThanOrEqual(Date.parse(last.completedAt));
    });
  });

  it("begins when the active one is cancelled", async () => {
    const { sync, active, queued } = await whileQueued(async ({ active: run }) => {
      await cancel(run);
      expect(await whenEnded(world, run.id, 6_000)).toMatchObject({ status: "cancelled" });
    });
    expect(await whenChainEnded(world, queued.id)).toMatchObject({ status: "succeeded" });
    expect(await getRun(world, active.id)).toMatchObject({ status: "cancelled", nextAttemptRunId: null });
    await expectOrdersEqual(world, sync);
  });

  it("that is cancelled is over at once and never begins, and the active one goes on", async () => {
    const { active, queued } = await whileQueued(async ({ queued: run }) => {
      expect(await cancel(run)).toMatchObject({ status: 200, body: { status: "cancelled", startedAt: null } });
    });
    expect(await whenChainEnded(world, active.id)).toMatchObject({ status: "succeeded" });
    expect(await getRun(world, queued.id)).toMatchObject({ status: "cancelled", startedAt: null });
  });

  it.each(["archived", "deleted"])("of a sync that is %s ends with the active one, and nothing begins", async (how) => {
    const { active, queued } = await whileQueued(async ({ sync }) => {
      const answer =
        how === "archived"
          ? await world.api("PATCH", `/syncs/${sync.id}`, { status: "archived" })
          : await world.api("DELETE", `/syncs/${sync.id}`);
      expect(answer.status).toBe(how === "archived" ? 200 : 204);
    });
    for (const run of [active, queued]) {
      expect(await whenEnded(world, run.id, 30_000)).toMatchObject({
        status: "cancelled",
        resultReasonCode: "cancelled_sync_inactive",
      });
    }
    expect(await getRun(world, queued.id)).toMatchObject({ startedAt: null, backendRunRef: null });
  });
});
