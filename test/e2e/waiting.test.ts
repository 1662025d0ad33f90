import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { committedRows, createOrdersSync, expectOrdersEqual, ORDERS, seedOrders } from "../support/orders.ts";
import { createWorld, trigger, until, type World, whenChainEnded, whenRun } from "../support/world.ts";

describe("a source that asks to wait", () => {
  const role = `limited_${randomBytes(4).toString("hex")}`;
  let world: World;

  beforeAll(async () => {
    world = await createWorld();
    await seedOrders(world, 40_000);
    await world.source(`create role ${role} login password 'limited'; grant select on orders to ${role}`);
    await world.startWorker();
  });
  afterAll(async () => {
    await world.source(`drop owned by ${role}; drop role ${role}`);
    await world.close();
  });

  it("the run is waiting, says why and until when, and goes on by itself without a new attempt", async () => {
    const connectionId = await world.createConnection({ user: role, password: "limited" });
    const sync = await createOrdersSync(world, {
      connectionId,
      executionConfig: { windowSize: "2000", batchRows: 100, maxConcurrency: 1 },
    });
    const run = await trigger(world, sync.id);
    await until("committed batches", async () => ((await committedRows(world)) > 0 ? true : null));
    await world.source(`alter role ${role} connection limit 0`);
    const waiting = await whenRun(world, run.id, ({ status }) => status === "waiting");
    expect(waiting.summary.waiting).toMatchObject({ reason: "source_rate_limited", entityKey: ORDERS });
    expect(Date.parse(waiting.summary.waiting.resumeAt)).toBeGreaterThan(Date.now() - 1_000);
    await world.source(`alter role ${role} connection limit -1`);
    const ended = await whenChainEnded(world, run.id);
    expect(ended).toMatchObject({ id: run.id, status: "succeeded", attemptNumber: 1 });
    expect(ended.summary.waiting).toBeUndefined();
    await expectOrdersEqual(world, sync);
  });
});
