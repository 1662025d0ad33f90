import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createOrdersSync, expectOrdersEqual, seedOrders } from "../support/orders.ts";
import { createWorld, trigger, until, type World, whenChainEnded, whenEnded } from "../support/world.ts";

describe("many at once", () => {
  let world: World;

  beforeEach(async () => {
    world = await createWorld();
    await seedOrders(world, 20_000);
  });
  afterEach(() => world.close());

  it("50 concurrent triggers of one sync make exactly one run, and 49 answers name it", async () => {
    const sync = await createOrdersSync(world);
    const answers = await Promise.all(Array.from({ length: 50 }, () => world.api("POST", `/syncs/${sync.id}/trigger`)));
    const created = answers.filter(({ status }) => status === 201);
    const refused = answers.filter(({ status }) => status === 409);
    expect([created.length, refused.length]).toEqual([1, 49]);
    expect(new Set(refused.map(({ body }) => body.activeRunId))).toEqual(new Set([created[0]?.body.id]));
    expect((await world.api("GET", `/syncs/${sync.id}/runs`)).body.total).toBe(1);
  });

  it("50 concurrent retries of one run make exactly one next attempt", async () => {
    const connectionId = await world.createConnection({ password: "wrong" });
    const sync = await createOrdersSync(world, { connectionId });
    await world.startWorker();
    const failed = await whenEnded(world, (await trigger(world, sync.id)).id);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => world.api("POST", `/syncs/runs/${failed.id}/retry`)),
    );
    const created = answers.filter(({ status }) => status === 201);
    expect(created).toHaveLength(1);
    const others = answers.filter(({ status }) => status !== 201);
    expect(new Set(others.map(({ status, body }) => `${status} ${body.nextAttemptRunId}`))).toEqual(
      new Set([`409 ${created[0]?.body.id}`]),
    );
  });

  it("two workers share the windows of a run, and one of them may die", async () => {
    const sync = await createOrdersSync(world, { executionConfig: { windowSize: "1000", batchRows: 100 } });
    const [first] = await Promise.all([world.startWorker(), world.startWorker()]);
    const run = await trigger(world, sync.id);
    const attempts = () =>
      world.warehouse("select count(distinct backend_pid)::int as sessions from _sluice.slices where done");
    await until("slices done", async () => {
      const [ledger] = await attempts().catch(() => []);
      return ledger && ledger.sessions > 2 ? true : null;
    });
    await first.kill();
    expect(await whenChainEnded(world, run.id)).toMatchObject({ status: "succeeded" });
    await expectOrdersEqual(world, sync);
  });
});
