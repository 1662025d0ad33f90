import { randomUUID } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import type { Window } from "../../core/slices.ts";
import type { ClaimRequest, PrepareRequest } from "../../destinations/destination.ts";
import { hasFinish, type LoadTarget } from "../../destinations/load-target.ts";
import {
  claim,
  claimRequest,
  finish,
  load,
  openWarehouse,
  prepareRequest,
  rowsBatch,
  type Warehouse,
} from "./warehouse.ts";

type Rows = (string | null)[][];

const days = (from: string | null, to: string | null): Window => ({ by: "time", column: "updated_at", from, to });
const since = (from: string) => ({ window: days(from, null) });

function request(overrides: Partial<PrepareRequest> = {}): PrepareRequest {
  return prepareRequest({ loadMode: "delete_insert", ...overrides });
}

async function firstLoad(warehouse: Warehouse, rows: Rows): Promise<void> {
  const first = request({ complete: true });
  const target = await warehouse.destination.prepareEntity(first);
  expect(target).toMatchObject({ kind: "first_load", straight: true });
  await load(warehouse, target, first, rows);
}

async function nextPlan(warehouse: Warehouse): Promise<{ plan: PrepareRequest; target: LoadTarget }> {
  const plan = request();
  const target = await warehouse.destination.prepareEntity(plan);
  expect(target).toMatchObject({ kind: "replace_windows" });
  return { plan, target };
}

/** A slice in one batch. */
async function replace(warehouse: Warehouse, rows: Rows, overrides: Partial<ClaimRequest>) {
  const { plan, target } = await nextPlan(warehouse);
  return load(warehouse, target, plan, rows, overrides);
}

const shown = (warehouse: Warehouse) =>
  warehouse.query("select id, note, updated_at::date::text as day from shop.orders order by id");

const present: Rows = [
  ["1", "old", "2026-01-01"],
  ["2", "edge", "2026-01-02"],
  ["3", "in", "2026-01-02 12:00"],
  ["4", "next", "2026-01-03"],
  ["5", "none", null],
];

describe("a window by time", () => {
  test("becomes what was read of it: others go, its bounds are half open, and rows without a cursor stay", async () => {
    const warehouse = await openWarehouse();
    await firstLoad(warehouse, present);
    const read: Rows = [
      ["3", "changed", "2026-01-02 13:00"],
      ["6", "new", "2026-01-02"],
    ];
    expect(await replace(warehouse, read, { window: days("2026-01-02", "2026-01-03") })).toEqual({
      ...{ rowsRead: 2, rowsRejected: 0 },
      // One went, one changed, one is new.
      rowsWritten: 3,
    });
    expect(await shown(warehouse)).toEqual([
      { id: 1, note: "old", day: "2026-01-01" },
      { id: 3, note: "changed", day: "2026-01-02" },
      { id: 4, note: "next", day: "2026-01-03" },
      { id: 5, note: "none", day: null },
      { id: 6, note: "new", day: "2026-01-02" },
    ]);
  });

  test("takes in a row from another window without doubling it, also one that was set back", async () => {
    const warehouse = await openWarehouse();
    await firstLoad(warehouse, present);
    await replace(warehouse, [["1", "moved on", "2026-01-05"]], since("2026-01-03"));
    await replace(warehouse, [["1", "set back", "2026-01-01"]], { window: days("2026-01-01", "2026-01-02") });
    expect(await warehouse.query("select note from shop.orders where id = 1")).toEqual([{ note: "set back" }]);
    expect(await warehouse.query("select id from shop.orders where id in (1, 4)")).toEqual([{ id: 1 }]);
  });

  test("that is empty at the source is emptied, with or without a batch; one that has not changed is not written", async () => {
    const warehouse = await openWarehouse();
    await firstLoad(warehouse, present);
    const read = present.slice(1, 4);
    expect(await replace(warehouse, read, since("2026-01-02"))).toMatchObject({ rowsRead: 3, rowsWritten: 0 });
    expect(await replace(warehouse, [], since("2026-01-03"))).toMatchObject({ rowsWritten: 1 });
    const { plan, target } = await nextPlan(warehouse);
    const writer = await claim(warehouse, target, plan, since("2026-01-02"));
    await writer.finish();
    await writer.finish();
    expect(await warehouse.destination.readLedger(plan.planId)).toMatchObject([{ done: true, rowsWritten: 2 }]);
    expect(await warehouse.query("select id from shop.orders order by id")).toEqual([{ id: 1 }, { id: 5 }]);
  });

  test("keeps the newer state of a row that another slice of the run has read meanwhile", async () => {
    const warehouse = await openWarehouse();
    await firstLoad(warehouse, present);
    const { plan, target } = await nextPlan(warehouse);
    const runId = randomUUID();
    const early = await claim(warehouse, target, plan, { window: days("2026-01-02", "2026-01-03"), runId });
    await early.write(rowsBatch([["2", "early", "2026-01-02"]]));
    await load(
      warehouse,
      target,
      plan,
      [
        ["2", "late", "2026-01-09"],
        ["3", "late", "2026-01-02 12:00"],
      ],
      {
        ...since("2026-01-03"),
        ...{ sliceNo: 1, runId },
      },
    );
    await early.finish();
    expect(await shown(warehouse)).toMatchObject([
      { id: 1 },
      { id: 2, note: "late" },
      { id: 3, note: "late" },
      { id: 5 },
    ]);
  });

  test("whose bounds are no values of the table's column is refused before anything is read", async () => {
    const warehouse = await openWarehouse();
    const columns = prepareRequest().columns.map((column) =>
      column.name === "updated_at" ? { ...column, type: "bigint" } : column,
    );
    await warehouse.destination.prepareEntity(request({ complete: true, columns }));
    const plan = request({ columns });
    const target = await warehouse.destination.prepareEntity(plan);
    const claiming = warehouse.destination.claimSlice(claimRequest(target, plan, since("2026-01-01")));
    await expect(claiming).rejects.toMatchObject({ reasonCode: "config_invalid" });
  });
});

describe("a slice of several batches", () => {
  test("is seen whole or not at all, and its ledger moves once, with all its counts and rejects", async () => {
    const warehouse = await openWarehouse();
    await firstLoad(warehouse, present);
    const { plan, target } = await nextPlan(warehouse);
    const writer = await claim(warehouse, target, plan, since("2026-01-02"));
    await writer.write(
      rowsBatch([
        ["2", "first", "2026-01-02"],
        ["x", "no id", "2026-01-02"],
      ]),
    );
    expect(writer.checkpoint).toEqual({ rows: 2 });
    expect(await shown(warehouse)).toHaveLength(5);
    expect(await warehouse.destination.readLedger(plan.planId)).toMatchObject([{ checkpoint: null, rowsRead: 0 }]);
    const last = rowsBatch(
      [
        ["7", "last", "2026-01-03"],
        ["y", "no id", "2026-01-02"],
      ],
      { final: true },
    );
    expect(await writer.write(last)).toEqual({ rowsRead: 4, rowsWritten: 4, rowsRejected: 2 });
    expect(await shown(warehouse)).toMatchObject([{ id: 1 }, { id: 2, note: "first" }, { id: 5 }, { id: 7 }]);
    expect(await warehouse.destination.readLedger(plan.planId)).toMatchObject([
      { done: true, rowsRead: 4, rowsWritten: 4, rowsRejected: 2 },
    ]);
    const { planId } = plan;
    expect(await warehouse.destination.readRejects({ planId, limit: 9, recordBytes: 99 })).toMatchObject([
      { rowNo: 2, column: "id" },
      { rowNo: 4, column: "id" },
    ]);
  });

  test("is read from its start by whoever takes it over, and what was staged is gone without a trace", async () => {
    const warehouse = await openWarehouse();
    await firstLoad(warehouse, present);
    const { plan, target } = await nextPlan(warehouse);
    const killed = await claim(warehouse, target, plan, since("2026-01-02"));
    await killed.write(
      rowsBatch([
        ["8", "lost", "2026-01-02"],
        ["x", "no id", "2026-01-02"],
      ]),
    );
    const successor = await claim(warehouse, target, plan, since("2026-01-02"));
    expect(successor.checkpoint).toBeNull();
    await expect(killed.finish()).rejects.toThrow();
    await successor.write(rowsBatch([["9", "kept", "2026-01-02"]], { final: true }));
    expect(await warehouse.query("select id from shop.orders order by id")).toEqual([{ id: 1 }, { id: 5 }, { id: 9 }]);
    expect(await warehouse.destination.readRejects({ planId: plan.planId, limit: 9, recordBytes: 99 })).toEqual([]);
    await successor.close();
    expect(await claim(warehouse, target, plan, since("2026-01-02"))).toMatchObject({ done: true });
  });

  test("whose session dies while the window is replaced has changed nothing, and its successor does all of it", async () => {
    const warehouse = await openWarehouse();
    await firstLoad(warehouse, present);
    const { plan, target } = await nextPlan(warehouse);
    const before = await shown(warehouse);
    const holder = await warehouse.connect();
    await holder.query("begin; select from shop.orders where id = 4 for update");
    const killed = await claim(warehouse, target, plan, since("2026-01-02"));
    const writing = expect(killed.write(rowsBatch([["2", "new", "2026-01-02"]], { final: true }))).rejects.toThrow();
    await vi.waitFor(async () => {
      const ended = await warehouse.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where pid in (select backend_pid from _sluice.slices where plan_id = $1) and wait_event_type = 'Lock'`,
        [plan.planId],
      );
      expect(ended).toHaveLength(1);
    }, 20_000);
    await writing;
    await holder.query("rollback");
    expect(await shown(warehouse)).toEqual(before);
    await load(warehouse, target, plan, [["2", "new", "2026-01-02"]], since("2026-01-02"));
    expect(await shown(warehouse)).toMatchObject([{ id: 1 }, { id: 2, note: "new" }, { id: 5 }]);
  });

  test("keeps to the limit of rejected rows over all of its batches", async () => {
    const warehouse = await openWarehouse();
    await firstLoad(warehouse, present);
    const { plan, target } = await nextPlan(warehouse);
    const writer = await claim(warehouse, target, plan, { ...since("2026-01-02"), maxRejectedRows: 1 });
    await writer.write(rowsBatch([["x", "no id", "2026-01-02"]]));
    await expect(writer.write(rowsBatch([["y", "no id", "2026-01-02"]], { final: true }))).rejects.toMatchObject({
      reasonCode: "reject_threshold_exceeded",
    });
    expect(await shown(warehouse)).toHaveLength(5);
  });
});

test("a load of everything goes beside the table, since it has no window that could be replaced", async () => {
  const warehouse = await openWarehouse();
  await firstLoad(warehouse, present);
  expect(await warehouse.destination.prepareEntity(request({ complete: true }))).toMatchObject({ kind: "beside" });
  expect(await warehouse.destination.prepareEntity(request({ cursorField: null }))).toMatchObject({ kind: "beside" });
});

test("a table that was loaded by upsert has its cursors indexed once", async () => {
  const warehouse = await openWarehouse();
  await warehouse.destination.prepareEntity(prepareRequest());
  await nextPlan(warehouse);
  await nextPlan(warehouse);
  expect(
    await warehouse.query("select from pg_indexes where schemaname = 'shop' and indexdef ~ 'updated_at'"),
  ).toHaveLength(1);
});

describe("a cursor column that the table does not have yet", () => {
  const older = [
    { name: "id", type: "integer", nullable: false },
    { name: "note", type: "text", nullable: true },
  ];

  test.each([
    { loadMode: "delete_insert", keyColumns: ["id"], remedy: /Retry with runMode full_refresh/ },
    // A full refresh would take its rows for others and add them again.
    {
      loadMode: "append_event",
      keyColumns: [],
      remedy: /Drop or rename the table, then retry with runMode full_refresh/,
    },
  ] as const)("stops $loadMode, since no row that is there has a value in it", async ({ loadMode, remedy, ...key }) => {
    const keyColumns = [...key.keyColumns];
    const warehouse = await openWarehouse();
    const first = prepareRequest({ loadMode, keyColumns, columns: older, cursorField: null, complete: true });
    await load(warehouse, await warehouse.destination.prepareEntity(first), first, [["1", "old"]], {
      columns: ["id", "note"],
    });
    const next = prepareRequest({ loadMode, keyColumns });
    await expect(warehouse.destination.prepareEntity(next)).rejects.toMatchObject({
      reasonCode: "destination_schema_conflict",
      message: expect.stringMatching(/no updated_at yet/),
    });
    await expect(warehouse.destination.prepareEntity(next)).rejects.toThrow(remedy);
    if (loadMode === "append_event") await warehouse.query("drop table shop.orders");
    const anew = prepareRequest({ loadMode, keyColumns, complete: true, fromScratch: true });
    expect(await warehouse.destination.prepareEntity(anew)).toMatchObject({ keyColumns, cursorField: "updated_at" });
  });

  test("is added to a table that merges, where it is older than every value", async () => {
    const warehouse = await openWarehouse();
    const first = prepareRequest({ loadMode: "upsert", columns: older, cursorField: null, complete: true });
    await load(warehouse, await warehouse.destination.prepareEntity(first), first, [["1", "old"]], {
      columns: ["id", "note"],
    });
    const next = prepareRequest({ loadMode: "upsert" });
    await load(warehouse, await warehouse.destination.prepareEntity(next), next, [["1", "new", "2000-01-01"]]);
    expect(await warehouse.query("select note from shop.orders")).toEqual([{ note: "new" }]);
  });

  test.each(["upsert", "scd2"] as const)(
    "that a failed full refresh has added ends or removes no row of %s: what was read takes the place of its own key alone",
    async (loadMode) => {
      const warehouse = await openWarehouse();
      const rows: Rows = [
        ["1", "old"],
        ["2", "not read again"],
      ];
      const first = prepareRequest({ loadMode, columns: older, cursorField: null, complete: true });
      const target = await warehouse.destination.prepareEntity(first);
      await load(warehouse, target, first, rows, { columns: ["id", "note"] });
      if (hasFinish(target)) await finish(warehouse, target, first);
      await warehouse.destination.prepareEntity(prepareRequest({ loadMode, complete: true, fromScratch: true }));
      const next = prepareRequest({ loadMode });
      const merging = await warehouse.destination.prepareEntity(next);
      await load(warehouse, merging, next, [["1", "new", "2000-01-01"]]);
      if (hasFinish(merging)) await finish(warehouse, merging, next);
      const current = loadMode === "scd2" ? "where _valid_to is null" : "";
      expect(await warehouse.query(`select id, note from shop.orders ${current} order by id`)).toEqual([
        { id: 1, note: "new" },
        { id: 2, note: "not read again" },
      ]);
    },
  );

  const rowsOf = (warehouse: Warehouse) => warehouse.query("select id, note from shop.orders order by id");

  test.each([
    { loadMode: "delete_insert", keyColumns: ["id"] },
    { loadMode: "append_event", keyColumns: [] },
  ] as const)(
    "stops $loadMode also where a run that failed has added the column already",
    async ({ loadMode, ...key }) => {
      const keyColumns = [...key.keyColumns];
      const warehouse = await openWarehouse();
      const first = prepareRequest({ loadMode, keyColumns, columns: older, cursorField: null, complete: true });
      const rows: Rows = [
        ["1", "old"],
        ["2", "gone by now"],
      ];
      await load(warehouse, await warehouse.destination.prepareEntity(first), first, rows, { columns: ["id", "note"] });
      // Made by a version that records nothing of it.
      await warehouse.query("update _sluice.tables set filled_columns = null");
      // `upsert` has no doubt about rows without a cursor, and a full refresh may end after its DDL.
      const upsert = keyColumns.length > 0 ? prepareRequest({ loadMode: "upsert", keyColumns }) : null;
      const failing = upsert ?? prepareRequest({ loadMode: "replace", keyColumns, complete: true, fromScratch: true });
      await warehouse.destination.prepareEntity(failing);
      expect(await warehouse.query("select updated_at from shop.orders")).toEqual([
        { updated_at: null },
        { updated_at: null },
      ]);
      const next = prepareRequest({ loadMode, keyColumns });
      await expect(warehouse.destination.prepareEntity(next)).rejects.toMatchObject({
        reasonCode: "destination_schema_conflict",
        message: expect.stringMatching(/no updated_at yet/),
      });
      expect(await rowsOf(warehouse)).toHaveLength(2);
    },
  );

  test("that a full refresh has added, and failed, is no obstacle once one has loaded all rows, empty ones too", async () => {
    const warehouse = await openWarehouse();
    const first = request({ columns: older, cursorField: null, complete: true });
    const target = await warehouse.destination.prepareEntity(first);
    await load(
      warehouse,
      target,
      first,
      [
        ["1", "old"],
        ["2", "old"],
      ],
      { columns: ["id", "note"] },
    );
    await warehouse.destination.prepareEntity(request({ complete: true, fromScratch: true }));
    await expect(warehouse.destination.prepareEntity(request())).rejects.toThrow(/Retry with runMode full_refresh/);
    const again = request({ complete: true, fromScratch: true });
    const beside = await warehouse.destination.prepareEntity(again);
    await load(warehouse, beside, again, [
      ["1", "new", "2026-01-02"],
      ["2", "without a cursor", null],
    ]);
    await finish(warehouse, beside, again);
    await replace(warehouse, [["3", "later", "2026-01-03"]], since("2026-01-02 12:00"));
    expect(await rowsOf(warehouse)).toEqual([
      { id: 1, note: "new" },
      { id: 2, note: "without a cursor" },
      { id: 3, note: "later" },
    ]);
  });

  test("that a failed full refresh of an older version has added is told by the plan that made the generation", async () => {
    const warehouse = await openWarehouse();
    const first = request({ columns: older, cursorField: null, complete: true });
    const target = await warehouse.destination.prepareEntity(first);
    await load(warehouse, target, first, [["1", "old"]], { columns: ["id", "note"] });
    await warehouse.query(
      "update _sluice.tables set filled_columns = null; alter table shop.orders add column updated_at timestamptz",
    );
    for (const ask of ["previewEntity", "prepareEntity"] as const) {
      await expect(warehouse.destination[ask](request())).rejects.toThrow(/no updated_at yet/);
    }
  });

  test("that the source had, dropped and has again is empty in the rows of the time between", async () => {
    const warehouse = await openWarehouse();
    await firstLoad(warehouse, present);
    const without = request({ columns: older, cursorField: null, complete: true, fromScratch: true });
    const { confirmation } = await warehouse.destination.previewEntity(without);
    const confirmed = { ...without, confirmedPlan: confirmation };
    const beside = await warehouse.destination.prepareEntity(confirmed);
    await load(warehouse, beside, confirmed, [["1", "between"]], { columns: ["id", "note"] });
    await finish(warehouse, beside, confirmed);
    await expect(warehouse.destination.prepareEntity(request())).rejects.toThrow(/no updated_at yet/);
  });
});
