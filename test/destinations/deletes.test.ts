import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { DEFAULT_ENTITY_RULES } from "../../core/entity-rules.ts";
import type { LoadableTable, LoadableTables, PrepareRequest, SliceRequest } from "../../destinations/destination.ts";
import { hasFinish } from "../../destinations/load-target.ts";
import { claim, finish, load, openWarehouse, prepareRequest, type Warehouse } from "./warehouse.ts";

const KEY = "public.orders";
const COLUMNS = ["id", "note", "updated_at"];

interface Change {
  rows?: (string | null)[][];
  /** Key and cursor. */
  deletes?: (string | null)[][];
}

function changesBatch({ rows = [], deletes }: Change, final = true): LoadableTables {
  const table: LoadableTable = {
    columns: COLUMNS,
    rows,
    ...(deletes ? { deletes: { columns: ["id", "updated_at"], rows: deletes } } : {}),
  };
  return { kind: "tables", tables: { [KEY]: table }, checkpoint: { at: randomUUID() }, final };
}

/** One run that brings these batches, finish included. */
async function run(
  warehouse: Warehouse,
  changes: Change[],
  of: Partial<PrepareRequest> = {},
  slice: Partial<Omit<SliceRequest, "target">> = {},
) {
  const request = prepareRequest(of);
  const target = await warehouse.destination.prepareEntity(request);
  const writer = await claim(warehouse, target, request, slice);
  const results = [];
  for (const [index, change] of changes.entries()) {
    results.push(await writer.write(changesBatch(change, index === changes.length - 1)));
  }
  await writer.close();
  if (hasFinish(target)) await finish(warehouse, target, request);
  const [ledger] = await warehouse.destination.readLedger(request.planId);
  return { request, target, results, ledger };
}

/** Rows 1 to 3, each of its own day. */
async function loadedTable(of: Partial<PrepareRequest> = {}): Promise<Warehouse> {
  const warehouse = await openWarehouse();
  const request = prepareRequest(of);
  const target = await warehouse.destination.prepareEntity(request);
  await load(warehouse, target, request, [
    ["1", "a", "2026-01-01"],
    ["2", "b", "2026-01-02"],
    ["3", "c", "2026-01-03"],
  ]);
  if (hasFinish(target)) await finish(warehouse, target, request);
  return warehouse;
}

const idsIn = async (warehouse: Warehouse, where = "true") =>
  (await warehouse.query<{ id: number }>(`select id from shop.orders where ${where} order by id`)).map(({ id }) => id);

describe("a row that the source has deleted", () => {
  test("leaves an upsert table, and is counted", async () => {
    const warehouse = await loadedTable();
    const { results, ledger } = await run(warehouse, [
      {
        rows: [["4", "d", "2026-02-01"]],
        deletes: [
          ["2", "2026-02-01"],
          ["99", null],
        ],
      },
    ]);
    expect(await idsIn(warehouse)).toEqual([1, 3, 4]);
    expect(results[0]).toMatchObject({ rowsRead: 1, rowsWritten: 2, rowsDeleted: 1 });
    expect(ledger).toMatchObject({ done: true, rowsRead: 1, rowsWritten: 2, rowsDeleted: 1, tables: null });
  });

  test("stays in an upsert table with a mark where the binding says so, until it is there again", async () => {
    const warehouse = await loadedTable({ onDelete: "mark" });
    await run(warehouse, [{ deletes: [["2", null]] }], { onDelete: "mark" });
    expect(await idsIn(warehouse, "_deleted_at is not null")).toEqual([2]);
    const again = await run(warehouse, [{ deletes: [["2", null]] }], { onDelete: "mark" });
    expect(again.ledger).toMatchObject({ rowsDeleted: 0 });
    await run(warehouse, [{ rows: [["2", "b", "2026-01-02"]] }], { onDelete: "mark" });
    expect(await idsIn(warehouse, "_deleted_at is null")).toEqual([1, 2, 3]);
  });

  test("a table that began without marks gets them when the binding asks for it", async () => {
    const warehouse = await loadedTable();
    await run(warehouse, [{ deletes: [["2", null]] }], { onDelete: "mark" });
    expect(await idsIn(warehouse, "_deleted_at is not null")).toEqual([2]);
  });

  test("a source with a column of that name cannot be marked, and the error says what to do", async () => {
    const warehouse = await openWarehouse();
    const { columns } = prepareRequest();
    const own = { name: "_deleted_at", type: "text", nullable: true };
    const request = prepareRequest({ onDelete: "mark", columns: [...columns, own] });
    await expect(warehouse.destination.prepareEntity(request)).rejects.toMatchObject({
      reasonCode: "destination_schema_conflict",
      fix: expect.stringContaining("onDelete"),
    });
  });

  test("keeps its last values under upsert_soft_delete", async () => {
    const mode = { loadMode: "upsert_soft_delete" as const };
    const warehouse = await loadedTable({ ...mode, complete: true });
    const { ledger } = await run(warehouse, [{ deletes: [["2", null]] }], mode);
    expect(await warehouse.query("select note from shop.orders where _deleted_at is not null")).toEqual([
      { note: "b" },
    ]);
    expect(ledger).toMatchObject({ rowsDeleted: 1 });
  });

  test("has changed since: the older deletion does nothing", async () => {
    const warehouse = await loadedTable();
    const { ledger } = await run(warehouse, [{ deletes: [["3", "2026-01-02"]] }]);
    expect(await idsIn(warehouse)).toEqual([1, 2, 3]);
    expect(ledger).toMatchObject({ rowsDeleted: 0 });
  });

  test("its version is closed under scd2 when the cursor says, and begins again with the row", async () => {
    const mode = { loadMode: "scd2" as const };
    const warehouse = await loadedTable({ ...mode, complete: true });
    const { ledger } = await run(warehouse, [{ deletes: [["2", "2026-02-01"]] }], mode);
    expect(await idsIn(warehouse, "_is_current")).toEqual([1, 3]);
    expect(
      await warehouse.query(`select _valid_to = '2026-02-01' as "atThatTime" from shop.orders where id = 2`),
    ).toEqual([{ atThatTime: true }]);
    expect(ledger).toMatchObject({ rowsWritten: 1, rowsDeleted: 1 });
    // In one run: deleted, and made again after that.
    await run(
      warehouse,
      [
        { deletes: [["3", "2026-03-01"]] },
        {
          rows: [
            ["3", "again", "2026-03-02"],
            ["2", "b", "2026-03-02"],
          ],
        },
      ],
      mode,
    );
    expect(await warehouse.query("select id, note from shop.orders where _is_current order by id")).toEqual([
      { id: 1, note: "a" },
      { id: 2, note: "b" },
      { id: 3, note: "again" },
    ]);
    expect(await idsIn(warehouse, "id = 2 and not _is_current")).toEqual([2]);
  });

  test("scd2: a row and its deletion in one run leave no version", async () => {
    const mode = { loadMode: "scd2" as const };
    const warehouse = await loadedTable({ ...mode, complete: true });
    await run(warehouse, [{ rows: [["9", "z", "2026-02-01"]] }, { deletes: [["9", "2026-02-02"]] }], mode);
    expect(await idsIn(warehouse)).toEqual([1, 2, 3]);
  });

  test("is an event of its own under append_event, with the key and nothing else", async () => {
    const mode = { loadMode: "append_event" as const, keyColumns: [] };
    const warehouse = await loadedTable(mode);
    const deletes = [["2", "2026-02-01"]];
    const first = await run(warehouse, [{ deletes }], mode);
    // Told again, as by a next run that begins where this one ended.
    const second = await run(warehouse, [{ deletes }], mode);
    expect(
      await warehouse.query(
        "select note, updated_at = '2026-02-01' as at from shop.orders where _deleted_at is not null",
      ),
    ).toEqual([{ note: null, at: true }]);
    expect(await idsIn(warehouse)).toEqual([1, 2, 2, 3]);
    expect([first.ledger, second.ledger]).toMatchObject([{ rowsDeleted: 1 }, { rowsDeleted: 0 }]);
  });

  test("append_event with a key of its own: the row that has the key gets the mark, one that was never read becomes a row", async () => {
    const mode = { loadMode: "append_event" as const };
    const warehouse = await loadedTable(mode);
    await run(
      warehouse,
      [
        {
          deletes: [
            ["2", null],
            ["7", null],
          ],
        },
      ],
      mode,
    );
    expect(await warehouse.query("select id, note from shop.orders where _deleted_at is not null order by id")).toEqual(
      [
        { id: 2, note: "b" },
        { id: 7, note: null },
      ],
    );
  });

  test.each(["replace", "append_snapshot"] as const)("leaves what a complete scan loads (%s)", async (loadMode) => {
    const mode = { loadMode, complete: true };
    const warehouse = await loadedTable(mode);
    const batches = [
      {
        rows: [
          ["1", "a", "2026-01-01"],
          ["2", "b", "2026-01-02"],
        ],
      },
      { rows: [["5", "e", "2026-01-05"]], deletes: [["2", null]] },
    ];
    const { ledger } = await run(warehouse, batches, mode);
    const newest = loadMode === "replace" ? "true" : "_snapshot_at = (select max(_snapshot_at) from shop.orders)";
    expect(await idsIn(warehouse, newest)).toEqual([1, 5]);
    expect(ledger).toMatchObject({ rowsDeleted: 1 });
  });

  test("goes with its window under delete_insert: single deletions are refused, with a way out", async () => {
    const mode = { loadMode: "delete_insert" as const };
    const warehouse = await loadedTable({ ...mode, complete: true });
    await expect(run(warehouse, [{ deletes: [["2", null]] }], mode)).rejects.toMatchObject({
      reasonCode: "config_invalid",
      fix: expect.stringContaining("upsert"),
    });
    expect(await idsIn(warehouse)).toEqual([1, 2, 3]);
  });

  test("during a first load, whose key comes last", async () => {
    const warehouse = await openWarehouse();
    const { ledger } = await run(
      warehouse,
      [
        {
          rows: [
            ["1", "a", null],
            ["2", "b", null],
          ],
        },
        { deletes: [["1", null]] },
        { rows: [["3", "c", null]] },
      ],
      { keyComesLast: true },
    );
    expect(await idsIn(warehouse)).toEqual([2, 3]);
    expect(ledger).toMatchObject({ done: true, rowsDeleted: 1 });
  });

  test("a key that the table's type does not take is told as a reject, and the others go", async () => {
    const warehouse = await loadedTable();
    const { request, ledger } = await run(warehouse, [
      {
        rows: [
          ["x", "bad", null],
          ["5", "e", null],
        ],
        deletes: [
          ["y", null],
          ["2", null],
          [null, null],
        ],
      },
    ]);
    expect(await idsIn(warehouse)).toEqual([1, 3, 5]);
    expect(ledger).toMatchObject({ rowsRead: 3, rowsRejected: 2, rowsDeleted: 1 });
    const rejects = await warehouse.destination.readRejects({ planId: request.planId, limit: 10, recordBytes: 1000 });
    expect(rejects.map(({ rowNo, column }) => [rowNo, column])).toEqual([
      [1, "id"],
      [3, "id"],
    ]);
  });
});

describe("the delete guard", () => {
  const guards = { ...DEFAULT_ENTITY_RULES.guards, maxDeleteShare: 0.4 };
  const changes = [{ deletes: [["1", null]] }, { rows: [["4", "d", null]], deletes: [["2", null]] }];

  test.each([
    ["upsert", {}],
    ["upsert", { onDelete: "mark" as const }],
    ["scd2", {}],
    ["append_event", {}],
  ] as const)("adds up what a plan deletes, and stops the batch that goes too far (%s %o)", async (loadMode, more) => {
    const mode = { loadMode, ...more };
    const warehouse = await loadedTable({ ...mode, complete: loadMode === "scd2" });
    const request = prepareRequest(mode);
    const target = await warehouse.destination.prepareEntity(request);
    const slice = { runId: randomUUID(), guards };
    const writer = await claim(warehouse, target, request, slice);
    await writer.write(changesBatch(changes[0] ?? {}, false));
    await expect(writer.write(changesBatch(changes[1] ?? {}))).rejects.toMatchObject({
      reasonCode: "delete_guard_tripped",
      message: expect.stringContaining("2 of the 3"),
    });
    await writer.close();
    const [before] = await warehouse.destination.readLedger(request.planId);
    expect(before).toMatchObject({ done: false, rowsDeleted: 1 });
    // Lifted, the plan goes on from there.
    const lifted = await claim(warehouse, target, request, { ...slice, guards: null });
    await lifted.write(changesBatch(changes[1] ?? {}));
    const [after] = await warehouse.destination.readLedger(request.planId);
    expect(after).toMatchObject({ done: true, rowsDeleted: 2 });
  });

  test("of what is loaded beside the present rows, the finish compares the two", async () => {
    const mode = { loadMode: "replace" as const, complete: true };
    const warehouse = await loadedTable(mode);
    const batches = [
      {
        rows: [
          ["1", "a", null],
          ["2", "b", null],
          ["3", "c", null],
          ["4", "d", null],
        ],
      },
      {
        deletes: [
          ["1", null],
          ["2", null],
          ["4", null],
        ],
      },
    ];
    const { ledger } = await run(warehouse, batches, mode, { guards });
    expect(ledger).toMatchObject({ done: true, rowsDeleted: 3 });
  });
});

describe("a complete scan in place of a feed that has expired", () => {
  const scan = [
    {
      rows: [
        ["1", "a", "2026-01-01"],
        ["3", "older", "2025-01-01"],
      ],
    },
    { rows: [["4", "d", "2026-02-01"]] },
  ];
  const resync = { resync: true, complete: true };

  test("upsert: keeps the data meanwhile, and removes in the end what it has not seen", async () => {
    const warehouse = await loadedTable();
    const request = prepareRequest(resync);
    const target = await warehouse.destination.prepareEntity(request);
    expect(target.kind).toBe("scan_in_place");
    const writer = await claim(warehouse, target, request);
    for (const [index, change] of scan.entries()) await writer.write(changesBatch(change, index === 1));
    expect(await idsIn(warehouse)).toEqual([1, 2, 3, 4]);
    await finish(warehouse, target, request);
    expect(await warehouse.query("select id, note from shop.orders order by id")).toEqual([
      { id: 1, note: "a" },
      { id: 3, note: "older" },
      { id: 4, note: "d" },
    ]);
    expect(await warehouse.destination.readLedger(request.planId)).toMatchObject([{ rowsDeleted: 1 }]);
  });

  test("upsert that marks", async () => {
    const warehouse = await loadedTable({ onDelete: "mark" });
    const { ledger } = await run(warehouse, scan, { ...resync, onDelete: "mark" });
    expect(await idsIn(warehouse, "_deleted_at is not null")).toEqual([2]);
    expect(ledger).toMatchObject({ rowsDeleted: 1 });
  });

  test("append_event adds an event for what it has not seen", async () => {
    const mode = { loadMode: "append_event" as const, keyColumns: ["id", "updated_at"] };
    const warehouse = await loadedTable(mode);
    await run(
      warehouse,
      [
        {
          rows: [
            ["1", "a", "2026-01-01"],
            ["3", "c", "2026-01-03"],
          ],
        },
      ],
      { ...mode, ...resync },
    );
    expect(await idsIn(warehouse, "_deleted_at is not null")).toEqual([2]);
  });

  test("scd2 closes the versions of what it has not seen", async () => {
    const mode = { loadMode: "scd2" as const };
    const warehouse = await loadedTable({ ...mode, complete: true });
    const { ledger } = await run(warehouse, scan, { ...mode, resync: true });
    expect(await idsIn(warehouse, "_is_current")).toEqual([1, 3, 4]);
    expect(ledger).toMatchObject({ rowsDeleted: 1 });
  });

  test("is stopped by the delete guard", async () => {
    const warehouse = await loadedTable();
    const request = prepareRequest(resync);
    const target = await warehouse.destination.prepareEntity(request);
    await load(warehouse, target, request, [["1", "a", "2026-01-01"]]);
    const guards = { ...DEFAULT_ENTITY_RULES.guards, maxDeleteShare: 0.5 };
    await expect(finish(warehouse, target, request, guards)).rejects.toMatchObject({
      reasonCode: "delete_guard_tripped",
    });
    expect(await idsIn(warehouse)).toEqual([1, 2, 3]);
  });
});
