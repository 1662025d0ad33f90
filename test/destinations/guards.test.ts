import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { DEFAULT_ENTITY_RULES, type Guards } from "../../core/entity-rules.ts";
import type { LoadMode } from "../../core/vocabulary.ts";
import type { PrepareRequest } from "../../destinations/destination.ts";
import { hasFinish, type LoadTarget } from "../../destinations/load-target.ts";
import { finish, load, openWarehouse, prepareRequest, type Warehouse } from "./warehouse.ts";

const guarded = (guards: Partial<Guards>): Guards => ({ ...DEFAULT_ENTITY_RULES.guards, ...guards });
const rowsOf = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => [String(from + i), "row", "2026-01-01"]);

interface Scanned {
  warehouse: Warehouse;
  request: PrepareRequest;
  target: LoadTarget;
  /** What a reader sees as present: how many rows. */
  shown(): Promise<number>;
}

const CURRENT: Partial<Record<LoadMode, string>> = {
  scd2: "where _valid_to is null",
  upsert_soft_delete: "where _deleted_at is null",
};

/** A table with rows 1 to `present` before which a complete scan has found `found`, unless it has found nothing. */
async function scanned(
  present: number,
  found: [from: number, to: number] | null,
  changes: Partial<PrepareRequest> = {},
): Promise<Scanned> {
  const warehouse = await openWarehouse();
  const mode: Partial<PrepareRequest> = { loadMode: "replace", complete: true, ...changes };
  const first = prepareRequest(mode);
  const table = await warehouse.destination.prepareEntity(first);
  await load(warehouse, table, first, rowsOf(1, present));
  if (hasFinish(table)) await finish(warehouse, table, first);
  const request = prepareRequest(mode);
  const target = await warehouse.destination.prepareEntity(request);
  await load(warehouse, target, request, found === null ? [] : rowsOf(...found));
  const current = mode.loadMode ? (CURRENT[mode.loadMode] ?? "") : "";
  const shown = async () => (await warehouse.query(`select from shop.orders ${current}`)).length;
  return { warehouse, request, target, shown };
}

type Case = [string, number, [number, number] | null, Partial<Guards>, string | null];

const CASES: Case[] = [
  ["finds nothing", 10, null, {}, "unexpected_zero_rows"],
  ["takes more than it may", 10, [4, 10], { maxDeleteShare: 0.2 }, "delete_guard_tripped"],
  ["takes as much as it may", 10, [3, 10], { maxDeleteShare: 0.2 }, null],
];
const MORE_CASES: Case[] = [
  ["finds nothing, and nothing guards against it", 10, null, { zeroRows: false }, null],
  ["finds nothing for a table that has nothing", 0, null, { maxDeleteShare: 0, minRowsFactor: 1 }, null],
  ["finds less than it must", 10, [1, 4], { minRowsFactor: 0.5 }, "delete_guard_tripped"],
  ["finds as much as it must", 10, [1, 5], { minRowsFactor: 0.5 }, null],
  ["finds more than it may", 10, [1, 21], { maxRowsFactor: 2 }, "delete_guard_tripped"],
  ["finds as much as it may", 10, [1, 20], { maxRowsFactor: 2 }, null],
];
const KEYLESS: Partial<PrepareRequest> = { keyColumns: [] };
const VERSIONS: Partial<PrepareRequest> = { loadMode: "scd2" };
const MARKS: Partial<PrepareRequest> = { loadMode: "upsert_soft_delete" };

describe.each([
  ["a swap", {}, [...CASES, ...MORE_CASES]],
  ["a swap without a key", KEYLESS, CASES],
  ["a complete scan of versions", VERSIONS, CASES],
  ["a complete scan that marks what is gone", MARKS, CASES],
])("%s", (_, mode, cases) => {
  test.each(cases)("that %s", async (__, present, found, guards, reasonCode) => {
    const { warehouse, request, target, shown } = await scanned(present, found, mode);
    const finishing = finish(warehouse, target, request, guarded(guards));
    if (reasonCode === null) await finishing;
    else {
      await expect(finishing).rejects.toMatchObject({ reasonCode, message: expect.stringMatching(/liftGuards/) });
      expect(await shown()).toBe(present);
      await finish(warehouse, target, request);
    }
    expect(await shown()).toBe(found === null ? 0 : found[1] - found[0] + 1);
  });

  test("that gives up rows while others come is told by its keys, where it has some", async () => {
    const { warehouse, request, target } = await scanned(10, [6, 15], mode);
    const finishing = finish(warehouse, target, request, guarded({ maxDeleteShare: 0.4 }));
    if (mode === KEYLESS) await finishing;
    else await expect(finishing).rejects.toMatchObject({ message: expect.stringContaining("5 of its 10") });
  });
});

test("a swap that changes the key is told by numbers", async () => {
  const { warehouse, request } = await scanned(10, [6, 15]);
  const rekeyed = { ...request, planId: randomUUID(), keyColumns: ["id", "note"] };
  const { confirmation } = await warehouse.destination.previewEntity(rekeyed);
  const target = await warehouse.destination.prepareEntity({ ...rekeyed, confirmedPlan: confirmation });
  await load(warehouse, target, rekeyed, rowsOf(6, 15));
  await finish(warehouse, target, rekeyed, guarded({ maxDeleteShare: 0.4 }));
});

test("a scan in place that has added more than it may marks nothing", async () => {
  const { warehouse, request, target, shown } = await scanned(10, [2, 22], MARKS);
  const finishing = finish(warehouse, target, request, guarded({ maxRowsFactor: 2 }));
  await expect(finishing).rejects.toMatchObject({ message: expect.stringContaining("gave 21 where it has 10") });
  expect(await shown()).toBe(22);
});

test("rows that were all rejected are none: the table keeps its own", async () => {
  const warehouse = await openWarehouse();
  const first = prepareRequest({ loadMode: "replace", complete: true });
  await load(warehouse, await warehouse.destination.prepareEntity(first), first, rowsOf(1, 3));
  const request = prepareRequest({ loadMode: "replace", complete: true });
  const target = await warehouse.destination.prepareEntity(request);
  await load(warehouse, target, request, [["no number", "row", "2026-01-01"]]);
  await expect(finish(warehouse, target, request, guarded({}))).rejects.toMatchObject({
    reasonCode: "unexpected_zero_rows",
  });
});

describe("rows that only lost a value", () => {
  const columns = [
    { name: "id", type: "integer", nullable: false },
    { name: "note", type: "text", nullable: true },
    { name: "amount", type: "integer", nullable: true },
  ];
  const asText = columns.map((column) => (column.name === "amount" ? { ...column, type: "text" } : column));
  const policy = { schemaPolicy: { tables: "evolve", columns: "evolve", types: "discard_value" } } as const;

  test.each([
    ["are rows that were found", "1", null],
    ["are told from rows that were rejected", null, "unexpected_zero_rows"],
  ])("%s", async (_, key, reasonCode) => {
    const warehouse = await openWarehouse();
    const mode: Partial<PrepareRequest> = { loadMode: "replace", complete: true, cursorField: null };
    const first = prepareRequest({ ...mode, columns });
    const options = { columns: ["id", "note", "amount"] };
    await load(warehouse, await warehouse.destination.prepareEntity(first), first, [["1", "a", "1"]], options);
    const request = prepareRequest({ ...mode, ...policy, columns: asText });
    const target = await warehouse.destination.prepareEntity(request);
    const counts = await load(warehouse, target, request, [[key, "b", "many"]], options);
    expect(counts).toMatchObject({ rowsRead: 1, rowsRejected: 1 });
    const finishing = finish(warehouse, target, request, guarded({}));
    if (reasonCode === null) await finishing;
    else await expect(finishing).rejects.toMatchObject({ reasonCode });
    expect(await warehouse.query("select note, amount from shop.orders")).toEqual([
      reasonCode === null ? { note: "b", amount: null } : { note: "a", amount: 1 },
    ]);
  });
});
