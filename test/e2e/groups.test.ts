import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createDepotServer, type DepotServer } from "../support/depot-server.ts";
import { createShopServer, type ShopServer } from "../support/shop-server.ts";
import {
  connectVendor,
  countRows,
  createVendorSync,
  cursorsOf,
  runToEnd,
  type VendorSync,
} from "../support/vendor-syncs.ts";
import {
  createWorld,
  type Row,
  tableOf,
  trigger,
  until,
  type WorkerProcess,
  type World,
  whenEnded,
} from "../support/world.ts";

describe("a parent and its children", () => {
  let world: World;
  let worker: WorkerProcess;
  let shop: ShopServer;

  beforeAll(async () => {
    world = await createWorld();
    worker = await world.startWorker({ DEPOT: "1" });
  });
  afterAll(() => world.close());
  beforeEach(async () => {
    shop = await createShopServer();
    for (let id = 1; id <= 12; id++) put(id);
  });
  afterEach(() => shop.close());

  /** Two lines, and a note for every other order. */
  function put(id: number, text = "first"): void {
    const lines = [1, 2].map((n) => ({ id: 10 * id + n, text }));
    shop.put({ id, note: text, lines, notes: id % 2 === 0 ? [{ id, text }] : [] });
  }

  async function createSync(
    entities: string[],
    tableBindings: VendorSync["tableBindings"] = [],
    destinationConfig: Row = {},
  ): Promise<Row> {
    const connectionId = await connectVendor(world, { provider: "rydership", baseUrl: shop.baseUrl });
    return createVendorSync(world, { connectionId, entities, tableBindings, destinationConfig });
  }
  const run = (sync: Row, body: Row = {}): Promise<Row> => runToEnd(world, sync, body);
  const count = (sync: Row, entityKey: string, where?: string): Promise<number> =>
    countRows(world, sync, entityKey, where);
  const counts = async (sync: Row, ...entityKeys: string[]) =>
    Object.fromEntries(await Promise.all(entityKeys.map(async (key) => [key, await count(sync, key)] as const)));
  /** Where each entity is that has a cursor. */
  async function cursors(sync: Row): Promise<Record<string, string | null>> {
    const states = ["lines", "notes", "orders", "changes", "labels"].map(
      async (key) => [key, (await cursorsOf(world, sync, key)).at(-1)] as const,
    );
    return Object.fromEntries(
      (await Promise.all(states)).flatMap(([key, cursor]) => (cursor === undefined ? [] : [[key, cursor]])),
    );
  }
  const ALL = ["orders", "lines", "notes"];

  it("are read once and counted each, and what changes or is deleted arrives in all of them", async () => {
    const sync = await createSync(ALL);
    const first = await run(sync);
    expect(first).toMatchObject({
      status: "succeeded",
      summary: {
        ...{ rowsRead: 42, rowsWritten: 42, slices: { total: 1, done: 1 } },
        entities: {
          orders: { status: "done", rows: 12 },
          lines: { status: "done", rows: 24 },
          notes: { status: "done", rows: 6 },
        },
      },
    });
    expect(shop.requests.filter((request) => request.startsWith("GET /orders"))).toHaveLength(3);
    const states = await cursors(sync);
    expect(Object.keys(states)).toEqual(["lines", "notes", "orders"]);
    expect(new Set(Object.values(states)).size).toBe(1);

    shop.put({ id: 3, note: "fewer", lines: [{ id: 31, text: "kept" }], notes: [{ id: 3, text: "new" }] });
    shop.remove(4);
    shop.requests = [];
    const second = await run(sync);
    expect(second).toMatchObject({
      status: "succeeded",
      summary: {
        rowsDeleted: 5,
        entities: { orders: { rowsDeleted: 1 }, lines: { rowsDeleted: 3 }, notes: { rowsDeleted: 1 } },
      },
    });
    expect(shop.requests[1]).toContain(`since=${states.orders}`);
    expect(await counts(sync, ...ALL)).toEqual({ orders: 11, lines: 21, notes: 6 });
    const { body } = await world.api("GET", `/syncs/runs/${second.id}/slices`);
    expect(body.slices).toMatchObject([
      { entityKey: "orders", rowsDeleted: 5, tables: { lines: { rowsDeleted: 3 }, notes: { rowsDeleted: 1 } } },
    ]);
  });

  it("go on where a killed worker stopped, without a row lost or doubled in any table", async () => {
    const sync = await createSync(ALL);
    const held = Promise.withResolvers<void>();
    shop.beforeAnswer = (request) => (request.includes("from=10") ? held.promise : undefined);
    const { id } = await trigger(world, sync.id);
    await until("the last page", async () => shop.requests.find((each) => each.includes("from=10")) ?? null);
    await worker.kill();
    shop.beforeAnswer = () => undefined;
    held.resolve();
    worker = await world.startWorker({ DEPOT: "1" });
    expect(await whenEnded(world, id)).toMatchObject({
      status: "succeeded",
      summary: { entities: { orders: { rows: 12 }, lines: { rows: 24 }, notes: { rows: 6 } } },
    });
    expect(shop.requests.filter((each) => each.includes("from=0"))).toHaveLength(1);
    expect(await counts(sync, ...ALL)).toEqual({ orders: 12, lines: 24, notes: 6 });
  });

  it("a child that is selected alone is read by its parent, which is not stored", async () => {
    const sync = await createSync(["lines"]);
    expect(await run(sync)).toMatchObject({
      status: "succeeded",
      summary: { entities: { lines: { status: "done", rows: 24 } } },
    });
    expect(Object.keys(await cursors(sync))).toEqual(["lines"]);
    put(1, "again");
    expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { rowsRead: 4, rowsWritten: 2 } });
    const tables = await world.warehouse("select table_name from information_schema.tables where table_schema = $1", [
      sync.destinationConfig.schema,
    ]);
    expect(tables).toHaveLength(1);
  });

  it("what is added to a sync later misses nothing of what the others have", async () => {
    const sync = await createSync(["notes"]);
    await run(sync);
    await world.api("PATCH", `/syncs/${sync.id}`, { entities: ["orders", "notes"] });
    expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { entities: { orders: { rows: 12 } } } });
    const states = await cursors(sync);
    expect(states.orders).toBe(states.notes);
    await world.api("PATCH", `/syncs/${sync.id}`, { entities: ALL });
    expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { entities: { lines: { rows: 24 } } } });
    // Together from here on: from the place that they share.
    shop.requests = [];
    put(2, "again");
    expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { rowsWritten: 4 } });
    expect(shop.requests.filter((each) => each.includes("since=2026"))).toHaveLength(1);
  });

  it("a run for one child leaves the others where they are, and the next one reads all that they lack", async () => {
    const sync = await createSync(ALL);
    await run(sync);
    put(20, "new");
    expect(await run(sync, { entities: ["lines"] })).toMatchObject({ status: "succeeded" });
    expect(await counts(sync, ...ALL)).toEqual({ orders: 12, lines: 26, notes: 6 });
    expect(await run(sync)).toMatchObject({ status: "succeeded" });
    expect(await counts(sync, ...ALL)).toEqual({ orders: 13, lines: 26, notes: 7 });
  });

  it.each(["lines", "orders"])("a table that cannot be prepared fails alone: %s", async (broken) => {
    const sync = await createSync(ALL);
    const others = ALL.filter((key) => key !== broken);
    await world.warehouse(`create schema ${sync.destinationConfig.schema}`);
    await world.warehouse(`create table ${tableOf(sync, broken)} (mine int)`);
    expect(await run(sync)).toMatchObject({
      ...{ status: "partial", resultReasonCode: "entities_failed" },
      summary: {
        entities: {
          [broken]: { status: "failed", reasonCode: "destination_schema_conflict" },
          ...Object.fromEntries(others.map((key) => [key, expect.objectContaining({ status: "done" })])),
        },
      },
    });
    await world.warehouse(`drop table ${tableOf(sync, broken)}`);
    expect(await run(sync)).toMatchObject({ status: "succeeded" });
    expect(await counts(sync, ...ALL)).toEqual({ orders: 12, lines: 24, notes: 6 });
    expect(new Set(Object.values(await cursors(sync))).size).toBe(1);
  });

  it("a full refresh swaps all of their tables at once, and a guard of one keeps all of them", async () => {
    const guards = { entities: { notes: { guards: { maxDeleteShare: 0.1 } } } };
    const sync = await createSync(ALL, [], guards);
    await run(sync);
    for (const id of [2, 4, 6]) shop.put({ id, note: "no notes", lines: [], notes: [] });
    const stopped = await run(sync, { runMode: "full_refresh" });
    expect(stopped).toMatchObject({ status: "failed", resultReasonCode: "delete_guard_tripped" });
    expect(await counts(sync, ...ALL)).toEqual({ orders: 12, lines: 24, notes: 6 });
    const { body: retry } = await world.api("POST", `/syncs/runs/${stopped.id}/retry`, { liftGuards: true });
    expect(await whenEnded(world, retry.id)).toMatchObject({ status: "succeeded" });
    expect(await counts(sync, ...ALL)).toEqual({ orders: 12, lines: 18, notes: 3 });
  });

  it("a delete guard stops the batch of a slice, and a retry that lifts it goes on", async () => {
    const sync = await createSync(ALL, [], { guards: { maxDeleteShare: 0.2 } });
    await run(sync);
    for (const id of [1, 2, 3]) shop.remove(id);
    const stopped = await run(sync);
    expect(stopped).toMatchObject({ status: "failed", resultReasonCode: "delete_guard_tripped" });
    expect(await counts(sync, ...ALL)).toEqual({ orders: 12, lines: 24, notes: 6 });
    const { body: retry } = await world.api("POST", `/syncs/runs/${stopped.id}/retry`, { liftGuards: true });
    expect(await whenEnded(world, retry.id)).toMatchObject({ status: "succeeded" });
    expect(await counts(sync, ...ALL)).toEqual({ orders: 9, lines: 18, notes: 5 });
  });

  it("each in its own load mode", async () => {
    const sync = await createSync(ALL, [
      { entityKey: "orders", loadMode: "upsert_soft_delete" },
      { entityKey: "lines", loadMode: "scd2" },
      { entityKey: "notes", loadMode: "append_event" },
    ]);
    expect(await run(sync)).toMatchObject({ status: "succeeded" });
    shop.put({ id: 2, note: "changed", lines: [{ id: 21, text: "changed" }], notes: [] });
    shop.remove(5);
    expect(await run(sync)).toMatchObject({ status: "succeeded" });
    expect(await count(sync, "orders", "_deleted_at is null")).toBe(11);
    expect(await count(sync, "lines", "_is_current")).toBe(21);
    expect(await count(sync, "lines")).toBe(25);
    expect(await count(sync, "notes", "_deleted_at is not null")).toBe(1);
  });

  it("are previewed as they would be planned", async () => {
    const sync = await createSync(ALL, [{ entityKey: "lines", loadMode: "delete_insert" }]);
    const { status, body } = await world.api("POST", `/syncs/${sync.id}/plan`, {});
    expect(status).toBe(200);
    expect(body.entities.map(({ entityKey, failure }: Row) => [entityKey, failure?.reasonCode ?? null])).toEqual([
      ["lines", "config_invalid"],
      ["notes", null],
      ["orders", null],
    ]);
    expect(await run(sync)).toMatchObject({
      status: "partial",
      summary: { entities: { lines: { reasonCode: "config_invalid" }, orders: { rows: 12 }, notes: { rows: 6 } } },
    });
  });

  describe("of a change feed", () => {
    let depot: DepotServer;
    beforeEach(async () => {
      depot = await createDepotServer();
      for (let id = 1; id <= 12; id++) depot.put({ id, note: `n${id}` });
    });
    afterEach(() => depot.close());

    async function createFeedSync(entities: string[], destinationConfig: Row = {}): Promise<Row> {
      const connectionId = await connectVendor(world, { provider: "dropbox", baseUrl: depot.baseUrl });
      return createVendorSync(world, { connectionId, entities, destinationConfig });
    }

    it("take what it tells of rows that are gone", async () => {
      const sync = await createFeedSync(["changes", "labels"], { entities: { changes: { onDelete: "mark" } } });
      await run(sync);
      depot.remove(3);
      expect(await run(sync)).toMatchObject({
        status: "succeeded",
        summary: { rowsDeleted: 2, entities: { changes: { rowsDeleted: 1 }, labels: { rowsDeleted: 1 } } },
      });
      expect(await count(sync, "changes", "_deleted_at is not null")).toBe(1);
      expect(await count(sync, "labels")).toBe(11);
      const states = await cursors(sync);
      expect([states.changes, states.labels]).toEqual(["0:13", "0:13"]);
    });

    it("that a child is added to later is read as a whole, and what was deleted meanwhile goes all the same", async () => {
      const sync = await createFeedSync(["changes"]);
      await run(sync);
      depot.remove(5);
      depot.put({ id: 20, note: "new" });
      const { body: wider } = await world.api("PATCH", `/syncs/${sync.id}`, { entities: ["changes", "labels"] });
      expect(await run(sync)).toMatchObject({ status: "succeeded" });
      expect(await counts(wider, "changes", "labels")).toEqual({ changes: 12, labels: 12 });
      expect(await count(sync, "changes", "id = 5")).toBe(0);
      depot.put({ id: 21, note: "new" });
      expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { rowsRead: 2, rowsWritten: 2 } });
    });

    it("that has expired is read as a whole for all of them by the next attempt", async () => {
      const sync = await createFeedSync(["changes", "labels"]);
      await run(sync);
      depot.remove(5);
      depot.expireFeed();
      expect(await run(sync)).toMatchObject({ status: "succeeded", attemptNumber: 2 });
      expect(await counts(sync, "changes", "labels")).toEqual({ changes: 11, labels: 11 });
      const states = await cursors(sync);
      expect(states.changes).toBe(states.labels);
    });
  });
});
