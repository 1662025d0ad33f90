import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { DEFAULT_ENTITY_RULES } from "../../core/entity-rules.ts";
import type { PrepareRequest } from "../../destinations/destination.ts";
import type { LoadTarget } from "../../destinations/load-target.ts";
import {
  claim,
  copyBatch,
  finish,
  killWaiting,
  load,
  openWarehouse,
  prepareRequest,
  rowsBatch,
  type Warehouse,
} from "./warehouse.ts";

type Rows = (string | null)[][];

function snapshotRequest(overrides: Partial<PrepareRequest> = {}): PrepareRequest {
  return prepareRequest({ loadMode: "append_snapshot", complete: true, ...overrides });
}

const first: Rows = [
  ["1", "a", "2026-01-01"],
  ["2", "a", "2026-01-01"],
];
const second: Rows = [
  ["2", "b", "2026-01-02"],
  ["3", "b", "2026-01-02"],
];

function snapshotAtOf(target: LoadTarget): string {
  if (target.kind !== "snapshot") throw new Error(`The target is no snapshot: ${target.kind}`);
  return target.snapshotAt;
}

interface Loaded {
  request: PrepareRequest;
  target: LoadTarget;
}

async function loadedSnapshot(
  warehouse: Warehouse,
  rows: Rows,
  overrides: Partial<PrepareRequest> = {},
): Promise<Loaded> {
  const request = snapshotRequest(overrides);
  const target = await warehouse.destination.prepareEntity(request);
  await load(warehouse, target, request, rows, { columns: request.columns.map(({ name }) => name) });
  return { request, target };
}

async function takeSnapshot(
  warehouse: Warehouse,
  rows: Rows,
  overrides: Partial<PrepareRequest> = {},
): Promise<Loaded> {
  const loaded = await loadedSnapshot(warehouse, rows, overrides);
  await finish(warehouse, loaded.target, loaded.request);
  return loaded;
}

/** Notes by id, a snapshot each, oldest first. */
async function shown(warehouse: Warehouse): Promise<Record<string, string>[]> {
  const rows = await warehouse.query<{ notes: Record<string, string> }>(
    "select jsonb_object_agg(id, note) as notes from shop.orders group by _snapshot_at order by _snapshot_at",
  );
  return rows.map(({ notes }) => notes);
}

async function waitingTables(warehouse: Warehouse): Promise<unknown[]> {
  return warehouse.query(
    `select relname from pg_class
     where relnamespace = '_sluice'::regnamespace and relname ~ '^[gw]\\d' and relkind = 'r' and not relispartition`,
  );
}

const FIRST = { 1: "a", 2: "a" };
const SECOND = { 2: "b", 3: "b" };

describe("a snapshot", () => {
  test("a plan follows one whose first snapshot never came to be shown", async () => {
    const warehouse = await openWarehouse();
    const { request } = await loadedSnapshot(warehouse, first);
    await takeSnapshot(warehouse, second, { syncId: request.syncId });
    expect(await shown(warehouse)).toEqual([SECOND]);
  });

  test("is added to those before it, with one instant of its own", async () => {
    const warehouse = await openWarehouse();
    const { target } = await takeSnapshot(warehouse, first);
    await takeSnapshot(warehouse, second);
    expect(await shown(warehouse)).toEqual([FIRST, SECOND]);
    expect(
      await warehouse.query("select count(*)::int as n from shop.orders where _snapshot_at = $1", [
        snapshotAtOf(target),
      ]),
    ).toEqual([{ n: 2 }]);
    expect(await waitingTables(warehouse)).toEqual([]);
  });

  test("is not seen before it is finished, and then at once by readers who wait for nothing", async () => {
    const warehouse = await openWarehouse();
    await takeSnapshot(warehouse, first);
    const { request, target } = await loadedSnapshot(warehouse, second);
    expect(await shown(warehouse)).toEqual([FIRST]);
    const reader = await warehouse.connect();
    await reader.query("begin; select * from shop.orders");
    await finish(warehouse, target, request);
    expect(await shown(warehouse)).toEqual([FIRST, SECOND]);
    await reader.query("commit");
  });

  test("finished again, or by two at once, is there once", async () => {
    const warehouse = await openWarehouse();
    const { request, target } = await takeSnapshot(warehouse, first);
    await Promise.all([
      finish(warehouse, target, request),
      finish({ destination: warehouse.reopen() }, target, request),
    ]);
    expect(await shown(warehouse)).toEqual([FIRST]);
  });

  test("of several slices and attempts has the instant of its plan in every row, as rows or COPY frames", async () => {
    const warehouse = await openWarehouse();
    const request = snapshotRequest();
    const target = await warehouse.destination.prepareEntity(request);
    await load(warehouse, target, request, first, { sliceNo: 0 });
    const later = { ...request, chain: { ...request.chain, attempt: 2 } };
    const again = await warehouse.destination.prepareEntity(later);
    const writer = await claim(warehouse, again, later, { sliceNo: 1 });
    await writer.write(copyBatch(Readable.from([Buffer.from("3\tc\t2026-01-03\n")]), { final: true }));
    await finish(warehouse, again, later);
    expect(await warehouse.query("select distinct _snapshot_at::text as at from shop.orders")).toEqual([
      { at: snapshotAtOf(target) },
    ]);
    expect(await shown(warehouse)).toEqual([{ ...FIRST, 3: "c" }]);
  });

  test("is later than the one before although the clock says otherwise", async () => {
    const warehouse = await openWarehouse();
    const { target } = await takeSnapshot(warehouse, first);
    await warehouse.query(
      "update _sluice.targets set target = jsonb_set(target::jsonb, '{snapshotAt}', '\"2100-01-01 00:00:00+00\"')",
    );
    const { target: next } = await takeSnapshot(warehouse, second);
    expect(snapshotAtOf(next)).toBe("2100-01-01 00:00:00.000001+00");
    expect(snapshotAtOf(next)).not.toBe(snapshotAtOf(target));
  });

  test("is foretold without being made, before the first is attached and after", async () => {
    const warehouse = await openWarehouse();
    const foretold = async () => (await warehouse.destination.previewEntity(snapshotRequest())).statements.length;
    expect(await foretold()).toBeGreaterThan(2);
    const { request, target } = await loadedSnapshot(warehouse, first);
    expect(await foretold()).toBe(2);
    await finish(warehouse, target, request);
    expect(await foretold()).toBe(2);
    expect(await waitingTables(warehouse)).toEqual([]);
  });

  test("of an empty source is one without rows", async () => {
    const warehouse = await openWarehouse();
    await takeSnapshot(warehouse, first);
    const { request } = await takeSnapshot(warehouse, []);
    expect(await shown(warehouse)).toEqual([FIRST]);
    expect(await warehouse.destination.readFinished(request.planId)).toEqual([request.entityKey]);
  });

  test("is guarded beside the one before it", async () => {
    const warehouse = await openWarehouse();
    const guards = { ...DEFAULT_ENTITY_RULES.guards, maxDeleteShare: 0 };
    const { request, target } = await loadedSnapshot(warehouse, first);
    await finish(warehouse, target, request, guards);
    const shrunk = await loadedSnapshot(warehouse, second.slice(0, 1));
    await finish(warehouse, shrunk.target, shrunk.request, guards);
    const empty = await loadedSnapshot(warehouse, []);
    await expect(finish(warehouse, empty.target, empty.request, guards)).rejects.toMatchObject({
      reasonCode: "unexpected_zero_rows",
    });
    await finish(warehouse, empty.target, empty.request);
    expect(await shown(warehouse)).toEqual([FIRST, { 2: "b" }]);
  });

  test("holds a key once; a key that comes twice is merged, and counted once", async () => {
    const warehouse = await openWarehouse();
    const request = snapshotRequest();
    const target = await warehouse.destination.prepareEntity(request);
    const writer = await claim(warehouse, target, request);
    const batch = rowsBatch([...first, ["1", "newer", "2026-01-05"]], { final: true });
    await expect(writer.write(batch)).rejects.toMatchObject({ name: "CopyConflictError" });
    await writer.write(batch);
    await load(warehouse, target, request, [["2", "caught up", "2026-01-06"]], { sliceNo: 1, stage: 1 });
    await finish(warehouse, target, request);
    expect(await shown(warehouse)).toEqual([{ 1: "newer", 2: "caught up" }]);
  });

  test("without a key keeps rows that are equal", async () => {
    const warehouse = await openWarehouse();
    const keyless = { keyColumns: [], cursorField: null };
    await takeSnapshot(warehouse, [...first, ...first], keyless);
    await takeSnapshot(warehouse, first, keyless);
    expect(
      await warehouse.query("select count(*)::int as n from shop.orders group by _snapshot_at order by _snapshot_at"),
    ).toEqual([{ n: 4 }, { n: 2 }]);
  });

  test("whose rows do not add up to the ledger is refused, and nothing of it is seen", async () => {
    const warehouse = await openWarehouse();
    await takeSnapshot(warehouse, first);
    const { request, target } = await loadedSnapshot(warehouse, second);
    await warehouse.query(`delete from _sluice."${target.leafTable}" where id = 3`);
    await expect(finish(warehouse, target, request)).rejects.toMatchObject({ reasonCode: "reconciliation_mismatch" });
    expect(await shown(warehouse)).toEqual([FIRST]);
  });

  test("whose session is killed while it is attached is not there, and is when the finish is repeated", async () => {
    const warehouse = await openWarehouse();
    const { request, target } = await loadedSnapshot(warehouse, first);
    const holder = await warehouse.connect();
    await holder.query("begin; lock table shop.orders in share update exclusive mode");
    const finishing = expect(finish(warehouse, target, request)).rejects.toMatchObject({
      reasonCode: "destination_unavailable",
    });
    await killWaiting(warehouse, "select pid from pg_locks where not granted and relation = 'shop.orders'::regclass");
    await finishing;
    await holder.query("rollback");
    expect(await shown(warehouse)).toEqual([]);
    await finish(warehouse, target, request);
    expect(await shown(warehouse)).toEqual([FIRST]);
  });

  test("of an attempt that is over is never attached", async () => {
    const warehouse = await openWarehouse();
    const { request, target } = await loadedSnapshot(warehouse, first);
    await warehouse.destination.fence({ rootRunId: request.chain.rootRunId, minAttempt: 2 });
    await expect(finish(warehouse, target, request)).rejects.toMatchObject({ name: "SupersededError" });
    expect(await shown(warehouse)).toEqual([]);
  });
});

describe("a chain whose plan is made anew", () => {
  test("drops what an unfinished plan has loaded, and no snapshot that is shown", async () => {
    const warehouse = await openWarehouse();
    const { request: before } = await takeSnapshot(warehouse, first);
    const { chain } = before;
    await loadedSnapshot(warehouse, first, { chain });
    const { request, target } = await loadedSnapshot(warehouse, second, { chain });
    await warehouse.destination.dropSuperseded({ rootRunId: chain.rootRunId, keepPlanId: request.planId });
    expect(await waitingTables(warehouse)).toEqual([{ relname: target.leafTable }]);
    expect(await shown(warehouse)).toEqual([FIRST]);
  });

  test("makes one snapshot: the later takes the place of the earlier", async () => {
    const warehouse = await openWarehouse();
    const { request } = await takeSnapshot(warehouse, first);
    await takeSnapshot(warehouse, second, { chain: { ...request.chain, attempt: 2 } });
    expect(await shown(warehouse)).toEqual([SECOND]);
  });

  test("leaves a snapshot alone that somebody has detached", async () => {
    const warehouse = await openWarehouse();
    const { request, target } = await takeSnapshot(warehouse, first);
    await warehouse.query(`alter table shop.orders detach partition _sluice."${target.leafTable}"`);
    await takeSnapshot(warehouse, second, { chain: { ...request.chain, attempt: 2 } });
    await warehouse.destination.forgetChains({ rootRunIds: [request.chain.rootRunId], keepFences: [] });
    expect(await shown(warehouse)).toEqual([SECOND]);
    expect(await warehouse.query(`select count(*)::int as n from _sluice."${target.leafTable}"`)).toEqual([{ n: 2 }]);
  });

  test("that nobody goes on with leaves its snapshots", async () => {
    const warehouse = await openWarehouse();
    const { request } = await takeSnapshot(warehouse, first);
    const { request: other } = await takeSnapshot(warehouse, second);
    await warehouse.destination.forgetChains({
      rootRunIds: [request.chain.rootRunId, other.chain.rootRunId],
      keepFences: [],
    });
    expect(await shown(warehouse)).toEqual([FIRST, SECOND]);
  });
});

describe("the table of snapshots", () => {
  const column = (name: string, type: string) => ({ name, type, nullable: true });
  const wide = [column("id", "integer"), column("note", "text"), column("amount", "bigint")];

  test("grows with its source: new columns are NULL in older snapshots, types widen in all", async () => {
    const warehouse = await openWarehouse();
    const narrow = [column("id", "integer"), column("note", "character varying(10)")];
    await takeSnapshot(warehouse, [["1", "a"]], { columns: narrow, cursorField: null });
    await takeSnapshot(warehouse, [["1", "b", "7"]], { columns: wide, cursorField: null });
    expect(await warehouse.query("select note, amount::int from shop.orders order by _snapshot_at")).toEqual([
      { note: "a", amount: null },
      { note: "b", amount: 7 },
    ]);
  });

  test("takes a source whose types have become narrower, or which has lost a column", async () => {
    const warehouse = await openWarehouse();
    await takeSnapshot(warehouse, [["1", "a", "7"]], { columns: wide, cursorField: null });
    const narrow = [column("id", "integer"), column("amount", "integer")];
    await takeSnapshot(warehouse, [["1", "8"]], { columns: narrow, cursorField: null });
    await takeSnapshot(
      warehouse,
      [
        ["1", "8"],
        ["1", "8"],
      ],
      { columns: narrow, keyColumns: [], cursorField: null },
    );
    expect(await warehouse.query("select note, amount::int from shop.orders order by _snapshot_at")).toEqual([
      { note: "a", amount: 7 },
      { note: null, amount: 8 },
      { note: null, amount: 8 },
      { note: null, amount: 8 },
    ]);
  });

  test("keeps what people add to it: an index, a column, a view; old snapshots go without harm", async () => {
    const warehouse = await openWarehouse();
    const { target } = await takeSnapshot(warehouse, first);
    await warehouse.query(
      "create index by_note on shop.orders (note); create view shop.seen as select * from shop.orders",
    );
    const { request, target: next } = await loadedSnapshot(warehouse, second);
    await warehouse.query("alter table shop.orders add column mine text");
    await finish(warehouse, next, request);
    await warehouse.query(`drop table _sluice."${target.leafTable}"`);
    await takeSnapshot(warehouse, first);
    expect(await shown(warehouse)).toEqual([SECOND, FIRST]);
    expect(await warehouse.query("select count(*)::int as n from shop.seen")).toEqual([{ n: 4 }]);
    expect(
      await warehouse.query(
        "select bool_and(indisvalid) as valid from pg_index where indrelid = 'shop.orders'::regclass",
      ),
    ).toEqual([{ valid: true }]);
  });

  test("that was dropped begins again; dropped while a snapshot waits, it says so", async () => {
    const warehouse = await openWarehouse();
    await takeSnapshot(warehouse, first);
    const { request, target } = await loadedSnapshot(warehouse, second);
    await warehouse.query("drop table shop.orders");
    await expect(finish(warehouse, target, request)).rejects.toMatchObject({
      reasonCode: "destination_schema_conflict",
    });
    await takeSnapshot(warehouse, second);
    expect(await shown(warehouse)).toEqual([SECOND]);
  });

  test("is inherited from a deleted sync with the snapshots that it has", async () => {
    const warehouse = await openWarehouse();
    const { request } = await takeSnapshot(warehouse, first);
    const heir = { syncId: randomUUID(), formerOwners: [{ syncId: request.syncId, sameSource: true }] };
    await takeSnapshot(warehouse, second, heir);
    expect(await shown(warehouse)).toEqual([FIRST, SECOND]);
    await expect(takeSnapshot(warehouse, second)).rejects.toMatchObject({ reasonCode: "destination_schema_conflict" });
  });

  test("is not that of another load mode, nor the other way round", async () => {
    const warehouse = await openWarehouse();
    await takeSnapshot(warehouse, first);
    for (const loadMode of ["upsert", "append_event", "replace", "scd2"] as const) {
      const other = { loadMode, complete: loadMode === "replace" };
      await expect(warehouse.destination.prepareEntity(prepareRequest(other))).rejects.toThrow(/another load mode/);
      await warehouse.destination.prepareEntity(prepareRequest({ ...other, table: loadMode }));
      await expect(warehouse.destination.prepareEntity(snapshotRequest({ table: loadMode }))).rejects.toThrow(
        /another load mode/,
      );
    }
  });

  test("has a column of its own, which the source must not have", async () => {
    const warehouse = await openWarehouse();
    const columns = [...wide, column("_snapshot_at", "text")];
    await expect(warehouse.destination.prepareEntity(snapshotRequest({ columns, cursorField: null }))).rejects.toThrow(
      /_snapshot_at/,
    );
    await warehouse.destination.prepareEntity(prepareRequest({ columns, cursorField: null }));
  });
});
