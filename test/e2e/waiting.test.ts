import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { keepHistory } from "../support/histories.ts";
import { committedRows, createOrdersSync, expectOrdersEqual, ORDERS, seedOrders } from "../support/orders.ts";
import { createRestServer, type RestServer } from "../support/rest-server.ts";
import {
  createWorld,
  type Row,
  trigger,
  until,
  type World,
  whenChainEnded,
  whenEnded,
  whenRun,
} from "../support/world.ts";

describe("a source that asks to wait", () => {
  const role = `limited_${randomBytes(4).toString("hex")}`;
  let world: World;

  beforeAll(async () => {
    world = await createWorld();
    await seedOrders(world, 40_000);
    await world.source(`create role ${role} login password 'limited'; grant select on orders to ${role}`);
    await world.startWorker({ SLUICE_EGRESS_ALLOW_PRIVATE: "127.0.0.0/8" });
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

  describe("while a run is being planned", () => {
    let api: RestServer;
    beforeEach(async () => {
      api = await createRestServer();
      api.collections.set("orders", [{ id: 1 }]);
    });
    afterEach(() => api.close());

    async function throttled(retryAfterSeconds: number, times?: number): Promise<Row> {
      const { body } = await world.api("POST", "/connections", {
        name: `api ${randomBytes(4).toString("hex")}`,
        provider: "http_api",
        config: { baseUrl: api.baseUrl, resources: [{ name: "orders", path: "all/orders", primaryKey: ["id"] }] },
      });
      const sync = await world.createSync({ connectionId: body.id, entities: ["orders"] });
      api.interrupt(() => true, { status: 429, headers: { "retry-after": String(retryAfterSeconds) } }, times);
      return trigger(world, sync.id);
    }

    it("the run is waiting without a slot, and plans when the source lets it", async () => {
      const { id } = await throttled(8, 1);
      const waiting = await whenRun(world, id, ({ status }) => status === "waiting");
      expect(waiting.summary.waiting).toMatchObject({ reason: "source_rate_limited", entityKey: null });
      const { since, until: end, resumeAt } = waiting.summary.waiting;
      expect([end, Date.parse(since) < Date.parse(end)]).toEqual([resumeAt, true]);
      expect(Date.parse(waiting.summary.waiting.resumeAt)).toBeGreaterThan(Date.now() + 3_000);
      expect(api.requests).toHaveLength(1);
      const { pendingActivities } = await world.temporal.workflow
        .getHandle(`sync-run/${id}`)
        .describe()
        .then(({ raw }) => raw);
      expect(pendingActivities ?? []).toEqual([]);

      const ended = await whenChainEnded(world, id);
      expect(ended).toMatchObject({ id, status: "succeeded", attemptNumber: 1, summary: { rowsWritten: 1 } });
      expect(ended.summary.waiting).toBeUndefined();
      await keepHistory(world, id, "waited");
      const { body } = await world.api("GET", `/syncs/runs/${id}/events`);
      const events: Row[] = body.events;
      const told = events.find(({ kind }) => kind === "run.waiting");
      expect(told?.data).toEqual({ reasonCode: "source_rate_limited", resumeAt: expect.any(String) });
      expect(events.map(({ kind }) => kind)).toContain("run.resumed");
    });

    it("a wait of more than an hour ends the attempt, and the next one starts when it is over", async () => {
      const { id } = await throttled(7200);
      const ended = await whenEnded(world, id);
      expect(ended).toMatchObject({ status: "failed", resultReasonCode: "source_rate_limited" });
      const next = await whenRun(world, ended.nextAttemptRunId, () => true);
      expect(next).toMatchObject({ status: "pending", attemptNumber: 2 });
      expect(Date.parse(next.summary.autoResume.notBefore)).toBeGreaterThan(Date.now() + 7_000_000);
    });

    it("a run that waits is cancelled at once", async () => {
      const { id } = await throttled(600);
      await whenRun(world, id, ({ status }) => status === "waiting");
      await world.api("POST", `/syncs/runs/${id}/cancel`);
      expect(await whenEnded(world, id)).toMatchObject({ status: "cancelled", resultReasonCode: "cancelled_by_user" });
    });
  });
});
