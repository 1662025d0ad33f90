import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createOrdersSync, expectOrdersEqual, seedOrders, throughProxy } from "../support/orders.ts";
import { createRestServer } from "../support/rest-server.ts";
import { createWorld, trigger, until, type World, whenChainEnded, whenEnded } from "../support/world.ts";

/** What is silent is found, each kind by its own clock, and the attempt ends with the clock's own reason. Both wait side by side. */
describe.concurrent("a source that goes silent", () => {
  let world: World;

  beforeAll(async () => {
    world = await createWorld();
    await seedOrders(world, 20_000);
    await world.startWorker({ SLUICE_EGRESS_ALLOW_PRIVATE: "127.0.0.0/8" });
  });
  afterAll(() => world.close());

  const triesOf = async (runId: string): Promise<number> => {
    const slices = await world.db.selectFrom("runSlices").select("tries").where("runId", "=", runId).execute();
    return Math.max(0, ...slices.map(({ tries }) => tries));
  };

  it("in the middle of a statement, with every try: heartbeat_timeout, since no probe sees it at work, and the next attempt loads it", async () => {
    await throughProxy(world, async ({ proxy, connectionId }) => {
      const sync = await createOrdersSync(world, {
        connectionId,
        executionMode: "fan_out_entity",
        executionConfig: { batchRows: 1_000_000, heartbeatTimeoutSeconds: 5 },
      });
      proxy.stall(500_000);
      const run = await trigger(world, sync.id);
      for (let tries = 2; tries <= 5; tries++) {
        await until(`try ${tries}`, async () => ((await triesOf(run.id)) >= tries ? true : null), 60_000);
        // What stood still before goes on for a while, and learns that somebody else does its work.
        proxy.heal();
        proxy.stall(500_000);
      }
      const ended = await whenEnded(world, run.id);
      proxy.heal();
      expect(ended).toMatchObject({ status: "failed", resultReasonCode: "heartbeat_timeout" });
      expect(await whenChainEnded(world, run.id)).toMatchObject({ status: "succeeded" });
      await expectOrdersEqual(world, sync);
    });
  });

  it("before the first byte, within the timeout of its request: stalled_no_progress, once progressTimeoutSeconds are over", async () => {
    const api = await createRestServer();
    try {
      api.collections.set("orders", [{ id: 1 }]);
      const { body } = await world.api("POST", "/connections", {
        name: `api ${randomUUID()}`,
        provider: "http_api",
        config: {
          ...{ baseUrl: api.baseUrl, timeoutMs: 600_000 },
          resources: [{ name: "orders", path: "all/orders", primaryKey: ["id"] }],
        },
        secrets: {},
      });
      const sync = await world.createSync({
        connectionId: body.id,
        entities: ["orders"],
        executionConfig: { heartbeatTimeoutSeconds: 5, progressTimeoutSeconds: 10 },
      });
      api.delayMs = 300_000;
      const run = await trigger(world, sync.id);
      const ended = await whenEnded(world, run.id, 150_000);
      expect(ended).toMatchObject({ status: "failed", resultReasonCode: "stalled_no_progress" });
      expect(ended.error).toContain("progressTimeoutSeconds");
      api.delayMs = 0;
      expect(await whenChainEnded(world, run.id)).toMatchObject({ status: "succeeded" });
    } finally {
      await api.close();
    }
  });
});
