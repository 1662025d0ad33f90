import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createDepotServer, type DepotServer } from "../support/depot-server.ts";
import { connectVendor, createVendorSync, cursorsOf, runToEnd } from "../support/vendor-syncs.ts";
import {
  createWorld,
  getRun,
  type Row,
  tableOf,
  trigger,
  until,
  type WorkerProcess,
  type World,
  whenChainEnded,
  whenEnded,
} from "../support/world.ts";

const ENTITY = "changes";

describe("a change feed", () => {
  let world: World;
  let worker: WorkerProcess;
  let depot: DepotServer;

  beforeAll(async () => {
    world = await createWorld();
    worker = await world.startWorker({ DEPOT: "1" });
  });
  afterAll(() => world.close());
  beforeEach(async () => {
    depot = await createDepotServer();
    for (let id = 1; id <= 25; id++) depot.put({ id, note: `n${id}` });
  });
  afterEach(() => depot.close());

  const connect = (config: Row = {}): Promise<string> =>
    connectVendor(world, { provider: "dropbox", baseUrl: depot.baseUrl, config });
  async function createSync(loadMode = "upsert", executionConfig: Row = {}): Promise<Row> {
    return createVendorSync(world, {
      ...{ connectionId: await connect(), entities: [ENTITY], tableBindings: [{ entityKey: ENTITY, loadMode }] },
      executionConfig: { maxAutoResumeAttempts: 3, ...executionConfig },
    });
  }
  const run = (sync: Row): Promise<Row> => runToEnd(world, sync);
  const cursors = (sync: Row): Promise<(string | null)[]> => cursorsOf(world, sync, ENTITY);
  const ids = async (sync: Row, where = "true"): Promise<number[]> => {
    const rows = await world.warehouse(`select id::int from ${tableOf(sync, ENTITY)} where ${where} order by id`);
    return rows.map(({ id }) => id);
  };

  it("is read from its token on, which moves when the feed was read to its end", async () => {
    const sync = await createSync();
    expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { rowsWritten: 25 } });
    expect(await cursors(sync)).toEqual(["0:25"]);
    depot.put({ id: 3, note: "changed" });
    depot.put({ id: 26, note: "new" });
    depot.requests = [];
    expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { rowsRead: 2, rowsWritten: 2 } });
    expect(depot.requests).toEqual(["GET /changes?token=0:25"]);
    expect(await cursors(sync)).toEqual(["0:25", "0:27"]);
    expect(await run(sync)).toMatchObject({ status: "succeeded", resultReasonCode: "no_new_data" });
    expect(await cursors(sync)).toEqual(["0:25", "0:27"]);
  });

  it("that is cut goes on from its last page, and its token stays until the end", async () => {
    const sync = await createSync();
    const held = Promise.withResolvers<void>();
    depot.beforeAnswer = (request) => (request.includes("page=0:20") ? held.promise : undefined);
    const { id } = await trigger(world, sync.id);
    await until("the last page", async () => depot.requests.find((each) => each.includes("page=0:20")) ?? null);
    await worker.kill();
    expect(await cursors(sync)).toEqual([]);
    depot.beforeAnswer = () => undefined;
    held.resolve();
    worker = await world.startWorker({ DEPOT: "1" });
    expect(await whenEnded(world, id)).toMatchObject({ status: "succeeded", summary: { rowsWritten: 25 } });
    expect(depot.requests.filter((each) => each === "GET /things")).toHaveLength(1);
    expect(await cursors(sync)).toEqual(["0:25"]);
  });

  it("whose run is cancelled keeps the token that it had", async () => {
    const sync = await createSync();
    await run(sync);
    for (let id = 30; id < 60; id++) depot.put({ id, note: "late" });
    const held = Promise.withResolvers<void>();
    depot.beforeAnswer = (request) => (request.includes("token=0:45") ? held.promise : undefined);
    const { id } = await trigger(world, sync.id);
    await until("a page", async () => depot.requests.find((each) => each.includes("token=0:45")) ?? null);
    await world.api("POST", `/syncs/runs/${id}/cancel`);
    expect(await whenEnded(world, id)).toMatchObject({ status: "cancelled" });
    held.resolve();
    expect(await cursors(sync)).toEqual(["0:25"]);
  });

  describe.each([
    { loadMode: "upsert", gone: "false", present: "true" },
    { loadMode: "upsert_soft_delete", gone: "_deleted_at is not null", present: "_deleted_at is null" },
    { loadMode: "scd2", gone: "not _is_current", present: "_is_current" },
  ])("that has expired, of an entity with $loadMode", ({ loadMode, gone, present }) => {
    it("is followed at once by a complete scan, in whose time the rows stay, and what it does not see goes", async () => {
      const sync = await createSync(loadMode, { maxAutoResumeAttempts: 0 });
      expect(await run(sync)).toMatchObject({ status: "succeeded" });
      depot.remove(3);
      depot.remove(7);
      depot.put({ id: 26, note: "new" });
      depot.expireFeed();
      const held = Promise.withResolvers<void>();
      depot.beforeAnswer = (request) => (request.includes("things?page=1:20") ? held.promise : undefined);

      const first = await whenEnded(world, (await trigger(world, sync.id)).id);
      expect(first).toMatchObject({ status: "failed", resultReasonCode: "source_cursor_expired", attemptNumber: 1 });
      expect(first.nextAttemptRunId).not.toBeNull();
      const next = await getRun(world, first.nextAttemptRunId);
      expect(next.summary.autoResume).toMatchObject({ resync: true });
      expect(Date.parse(next.summary.autoResume.notBefore)).toBeLessThanOrEqual(Date.parse(first.completedAt) + 1_000);
      await until("the end of the scan", async () => depot.requests.find((each) => each.includes("page=1:20")) ?? null);
      expect((await ids(sync, present)).slice(0, 25)).toEqual(expect.arrayContaining([3, 7]));
      held.resolve();

      const second = await whenChainEnded(world, first.id);
      expect(second).toMatchObject({ status: "succeeded", attemptNumber: 2 });
      expect(second.summary.warnings).toEqual([
        { entityKey: ENTITY, message: expect.stringMatching(/read as a whole: the source does not accept the token/) },
      ]);
      expect(await ids(sync, present)).toEqual([...depot.things.keys()].sort((a, b) => a - b));
      expect(await ids(sync, gone)).toEqual(loadMode === "upsert" ? [] : [3, 7]);
      expect(await cursors(sync)).toEqual(["0:25", null, "1:28"]);
      const { body } = await world.api("GET", `/syncs/runs/${second.id}/events`);
      expect(body.events.map(({ kind }: Row) => kind)).toContain("source.resync");

      depot.put({ id: 27, note: "by the new feed" });
      expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { rowsRead: 1 } });
    });
  });

  it("that a plan finds expired fails alone, and the next attempt reads it as a whole", async () => {
    const sync = await createVendorSync(world, {
      ...{ connectionId: await connect({ asksInPlan: true }), entities: [ENTITY, "boxes"] },
      executionConfig: { maxAutoResumeAttempts: 3 },
    });
    await run(sync);
    depot.remove(3);
    depot.expireFeed();
    const first = await whenEnded(world, (await trigger(world, sync.id)).id);
    expect(first).toMatchObject({ status: "partial", summary: { entities: { boxes: { status: "done" } } } });
    expect(first.summary.entities[ENTITY]).toMatchObject({ reasonCode: "source_cursor_expired" });
    expect(await whenChainEnded(world, first.id)).toMatchObject({ status: "succeeded", attemptNumber: 2 });
    expect(await ids(sync)).not.toContain(3);
    expect(await cursors(sync)).toEqual(["0:25", null, "1:26"]);
  });

  it("whose every token expires ends its chain all the same, and each run reads everything once", async () => {
    const sync = await createSync();
    await run(sync);
    depot.refusesTokens = true;
    for (const _ of [1, 2]) {
      expect(await run(sync)).toMatchObject({ status: "succeeded", attemptNumber: 2 });
    }
  });

  it("that expires again and again while everything is read uses up the attempts of its chain", async () => {
    const sync = await createSync("upsert", { maxAutoResumeAttempts: 1 });
    depot.beforeAnswer = (request) => (request === "GET /things" ? depot.expireFeed() : undefined);
    const last = await run(sync);
    expect(last).toMatchObject({ status: "failed", resultReasonCode: "source_cursor_expired", attemptNumber: 3 });
    depot.beforeAnswer = () => undefined;
    expect(await run(sync)).toMatchObject({ status: "succeeded" });
    expect(await ids(sync)).toHaveLength(25);
  });

  it("whose connection is pointed at another address is read as a whole, without a failed attempt", async () => {
    const sync = await createSync();
    await run(sync);
    const other = await createDepotServer();
    try {
      for (let id = 20; id <= 40; id++) other.put({ id, note: `other ${id}` });
      const edited = await world.api("PATCH", `/connections/${sync.connectionId}`, {
        config: { baseUrl: other.baseUrl },
      });
      expect(edited.status).toBe(200);
      const ended = await run(sync);
      expect(ended).toMatchObject({ status: "succeeded", attemptNumber: 1 });
      expect(ended.summary.warnings[0].message).toMatch(/from another connection or address/);
      expect(other.requests.filter((each) => each.includes("/changes"))).toEqual([]);
      expect(await ids(sync)).toEqual([...other.things.keys()]);
    } finally {
      await other.close();
    }
  });

  it("beside parts, which are slices with labels of their own, and are loaded as windows are", async () => {
    const sync = await createVendorSync(world, { connectionId: await connect(), entities: [ENTITY, "boxes"] });
    const ended = await run(sync);
    expect(ended).toMatchObject({ status: "succeeded", summary: { rowsWritten: 50, slices: { total: 4, done: 4 } } });
    const { body } = await world.api("GET", `/syncs/runs/${ended.id}/slices`);
    const boxes = body.slices.filter(({ entityKey }: Row) => entityKey === "boxes");
    expect(boxes.map(({ label }: Row) => label)).toEqual(["box 0", "box 1", "box 2"]);
  });
});
