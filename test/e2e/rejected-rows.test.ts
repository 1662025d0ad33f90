import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { committedRows, createOrdersSync, ORDERS as ORDERS_TABLE, seedOrders } from "../support/orders.ts";
import { createRestServer, type RestRecord, type RestServer } from "../support/rest-server.ts";
import {
  createWorld,
  type Row,
  tableOf,
  trigger,
  until,
  type WorkerProcess,
  type World,
  whenChainEnded,
} from "../support/world.ts";

const EGRESS = { SLUICE_EGRESS_ALLOW_PRIVATE: "127.0.0.0/8" };
const RECORDS = 300;
const isFaulty = (id: number): boolean => id % 10 === 0;

const record = (id: number, amount: unknown = isFaulty(id) ? "cheap" : id): RestRecord => ({
  ...{ id, amount, updated_at: new Date(Date.UTC(2026, 0, 1) + id * 1000).toISOString() },
});
const records = () => Array.from({ length: RECORDS }, (_, n) => record(n + 1));

const ORDERS = {
  name: "orders",
  path: "cursor/orders",
  primaryKey: ["id"],
  fields: { id: "bigint", amount: "numeric", updated_at: "timestamp with time zone" },
  paginator: { type: "cursor", nextPath: "next", param: "cursor" },
  incremental: {
    cursorField: "updated_at",
    startParam: "updated_since",
    endParam: "updated_until",
    safetyLagSeconds: 0,
  },
};

describe("rows that cannot be loaded", () => {
  let world: World;
  let server: RestServer;
  let worker: WorkerProcess;

  beforeAll(async () => {
    [world, server] = await Promise.all([createWorld(), createRestServer()]);
    worker = await world.startWorker(EGRESS);
  });
  afterAll(async () => {
    await world.close();
    await server.close();
  });

  async function syncOf(executionConfig: Row, destinationConfig: Row = {}): Promise<Row> {
    const { body } = await world.api("POST", "/connections", {
      ...{ name: `api ${randomUUID()}`, provider: "http_api", secrets: {} },
      config: { baseUrl: server.baseUrl, resources: [ORDERS] },
    });
    return world.createSync({
      ...{ connectionId: body.id, entities: ["orders"] },
      tableBindings: [{ entityKey: "orders", tableName: `orders_${randomUUID()}` }],
      executionConfig: { batchRows: 40, heartbeatTimeoutSeconds: 5, ...executionConfig },
      destinationConfig,
    });
  }

  const loadedIds = async (sync: Row): Promise<number[]> =>
    (await world.warehouse(`select id::int from ${tableOf(sync, "orders")} order by id`)).map(({ id }) => id);

  async function rejectedIds(runId: string): Promise<number[]> {
    const ids: number[] = [];
    for (let page: Row = { hasNext: true }; page.hasNext; ) {
      const answer = await world.api("GET", `/syncs/runs/${runId}/rejected-rows?limit=20&offset=${ids.length}`);
      page = answer.body;
      for (const row of page.rejectedRows) {
        expect(row).toMatchObject({
          columnName: "amount",
          entityKey: "orders",
          reason: expect.stringMatching(/numeric/),
        });
        ids.push(JSON.parse(row.record).id);
      }
    }
    return ids.sort((a, b) => a - b);
  }

  async function eventsOf(runId: string): Promise<Row[]> {
    const events: Row[] = [];
    for (let page: Row = { hasNext: true, lastSeq: 0 }; page.hasNext; ) {
      const answer = await world.api("GET", `/syncs/runs/${runId}/events?limit=5&after=${page.lastSeq}`);
      page = answer.body;
      events.push(...page.events);
    }
    return events;
  }

  it("are neither lost nor doubled when the worker is killed, and the run tells what became of it", async () => {
    server.collections.set("orders", records());
    server.delayMs = 50;
    const sync = await syncOf({});
    const before = await committedRows(world);
    const { id } = await trigger(world, sync.id);
    await until("committed batches", async () => ((await committedRows(world)) > before + 80 ? true : null));
    await worker.kill();
    server.delayMs = 0;
    worker = await world.startWorker(EGRESS);
    const ended = await whenChainEnded(world, id);
    const faulty = records().flatMap((each) => (isFaulty(Number(each.id)) ? [Number(each.id)] : []));
    expect(ended).toMatchObject({
      ...{ id, status: "partial", resultClass: "partial_success", resultReasonCode: "rows_rejected" },
      error: `orders: ${faulty.length} rows rejected`,
      summary: { rowsRead: RECORDS, rowsWritten: RECORDS - faulty.length, rowsRejected: faulty.length },
    });
    expect(await rejectedIds(id)).toEqual(faulty);
    expect(await loadedIds(sync)).toEqual(records().flatMap((each) => (isFaulty(Number(each.id)) ? [] : [each.id])));

    const events = await eventsOf(id);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    const kinds = events.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind !== "slice.started")).toEqual([
      ...["run.admitted", "run.dispatched", "run.begun", "run.planned"],
      ...["slice.done", "run.ended"],
    ]);
    expect(events.filter(({ kind }) => kind === "slice.started").map(({ data }) => data.tries)).toEqual([1, 2]);
    expect(events.at(-1)?.data).toMatchObject({ status: "partial", rowsRejected: faulty.length });
    // The entity is complete but for them, so the next run goes on behind it.
    const state = await world.api("GET", `/syncs/${sync.id}/state`);
    expect(state.body.entities).toMatchObject([{ entityKey: "orders", version: 1, cursor: expect.any(String) }]);
  });

  it("fail their entity when they are more than allowed, and once corrected at the source it goes on", async () => {
    server.collections.set("orders", records());
    const sync = await syncOf({ maxRejectedRows: 6 });
    const { id } = await trigger(world, sync.id);
    const failed = await whenChainEnded(world, id);
    expect(failed).toMatchObject({ id, status: "failed", resultReasonCode: "reject_threshold_exceeded" });
    expect(failed.error).toMatch(/maxRejectedRows \(6\)/);
    const loaded = await loadedIds(sync);
    const rejected = await rejectedIds(id);
    // Whole batches, in order: nothing behind the one that went over.
    expect(loaded.at(-1)).toBeLessThanOrEqual(80);
    expect(rejected.length).toBeGreaterThan(6);
    expect(failed.summary.rowsRejected).toBeLessThanOrEqual(6);
    expect((await eventsOf(id)).map(({ kind }) => kind)).toContain("slice.failed");

    server.collections.set(
      "orders",
      Array.from({ length: RECORDS }, (_, n) => record(n + 1, n + 1)),
    );
    const { body } = await world.api("POST", `/syncs/runs/${id}/retry`, {});
    const ended = await whenChainEnded(world, body.id);
    expect(ended).toMatchObject({ status: "partial", resultReasonCode: "rows_rejected" });
    const kept = await rejectedIds(body.id);
    expect(kept).toEqual(rejected.slice(0, kept.length));
    expect(kept.length).toBeLessThanOrEqual(6);
    expect(await loadedIds(sync)).toHaveLength(RECORDS - kept.length);
  });

  it("fail their entity when they are all that it has: its cursor stays, and the next run reads them again", async () => {
    server.collections.set(
      "orders",
      Array.from({ length: 20 }, (_, n) => record(n + 1, "cheap")),
    );
    const sync = await syncOf({});
    const failed = await whenChainEnded(world, (await trigger(world, sync.id)).id);
    expect(failed).toMatchObject({ status: "failed", resultReasonCode: "reject_threshold_exceeded" });
    expect(failed.summary.entities).toEqual({
      orders: {
        ...{ status: "failed", rows: 0, rowsRejected: 20, reasonCode: "reject_threshold_exceeded" },
        error: expect.stringMatching(/^All 20 rows were rejected.* column amount: /),
      },
    });
    const stateOf = async () => (await world.api("GET", `/syncs/${sync.id}/state`)).body.entities;
    expect(await stateOf()).toMatchObject([{ cursor: null, version: 0 }]);

    server.collections.set(
      "orders",
      Array.from({ length: 20 }, (_, n) => record(n + 1, n + 1)),
    );
    expect(await whenChainEnded(world, (await trigger(world, sync.id)).id)).toMatchObject({ status: "succeeded" });
    expect(await loadedIds(sync)).toHaveLength(20);

    // The table has its rows by now, so a few new ones that are all rejected make it partial.
    server.collections.get("orders")?.push({ ...record(21, "cheap"), updated_at: new Date().toISOString() });
    const partial = await whenChainEnded(world, (await trigger(world, sync.id)).id);
    expect(partial).toMatchObject({ status: "partial", resultReasonCode: "rows_rejected" });
    expect(partial.summary.entities.orders).toMatchObject({ status: "partial", reasonCode: "rows_rejected" });
  });

  it("are counted against the entity's own limit where it has one, whatever the sync's is", async () => {
    server.collections.set("orders", records());
    const entities = { orders: { maxRejectedRows: 2 } };
    const strict = await syncOf({ maxRejectedRows: RECORDS }, { entities });
    const failed = await whenChainEnded(world, (await trigger(world, strict.id)).id);
    expect(failed).toMatchObject({ status: "failed", resultReasonCode: "reject_threshold_exceeded" });
    expect(failed.error).toMatch(/maxRejectedRows \(2\)/);
  });

  it("are found in what passes undecoded between two databases, merged or loaded anew", async () => {
    await seedOrders(world, 1000);
    const sync = await createOrdersSync(world);
    expect(await whenChainEnded(world, (await trigger(world, sync.id)).id)).toMatchObject({ status: "succeeded" });
    const table = tableOf(sync, ORDERS_TABLE);
    await world.warehouse(`alter table ${table} add constraint no_thousands check (id <= 1000 or id % 1000 <> 0)`);
    await world.source(
      "insert into orders select i, 'later', 1, null, now() - interval '1 minute' from generate_series(1001, 21000) i",
    );
    for (const runMode of ["incremental", "full_refresh"] as const) {
      const before = await committedRows(world);
      const { id } = await trigger(world, sync.id, { runMode });
      if (runMode === "incremental") {
        await until("committed batches", async () => ((await committedRows(world)) > before + 3000 ? true : null));
        await worker.kill();
        worker = await world.startWorker(EGRESS);
      }
      const ended = await whenChainEnded(world, id);
      expect(ended).toMatchObject({ status: "partial", resultReasonCode: "rows_rejected" });
      const { body } = await world.api("GET", `/syncs/runs/${ended.id}/rejected-rows?limit=100`);
      const rejected: Row[] = body.rejectedRows;
      expect(rejected.map(({ record }) => Number(JSON.parse(record).id)).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 20 }, (_, n) => (n + 2) * 1000),
      );
      expect(new Set(rejected.map(({ reason }) => reason))).toEqual(
        new Set(["new row for relation … violates check constraint … no_thousands (23514)"]),
      );
      const [loaded] = await world.warehouse(
        `select count(*)::int as rows, count(distinct id)::int as ids from ${table}`,
      );
      expect(loaded).toEqual({ rows: 20_980, ids: 20_980 });
    }
  });
});
