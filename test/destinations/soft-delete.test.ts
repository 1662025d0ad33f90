import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { PrepareRequest } from "../../destinations/destination.ts";
import { hasFinish, type LoadTarget } from "../../destinations/load-target.ts";
import { claim, claimRequest, load, openWarehouse, prepareRequest, rowsBatch, type Warehouse } from "./warehouse.ts";

type Rows = (string | null)[][];

function scan(overrides: Partial<PrepareRequest> = {}): PrepareRequest {
  return prepareRequest({ loadMode: "upsert_soft_delete", complete: true, ...overrides });
}

function finish({ destination }: Pick<Warehouse, "destination">, request: PrepareRequest, target: LoadTarget) {
  const { chain, planId, entityKey } = request;
  const signal = new AbortController().signal;
  return destination.finishEntity({ target, chain, planId, entityKey, runId: randomUUID(), signal });
}

/** A run: everything that the source has, then the finish if there is one. */
async function run(warehouse: Warehouse, rows: Rows, overrides: Partial<PrepareRequest> = {}): Promise<PrepareRequest> {
  const request = scan(overrides);
  const target = await warehouse.destination.prepareEntity(request);
  await load(warehouse, target, request, rows, { columns: request.columns.map(({ name }) => name) });
  if (hasFinish(target)) await finish(warehouse, request, target);
  return request;
}

const shown = (warehouse: Warehouse) =>
  warehouse.query("select id, note, _deleted_at is not null as deleted from shop.orders order by id");
const workTables = async (warehouse: Warehouse) =>
  (
    await warehouse.query(
      "select from pg_class where relnamespace = '_sluice'::regnamespace and relname ~ '^w\\d' and relkind = 'r'",
    )
  ).length;

const both: Rows = [
  ["1", "a", "2026-01-01"],
  ["2", "b", "2026-01-01"],
];

describe("a row that is gone from the source", () => {
  test("keeps its values and is marked, once, and the ledger counts it; the first load is straight and marks nothing", async () => {
    const warehouse = await openWarehouse();
    const first = scan();
    expect(await warehouse.destination.prepareEntity(first)).toMatchObject({ kind: "first_load", straight: true });
    await run(warehouse, both);
    const gone = await run(warehouse, both.slice(0, 1));
    const marked = [
      { id: 1, note: "a", deleted: false },
      { id: 2, note: "b", deleted: true },
    ];
    expect(await shown(warehouse)).toEqual(marked);
    expect(await warehouse.destination.readLedger(gone.planId)).toMatchObject([
      { rowsRead: 1, rowsWritten: 1, finish: { attempt: 1, rowsWritten: 1 } },
    ]);
    const [before] = await warehouse.query("select _deleted_at from shop.orders where id = 2");
    const still = await run(warehouse, both.slice(0, 1));
    expect(await warehouse.query("select _deleted_at from shop.orders where id = 2")).toEqual([before]);
    expect(await warehouse.destination.readLedger(still.planId)).toMatchObject([{ rowsWritten: 0 }]);
    expect(await workTables(warehouse)).toBe(0);
  });

  test.each([
    ["unchanged", "b", "2026-01-01"],
    ["changed", "c", "2026-01-02"],
    ["older than it was", "c", "2025-01-01"],
    ["without a cursor", "c", null],
  ])("loses its mark when it comes back, %s", async (_how, note, updatedAt) => {
    const warehouse = await openWarehouse();
    await run(warehouse, both);
    await run(warehouse, both.slice(0, 1));
    const back = await run(warehouse, [...both.slice(0, 1), ["2", note, updatedAt]]);
    expect(await shown(warehouse)).toEqual([
      { id: 1, note: "a", deleted: false },
      { id: 2, note, deleted: false },
    ]);
    expect(await warehouse.destination.readLedger(back.planId)).toMatchObject([{ rowsWritten: 1 }]);
  });

  test("is told from those that are there by all of its key: of several columns, or text, or nothing but key", async () => {
    const warehouse = await openWarehouse();
    const columns = ["area", "code"].map((name) => ({ name, type: "text", nullable: false }));
    const keys = { columns, keyColumns: ["area", "code"], cursorField: null };
    await run(
      warehouse,
      [
        ["ä", "1"],
        ["a", "1"],
        ["a", "2"],
        ["A", "1"],
      ],
      keys,
    );
    await run(
      warehouse,
      [
        ["ä", "1"],
        ["a", "2"],
      ],
      keys,
    );
    await run(
      warehouse,
      [
        ["A", "1"],
        ["ä", "1"],
        ["a", "2"],
      ],
      keys,
    );
    expect(await warehouse.query(`select area, code from shop.orders where _deleted_at is not null`)).toEqual([
      { area: "a", code: "1" },
    ]);
    expect(await warehouse.query("select count(*)::int as n from shop.orders")).toEqual([{ n: 4 }]);
  });
});

describe("the finish", () => {
  test("marks what no slice has seen, whatever sessions died on the way, and once when it is repeated", async () => {
    const warehouse = await openWarehouse();
    await run(warehouse, [...both, ["3", "c", "2026-01-01"], ["4", "d", "2026-01-01"]]);
    const request = scan();
    const target = await warehouse.destination.prepareEntity(request);
    const killed = await claim(warehouse, target, request);
    await killed.write(rowsBatch([["1", "a", "2026-01-01"]]));
    await warehouse.query(
      `select pg_terminate_backend(backend_pid) from _sluice.slices where plan_id = '${request.planId}'`,
    );
    await expect(killed.write(rowsBatch([["2", "b", "2026-01-01"]]))).rejects.toThrow();
    const successor = await claim(warehouse, target, request);
    expect(successor.checkpoint).toEqual({ rows: 1 });
    await successor.write(rowsBatch([["3", "c", "2026-01-01"]], { final: true }));
    await load(warehouse, target, request, [["2", "b", "2026-01-01"]], { sliceNo: 1 });
    await Promise.all([
      finish(warehouse, request, target),
      finish({ destination: warehouse.reopen() }, request, target),
    ]);
    await finish(warehouse, request, target);
    expect(await warehouse.query("select id from shop.orders where _deleted_at is not null")).toEqual([{ id: 4 }]);
    expect(await warehouse.destination.readFinished(request.planId)).toEqual([request.entityKey]);
  });

  test("marks nothing while a row was rejected, for it may be that one", async () => {
    const warehouse = await openWarehouse();
    await run(warehouse, both);
    await run(warehouse, [
      ["1", "a", "2026-01-01"],
      ["2", "b", "no time"],
    ]);
    expect(await shown(warehouse)).toMatchObject([{ deleted: false }, { deleted: false }]);
  });

  test("of an older plan, or of an attempt that is over, marks nothing", async () => {
    const warehouse = await openWarehouse();
    await run(warehouse, both);
    const request = scan();
    const target = await warehouse.destination.prepareEntity(request);
    await load(warehouse, target, request, []);
    await warehouse.destination.prepareEntity(scan());
    await expect(finish(warehouse, request, target)).rejects.toMatchObject({ name: "SupersededError" });
    await warehouse.destination.fence({ rootRunId: request.chain.rootRunId, minAttempt: 2 });
    await expect(finish(warehouse, request, target)).rejects.toMatchObject({ name: "SupersededError" });
    expect(await shown(warehouse)).toMatchObject([{ deleted: false }, { deleted: false }]);
  });

  test("has nothing left to do of a plan that is superseded: what that had seen goes with it", async () => {
    const warehouse = await openWarehouse();
    await run(warehouse, both);
    const request = scan();
    const target = await warehouse.destination.prepareEntity(request);
    await load(warehouse, target, request, both);
    const { chain } = request;
    const newer = scan({ chain });
    const next = await warehouse.destination.prepareEntity(newer);
    await warehouse.destination.dropSuperseded({ rootRunId: chain.rootRunId, keepPlanId: newer.planId });
    expect(await workTables(warehouse)).toBe(1);
    await expect(finish(warehouse, request, target)).rejects.toMatchObject({
      reasonCode: "destination_schema_conflict",
    });
    await load(warehouse, next, newer, both.slice(1));
    await finish(warehouse, newer, next);
    expect(await shown(warehouse)).toMatchObject([{ deleted: true }, { deleted: false }]);
    await warehouse.destination.forgetChains({ rootRunIds: [chain.rootRunId], keepFences: [] });
    expect(await workTables(warehouse)).toBe(0);
  });
});

describe("a change of load mode", () => {
  test("from upsert gives the table its marks; back to it, a row that comes again loses its own", async () => {
    const warehouse = await openWarehouse();
    const upsert = { loadMode: "upsert", complete: false } as const;
    await run(warehouse, both, upsert);
    await run(warehouse, both.slice(0, 1));
    expect(await shown(warehouse)).toMatchObject([{ deleted: false }, { deleted: true }]);
    await run(warehouse, both.slice(0, 1), upsert);
    expect(await shown(warehouse)).toMatchObject([{ deleted: false }, { deleted: true }]);
    await run(warehouse, [["2", "again", "2026-01-02"]], upsert);
    expect(await shown(warehouse)).toMatchObject([{ deleted: false }, { note: "again", deleted: false }]);
  });

  test("leaves a column _deleted_at of the source's alone, and refuses one where the mode needs its own", async () => {
    const warehouse = await openWarehouse();
    const columns = [
      ...prepareRequest().columns,
      { name: "_deleted_at", type: "timestamp with time zone", nullable: true },
    ];
    const upsert = { loadMode: "upsert", complete: false, columns } as const;
    await run(warehouse, [["1", "a", "2026-01-01", "2026-01-01"]], upsert);
    await run(warehouse, [["1", "a", "2026-01-01", "2026-01-01"]], upsert);
    expect(await shown(warehouse)).toMatchObject([{ deleted: true }]);
    await expect(warehouse.destination.prepareEntity(scan({ columns }))).rejects.toThrow(
      "adds a column _deleted_at of its own",
    );
  });

  test("by full refresh gives up what is marked only when that is confirmed", async () => {
    const warehouse = await openWarehouse();
    await run(warehouse, both);
    await run(warehouse, both.slice(0, 1));
    await expect(warehouse.destination.prepareEntity(scan({ fromScratch: true }))).rejects.toThrow("_deleted_at");
  });
});

test("a scan that reads side by side keeps the newest state of a row, but takes what the source says over what was there", async () => {
  const warehouse = await openWarehouse();
  await run(warehouse, [
    ["1", "later", "2026-03-01"],
    ["2", "b", "2026-03-01"],
  ]);
  const request = scan();
  const target = await warehouse.destination.prepareEntity(request);
  const runId = randomUUID();
  const write = async (sliceNo: number, rows: Rows) => {
    const writer = await warehouse.destination.claimSlice(claimRequest(target, request, { sliceNo, runId }));
    await writer.write(rowsBatch(rows, { final: true }));
    await writer.close();
  };
  await write(0, [
    ["1", "set back", "2026-01-01"],
    ["2", "newest", "2026-04-01"],
  ]);
  await write(1, [["2", "older", "2026-03-15"]]);
  expect(await warehouse.query("select note from shop.orders order by id")).toEqual([
    { note: "set back" },
    { note: "newest" },
  ]);
});

describe("a row that the schema policy discards", () => {
  test("is not taken for one that is gone, nor is any other while it may be it", async () => {
    const warehouse = await openWarehouse();
    const columns = [...scan().columns, { name: "extra", type: "text", nullable: true }];
    const schemaPolicy = { tables: "evolve", columns: "discard_row", types: "evolve" } as const;
    await run(warehouse, [...both, ["3", "c", "2026-01-01"]]);
    const withExtra = (extra: string | null): Rows => both.map((row, index) => [...row, index === 1 ? extra : null]);
    await run(warehouse, withExtra("new"), { columns, schemaPolicy });
    expect((await shown(warehouse)).map(({ deleted }) => deleted)).toEqual([false, false, false]);
    await run(warehouse, withExtra(null), { columns, schemaPolicy });
    expect((await shown(warehouse)).map(({ deleted }) => deleted)).toEqual([false, false, true]);
  });
});
