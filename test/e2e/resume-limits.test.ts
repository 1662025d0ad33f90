import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createOrdersSync, expectOrdersEqual, seedOrders, throughProxy } from "../support/orders.ts";
import { createWorld, getRun, type Row, trigger, type World, whenChainEnded, whenEnded } from "../support/world.ts";

/** A chain goes on by itself as often as it is allowed, and no more. */
describe("maxAutoResumeAttempts", () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
    await seedOrders(world, 1_000);
    await world.startWorker();
  });
  afterAll(() => world.close());

  /** The chain's runs, first to last. Backoff takes minutes, so each attempt that is opened is due at once. */
  async function chainOf(run: Row): Promise<Row[]> {
    const ended = await whenEnded(world, run.id);
    if (ended.nextAttemptRunId === null) return [ended];
    await world.db
      .updateTable("runs")
      .set({ dispatchAfter: new Date() })
      .where("id", "=", ended.nextAttemptRunId)
      .execute();
    return [ended, ...(await chainOf(await getRun(world, ended.nextAttemptRunId)))];
  }

  it.concurrent.each([0, 2])(
    "of %d: the chain ends after so many attempts of its own, and a retry begins another",
    {
      timeout: 200_000,
    },
    async (maxAutoResumeAttempts) => {
      await throughProxy(world, async ({ proxy, connectionId }) => {
        const sync = await createOrdersSync(world, {
          connectionId,
          destinationConfig: { schema: `limit_${maxAutoResumeAttempts}` },
          executionConfig: { maxAutoResumeAttempts },
        });
        proxy.refuse();
        const chain = await chainOf(await trigger(world, sync.id));
        expect(
          chain.map(({ status, resultReasonCode, triggeredBy }) => [status, resultReasonCode, triggeredBy]),
        ).toEqual(
          Array.from({ length: maxAutoResumeAttempts + 1 }, (_, n) => [
            ...["failed", "source_unavailable", n === 0 ? "manual" : "auto_resume"],
          ]),
        );
        proxy.heal();
        const { body: retried } = await world.api("POST", `/syncs/runs/${chain.at(-1)?.id}/retry`);
        expect(await whenChainEnded(world, retried.id)).toMatchObject({
          status: "succeeded",
          attemptNumber: maxAutoResumeAttempts + 2,
        });
        await expectOrdersEqual(world, sync);
      });
    },
  );
});
