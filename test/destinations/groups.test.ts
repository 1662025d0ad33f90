import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { DEFAULT_ENTITY_RULES, type Guards } from "../../core/entity-rules.ts";
import type {
  LoadableTable,
  LoadableTables,
  PrepareRequest,
  SliceRequest,
  SliceWriter,
} from "../../destinations/destination.ts";
import { hasFinish, type LoadTarget } from "../../destinations/load-target.ts";
import { claim, newChain, openWarehouse, prepareRequest, type Warehouse, whileKilled } from "./warehouse.ts";

const ORDERS = "orders";
const LINES = "lines";
const NOTES = "notes";

type Rows = (string | null)[][];

const LINE_COLUMNS = ["id", "order_id", "text", "order_updated_at"];

interface Group {
  requests: { orders: PrepareRequest; lines: PrepareRequest; notes: PrepareRequest };
  targets: { orders: LoadTarget; lines: LoadTarget; notes: LoadTarget };
  /** Without its parent, which is read and not stored. */
  isStored: boolean;
}

interface GroupOf {
  orders?: Partial<PrepareRequest>;
  lines?: Partial<PrepareRequest>;
  notes?: Partial<PrepareRequest>;
  isStored?: boolean;
}

/** A plan for orders, with the lines and notes that the same answers bring. */
async function prepareGroup({ destination }: Warehouse, of: GroupOf = {}): Promise<Group> {
  const plan = { chain: newChain(), planId: randomUUID() };
  const childColumns = [
    { name: "id", type: "integer", nullable: false },
    { name: "order_id", type: "integer", nullable: false },
    { name: "text", type: "text", nullable: true },
    { name: "order_updated_at", type: "timestamp with time zone", nullable: true },
  ];
  const child = (table: string, more: Partial<PrepareRequest> = {}) =>
    prepareRequest({ ...plan, entityKey: table, table, columns: childColumns, cursorField: null, ...more });
  const requests = {
    orders: prepareRequest({ ...plan, entityKey: ORDERS, ...of.orders }),
    lines: child(LINES, of.lines),
    notes: child(NOTES, of.notes),
  };
  return {
    requests,
    targets: {
      orders: await destination.prepareEntity(requests.orders),
      lines: await destination.prepareEntity(requests.lines),
      notes: await destination.prepareEntity(requests.notes),
    },
    isStored: of.isStored ?? true,
  };
}

const child = (entityKey: string, target: LoadTarget) => ({
  ...{ entityKey, target, maxRejectedRows: null },
  ...{ childOf: ORDERS, parentKeyCount: 1 },
});

function claimGroup(
  warehouse: Pick<Warehouse, "destination">,
  { requests, targets, isStored }: Group,
  slice: Partial<Omit<SliceRequest, "target">> = {},
): Promise<SliceWriter> {
  const children = [child(LINES, targets.lines), child(NOTES, targets.notes)];
  if (isStored) return claim(warehouse, targets.orders, requests.orders, { members: children, ...slice });
  const [first, ...others] = children;
  const own = { childOf: ORDERS, parentKeyCount: 1 };
  return claim(warehouse, targets.lines, requests.lines, { ...own, members: others, ...(first ? {} : {}), ...slice });
}

function batch(
  tables: { orders?: Rows; lines?: Rows; notes?: Rows; sets?: Rows; noteSets?: Rows; more?: Partial<LoadableTable> },
  final = true,
): LoadableTables {
  const sets = (rows: Rows | undefined) => (rows ? { sets: { columns: ["order_id", "order_updated_at"], rows } } : {});
  const all: LoadableTables["tables"] = {};
  if (tables.orders || tables.more) {
    all[ORDERS] = { columns: ["id", "note", "updated_at"], rows: tables.orders ?? [], ...tables.more };
  }
  if (tables.lines || tables.sets)
    all[LINES] = { columns: LINE_COLUMNS, rows: tables.lines ?? [], ...sets(tables.sets) };
  if (tables.notes || tables.noteSets) {
    all[NOTES] = { columns: LINE_COLUMNS, rows: tables.notes ?? [], ...sets(tables.noteSets) };
  }
  return { kind: "tables", tables: all, checkpoint: { at: randomUUID() }, final };
}

async function finishGroup(
  { destination }: Warehouse,
  { requests, targets, isStored }: Group,
  guards: Guards | null = null,
): Promise<void> {
  const { chain, planId } = requests.orders;
  const all = [
    ...(isStored ? [{ entityKey: ORDERS, target: targets.orders, guards }] : []),
    { entityKey: LINES, target: targets.lines, guards },
    { entityKey: NOTES, target: targets.notes, guards },
  ];
  const [first, ...members] = all;
  if (first === undefined || !all.some(({ target }) => hasFinish(target))) return;
  const signal = new AbortController().signal;
  await destination.finishEntity({ ...first, members, chain, planId, runId: randomUUID(), signal });
}

/** One run of the group. */
async function runGroup(
  warehouse: Warehouse,
  batches: Parameters<typeof batch>[0][],
  of: GroupOf = {},
): Promise<Group & { results: Awaited<ReturnType<SliceWriter["write"]>>[] }> {
  const group = await prepareGroup(warehouse, of);
  const writer = await claimGroup(warehouse, group);
  const results = [];
  for (const [index, tables] of batches.entries()) {
    results.push(await writer.write(batch(tables, index === batches.length - 1)));
  }
  await writer.close();
  await finishGroup(warehouse, group);
  return { ...group, results };
}

const rowsIn = async ({ query }: Warehouse, table: string, where = "true") =>
  (await query<{ id: number; text: string }>(`select id, text from shop.${table} where ${where} order by id`)).map(
    ({ id, text }) => `${id} ${text}`,
  );
const line = (id: number, order: number, text: string, at = "2026-01-01") => [String(id), String(order), text, at];
const order = (id: number, at = "2026-01-01") => [String(id), "order", at];

describe("a batch of several tables", () => {
  test("commits with one checkpoint, and counts for each table", async () => {
    const warehouse = await openWarehouse();
    const group = await prepareGroup(warehouse);
    const writer = await claimGroup(warehouse, group);
    const first = batch(
      { orders: [order(1), order(2)], lines: [line(1, 1, "a"), line(2, 1, "b"), line(3, 2, "c")] },
      false,
    );
    expect(await writer.write(first)).toEqual({
      ...{ rowsRead: 5, rowsWritten: 5, rowsRejected: 0, rowsDeleted: 0 },
      tables: {
        orders: { rowsRead: 2, rowsWritten: 2, rowsRejected: 0, rowsDeleted: 0 },
        lines: { rowsRead: 3, rowsWritten: 3, rowsRejected: 0, rowsDeleted: 0 },
      },
    });
    expect(writer).toMatchObject({ checkpoint: first.checkpoint, done: false });
    await writer.write(batch({ orders: [order(1)], notes: [line(1, 1, "n")] }));
    expect(await warehouse.destination.readLedger(group.requests.orders.planId)).toMatchObject([
      {
        ...{ entityKey: ORDERS, done: true, rowsRead: 7, rowsWritten: 6 },
        tables: {
          orders: { rowsRead: 3, rowsWritten: 2 },
          lines: { rowsRead: 3, rowsWritten: 3 },
          notes: { rowsRead: 1, rowsWritten: 1 },
        },
      },
    ]);
    expect(await rowsIn(warehouse, LINES)).toEqual(["1 a", "2 b", "3 c"]);
  });

  test("one bad row in one table is one reject: the others of all tables are loaded", async () => {
    const warehouse = await openWarehouse();
    const { requests, results } = await runGroup(warehouse, [
      {
        orders: [order(1), ["x", "bad", null]],
        lines: [line(1, 1, "a"), ["2", "1", "nul\0", null]],
        notes: [line(1, 1, "n")],
      },
      { orders: [["y", "bad", null]], lines: [["z", "1", "bad", null], line(4, 1, "d")] },
    ]);
    expect(results).toMatchObject([
      {
        rowsRejected: 2,
        tables: { orders: { rowsRejected: 1, rowsWritten: 1 }, lines: { rowsRejected: 1 }, notes: { rowsRejected: 0 } },
      },
      { rowsRejected: 2 },
    ]);
    const rejects = await warehouse.destination.readRejects({
      ...{ planId: requests.orders.planId, limit: 10, recordBytes: 1000 },
    });
    expect(rejects.map(({ entityKey, rowNo }) => [rowNo, entityKey])).toEqual([
      [2, ORDERS],
      [4, LINES],
      [6, ORDERS],
      [7, LINES],
    ]);
    expect(await rowsIn(warehouse, LINES)).toEqual(["1 a", "4 d"]);
  });

  test("the threshold is each table's own, and the batch that goes over it is not loaded", async () => {
    const warehouse = await openWarehouse();
    const group = await prepareGroup(warehouse);
    const { lines, notes } = group.targets;
    const members = [{ ...child(LINES, lines), maxRejectedRows: 1 }, child(NOTES, notes)];
    const writer = await claimGroup(warehouse, group, { members });
    await writer.write(
      batch(
        {
          orders: [
            ["x", "bad", null],
            ["y", "bad", null],
          ],
          lines: [["z", "1", "bad", null]],
        },
        false,
      ),
    );
    await expect(writer.write(batch({ orders: [order(1)], lines: [["z", "1", "bad", null]] }))).rejects.toMatchObject({
      reasonCode: "reject_threshold_exceeded",
      message: expect.stringContaining("2 rows of lines"),
    });
    await writer.close();
    expect(await warehouse.query("select from shop.orders")).toEqual([]);
    const rejects = await warehouse.destination.readRejects({
      ...{ planId: group.requests.orders.planId, limit: 10, recordBytes: 1000 },
    });
    expect(rejects.map(({ entityKey }) => entityKey)).toEqual([ORDERS, ORDERS, LINES, LINES]);
  });

  test("equal rows of two tables without a key are not taken for each other", async () => {
    const warehouse = await openWarehouse();
    const keyless = { loadMode: "append_event" as const, keyColumns: [] };
    const of = { lines: keyless, notes: keyless };
    const rows = [line(1, 1, "same")];
    for (let n = 0; n < 2; n++) await runGroup(warehouse, [{ lines: rows }, { notes: rows }], of);
    await runGroup(warehouse, [{ notes: rows }, { lines: rows }], of);
    expect([await rowsIn(warehouse, LINES), await rowsIn(warehouse, NOTES)]).toEqual([["1 same"], ["1 same"]]);
    expect(await warehouse.query("select from _sluice.appended")).toEqual([]);
  });

  test("a batch of rows alone is the first table's; COPY data is refused", async () => {
    const warehouse = await openWarehouse();
    const group = await prepareGroup(warehouse);
    const writer = await claimGroup(warehouse, group);
    const { columns, rows } = { columns: ["id", "note", "updated_at"], rows: [order(1)] };
    expect(await writer.write({ kind: "rows", columns, rows, checkpoint: null, final: true })).toMatchObject({
      tables: { orders: { rowsWritten: 1 } },
    });
    await expect(
      writer.write({ ...batch({ orders: [order(1)] }), tables: { strangers: { columns, rows } } }),
    ).rejects.toThrow("strangers");
  });

  test("whoever takes the slice over goes on from the batch that was committed, in all tables", async () => {
    const warehouse = await openWarehouse();
    const group = await prepareGroup(warehouse);
    const batches = 30;
    const work = async (): Promise<void> => {
      for (;;) {
        try {
          const writer = await claimGroup(warehouse, group);
          for (let n = Number(writer.checkpoint?.n ?? 0); n < batches; n++) {
            const rows = Array.from({ length: 50 }, (_, i) => line(n * 50 + i, n, "x"));
            await writer.write({
              ...batch({ orders: [order(n)], lines: rows, sets: [[String(n), "2026-01-01"]], notes: rows }),
              ...{ checkpoint: { n: n + 1 }, final: n + 1 === batches },
            });
          }
          return await writer.close();
        } catch (error) {
          if (!(error instanceof Error && /terminat|connection|closed|taken over/i.test(error.message))) throw error;
        }
      }
    };
    const { kills } = await whileKilled(warehouse, work);
    expect(kills).toBeGreaterThan(0);
    const [slice] = await warehouse.destination.readLedger(group.requests.orders.planId);
    expect(slice).toMatchObject({
      done: true,
      tables: {
        orders: { rowsWritten: batches },
        lines: { rowsWritten: 50 * batches },
        notes: { rowsWritten: 50 * batches },
      },
    });
    for (const [table, rows] of [
      [ORDERS, batches],
      [LINES, 50 * batches],
      [NOTES, 50 * batches],
    ] as const) {
      expect(await warehouse.query(`select count(*)::int as rows from shop.${table}`)).toEqual([{ rows }]);
    }
  });

  test("slices side by side that bring the same rows in another order come through", async () => {
    const warehouse = await openWarehouse();
    const first = await prepareGroup(warehouse);
    await (await claimGroup(warehouse, first)).write(batch({ orders: [order(0)], lines: [line(0, 0, "x")] }));
    const group = await prepareGroup(warehouse);
    const ids = Array.from({ length: 200 }, (_, i) => i + 1);
    const bring = async (sliceNo: number): Promise<void> => {
      const writer = await claimGroup(warehouse, group, { sliceNo });
      for (let n = 0; n < 6; n++) {
        const mixed = (sliceNo + n) % 2 === 0 ? ids : [...ids].reverse();
        const at = `2026-01-0${n + 1}`;
        await writer.write(
          batch(
            {
              ...{ orders: mixed.map((id) => order(id, at)), lines: mixed.map((id) => line(id, id, `${n}`, at)) },
              ...{ sets: mixed.map((id) => [String(id), at]), notes: mixed.map((id) => line(id, id, `${n}`, at)) },
            },
            n === 5,
          ),
        );
      }
    };
    await Promise.all([0, 1, 2, 3].map(bring));
    expect(await warehouse.query("select count(*)::int as rows from shop.lines where text = '5'")).toEqual([
      { rows: 200 },
    ]);
  });
});

describe("a set of children", () => {
  const FIRST = { orders: [order(1), order(2)], lines: [line(1, 1, "a"), line(2, 1, "b"), line(3, 2, "c")] };
  const SETS = {
    sets: [
      ["1", "2026-01-01"],
      ["2", "2026-01-01"],
    ],
  };
  /** Line 1 changes, line 2 goes, line 4 comes; order 2 has none any more. */
  const NEXT = {
    orders: [order(1, "2026-02-01"), order(2, "2026-02-01")],
    lines: [line(1, 1, "changed", "2026-02-01"), line(4, 1, "new", "2026-02-01")],
    sets: [
      ["1", "2026-02-01"],
      ["2", "2026-02-01"],
    ],
  };

  test.each([true, false])(
    "replaces the parent's earlier one, also by an empty one (parent stored: %s)",
    async (isStored) => {
      const warehouse = await openWarehouse();
      const without = ({ orders: _, ...tables }: Parameters<typeof batch>[0]) => tables;
      const given = (tables: Parameters<typeof batch>[0]) => (isStored ? tables : without(tables));
      await runGroup(warehouse, [given({ ...FIRST, ...SETS })], { isStored });
      const { requests } = await runGroup(warehouse, [given(NEXT)], { isStored });
      expect(await rowsIn(warehouse, LINES)).toEqual(["1 changed", "4 new"]);
      const planId = isStored ? requests.orders.planId : requests.lines.planId;
      expect(await warehouse.destination.readLedger(planId)).toMatchObject([{ tables: { lines: { rowsDeleted: 2 } } }]);
    },
  );

  test.each([true, false])("that is older than what is there changes nothing (parent stored: %s)", async (isStored) => {
    const warehouse = await openWarehouse();
    const without = ({ orders: _, ...tables }: Parameters<typeof batch>[0]) => tables;
    const given = (tables: Parameters<typeof batch>[0]) => (isStored ? tables : without(tables));
    await runGroup(warehouse, [given({ ...NEXT, ...(isStored ? {} : { sets: [["1", "2026-02-01"]] }) })], { isStored });
    await runGroup(
      warehouse,
      [given({ ...FIRST, ...(isStored ? SETS : { lines: FIRST.lines.slice(0, 2), sets: [["1", "2026-01-01"]] }) })],
      { isStored },
    );
    expect(await rowsIn(warehouse, LINES)).toEqual(["1 changed", "4 new"]);
  });

  test("read again, does what it did the first time: nothing", async () => {
    const warehouse = await openWarehouse();
    await runGroup(warehouse, [{ ...FIRST, ...SETS }]);
    const { results } = await runGroup(warehouse, [{ ...FIRST, ...SETS }]);
    expect(results).toMatchObject([{ rowsRead: 5, rowsWritten: 0, rowsDeleted: 0 }]);
  });

  test("a child that has moved to another parent stays, whichever set comes first", async () => {
    const warehouse = await openWarehouse();
    await runGroup(warehouse, [{ ...FIRST, ...SETS }]);
    const at = "2026-02-01";
    await runGroup(warehouse, [
      { orders: [order(2, at)], lines: [line(2, 2, "moved", at), line(3, 2, "c", at)], sets: [["2", at]] },
      { orders: [order(1, at)], lines: [line(1, 1, "a", at)], sets: [["1", at]] },
    ]);
    expect(await rowsIn(warehouse, LINES)).toEqual(["1 a", "2 moved", "3 c"]);
  });

  test.each([
    ["upsert", { onDelete: "mark" as const }, "_deleted_at is null", ["1 changed", "4 new"], 4],
    ["upsert_soft_delete", {}, "_deleted_at is null", ["1 changed", "4 new"], 4],
    ["append_event", {}, "_deleted_at is null", ["1 a", "4 new"], 4],
    ["scd2", {}, "_is_current", ["1 changed", "4 new"], 5],
  ] as const)(
    "what is no longer in it goes by the child's load mode: %s %o",
    async (loadMode, more, where, left, all) => {
      const warehouse = await openWarehouse();
      const lines = { loadMode, ...more };
      await runGroup(warehouse, [{ ...FIRST, ...SETS }], { lines });
      await runGroup(warehouse, [NEXT], { lines });
      expect(await rowsIn(warehouse, LINES, where)).toEqual(left);
      expect(await rowsIn(warehouse, LINES)).toHaveLength(all);
    },
  );

  test.each([true, false])("under replace, within what the scan loads beside (with a key: %s)", async (hasKey) => {
    const warehouse = await openWarehouse();
    const replace = { loadMode: "replace" as const, complete: true };
    const of = { orders: replace, lines: { ...replace, ...(hasKey ? {} : { keyColumns: [] }) }, notes: replace };
    await runGroup(warehouse, [{ ...FIRST, ...SETS }], of);
    await runGroup(warehouse, [{ ...FIRST, ...SETS }, NEXT], of);
    expect(await rowsIn(warehouse, LINES)).toEqual(["1 changed", "4 new"]);
  });

  test("the delete guard of the child counts what its sets let go", async () => {
    const warehouse = await openWarehouse();
    await runGroup(warehouse, [{ ...FIRST, ...SETS }]);
    const group = await prepareGroup(warehouse);
    const members = [
      { ...child(LINES, group.targets.lines), guards: { ...DEFAULT_ENTITY_RULES.guards, maxDeleteShare: 0.5 } },
      child(NOTES, group.targets.notes),
    ];
    const writer = await claimGroup(warehouse, group, { members });
    await expect(writer.write(batch(NEXT))).rejects.toMatchObject({
      reasonCode: "delete_guard_tripped",
      message: expect.stringContaining("2 of the 3 of lines"),
    });
    expect(await rowsIn(warehouse, LINES)).toEqual(["1 a", "2 b", "3 c"]);
    expect(await warehouse.query("select from shop.orders where updated_at > '2026-01-15'")).toEqual([]);
  });
});

describe("a group that is loaded beside", () => {
  const replace = { loadMode: "replace" as const, complete: true };
  const of = { orders: replace, lines: replace, notes: replace };
  const all = { orders: [order(1), order(2)], lines: [line(1, 1, "a")], notes: [line(1, 1, "n"), line(2, 1, "m")] };

  test("takes its places in one transaction", async () => {
    const warehouse = await openWarehouse();
    await runGroup(warehouse, [all], of);
    const group = await prepareGroup(warehouse, of);
    const writer = await claimGroup(warehouse, group);
    await writer.write(batch({ orders: [order(3)], lines: [line(9, 3, "z")], notes: [line(9, 3, "z")] }));
    await writer.close();
    expect(await rowsIn(warehouse, LINES)).toEqual(["1 a"]);
    await finishGroup(warehouse, group);
    expect([await rowsIn(warehouse, LINES), await rowsIn(warehouse, NOTES)]).toEqual([["9 z"], ["9 z"]]);
    const finished = await warehouse.query(
      "select count(distinct finished_at)::int as moments from _sluice.targets where plan_id = $1",
      [group.requests.orders.planId],
    );
    expect(finished).toEqual([{ moments: 1 }]);
    expect((await warehouse.destination.readFinished(group.requests.orders.planId)).sort()).toEqual([
      LINES,
      NOTES,
      ORDERS,
    ]);
    // Whoever comes again finds it done.
    await finishGroup(warehouse, group);
  });

  test("a guard of one table stops all of them", async () => {
    const warehouse = await openWarehouse();
    await runGroup(warehouse, [all], of);
    const group = await prepareGroup(warehouse, of);
    const writer = await claimGroup(warehouse, group);
    await writer.write(batch({ orders: [order(3)], lines: [line(9, 3, "z")] }));
    await writer.close();
    const guards = DEFAULT_ENTITY_RULES.guards;
    await expect(finishGroup(warehouse, group, guards)).rejects.toMatchObject({
      reasonCode: "unexpected_zero_rows",
      message: expect.stringContaining("shop.notes"),
    });
    expect(await rowsIn(warehouse, LINES)).toEqual(["1 a"]);
    expect(await warehouse.query("select from shop.orders")).toHaveLength(2);
    await finishGroup(warehouse, group);
    expect(await rowsIn(warehouse, NOTES)).toEqual([]);
  });

  test("two tables with versions are finished together", async () => {
    const warehouse = await openWarehouse();
    const scd2 = { loadMode: "scd2" as const };
    const versions = { orders: scd2, lines: scd2, notes: scd2 };
    await runGroup(warehouse, [all], versions);
    await runGroup(warehouse, [{ orders: [order(1, "2026-03-01")], lines: [line(1, 1, "b")] }], versions);
    expect(await rowsIn(warehouse, LINES, "_is_current")).toEqual(["1 b"]);
    expect(await rowsIn(warehouse, NOTES)).toEqual(["1 n", "2 m"]);
  });
});

describe("files", () => {
  const filesOf = { deploymentId: "deployment-1", syncId: randomUUID() };
  const mark = { versionToken: "v1", status: "loaded" as const, rows: 1, sizeBytes: 10 };

  test("are marked with the rows of their batch, or not at all", async () => {
    const warehouse = await openWarehouse();
    const request = prepareRequest();
    const target = await warehouse.destination.prepareEntity(request);
    const writer = await claim(warehouse, target, request, { filesOf });
    const rows = { columns: ["id", "note", "updated_at"], rows: [order(1)] };
    const tables = { [request.entityKey]: rows };
    const files = [
      { ...mark, fileId: "b", position: { line: 7 }, status: "loading" as const },
      { ...mark, fileId: "a", sizeBytes: null, error: "torn" },
    ];
    await writer.write({ kind: "tables", tables, files, checkpoint: { n: 1 }, final: false });
    const broken = { [request.entityKey]: { ...rows, columns: ["id", "no_such", "updated_at"] } };
    const next = { kind: "tables" as const, checkpoint: { n: 2 }, final: true };
    await expect(writer.write({ ...next, tables: broken, files: [{ ...mark, fileId: "c" }] })).rejects.toThrow();
    const all = { ...filesOf, entityKey: request.entityKey, limit: 10 };
    const known = await warehouse.destination.readFiles(all);
    expect(known).toMatchObject([
      { fileId: "a", versionToken: "v1", status: "loaded", sizeBytes: null, error: "torn", planId: request.planId },
      { fileId: "b", status: "loading", rows: 1, sizeBytes: 10, position: { line: 7 } },
    ]);
    await writer.write({ ...next, tables: {}, files: [{ ...mark, fileId: "b", versionToken: "v2" }] });
    expect(await warehouse.destination.readFiles({ ...all, fileIds: ["b", "x"] })).toMatchObject([
      { fileId: "b", versionToken: "v2", status: "loaded" },
    ]);
    expect(await warehouse.destination.readFiles({ ...all, after: "a", limit: 1 })).toMatchObject([{ fileId: "b" }]);
    expect(await warehouse.destination.readLedger(request.planId)).toMatchObject([{ done: true, rowsRead: 1 }]);
  });
});
