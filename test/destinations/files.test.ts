import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { DEFAULT_ENTITY_RULES } from "../../core/entity-rules.ts";
import type { FileMark, LoadableBatch, PrepareRequest, SliceRequest } from "../../destinations/destination.ts";
import { CopyConflictError } from "../../destinations/load/writer-errors.ts";
import { hasFinish, type LoadTarget } from "../../destinations/load-target.ts";
import { claim, finish, openWarehouse, prepareRequest, type Warehouse } from "./warehouse.ts";

const COLUMNS = [
  { name: "note", type: "text", nullable: true },
  { name: "_file_id", type: "text", nullable: false, provenance: true as const },
  { name: "_file_version", type: "text", nullable: false, provenance: true as const },
  { name: "_row_number", type: "bigint", nullable: false, provenance: true as const },
];
const NAMES = COLUMNS.map(({ name }) => name);
const IDENTITY = ["_file_id", "_file_version"];

type Kind = "rows" | "copy" | "tables";

/** A file as it is at the source, or, without rows, gone from there. `part`: more of it comes. */
interface Read {
  id: string;
  version?: string;
  notes?: string[];
  part?: true;
}

interface RunOf extends Partial<PrepareRequest> {
  kind?: Kind;
  slice?: Partial<Omit<SliceRequest, "target">>;
}

function filesRequest(of: Partial<PrepareRequest> = {}): PrepareRequest {
  return prepareRequest({
    ...{ columns: COLUMNS, keyColumns: ["_file_id", "_row_number"], cursorField: null },
    ...{ files: { generation: null }, entityKey: "files" },
    ...of,
  });
}

const markOf = ({ id, version, notes = [], part }: Read): FileMark => ({
  ...{ fileId: id, versionToken: version ?? "", rows: notes.length, sizeBytes: 1 },
  status: version === undefined ? "gone" : part ? "loading" : "loaded",
});

function batchOf(reads: Read[], kind: Kind, final: boolean): LoadableBatch {
  const rows = reads.flatMap(({ id, version = "", notes = [] }) =>
    notes.map((note, index) => [note, id, version, String(index + 1)]),
  );
  const whole = reads.filter(({ part }) => !part).map(({ id, version = null }) => [id, version]);
  const stale = whole.length === 0 ? {} : { stale: { columns: IDENTITY, rows: whole } };
  const end = { files: reads.map(markOf), checkpoint: { at: randomUUID() }, final };
  if (kind === "tables") return { kind, tables: { files: { columns: NAMES, rows, ...stale } }, ...end };
  if (kind === "rows") return { kind, columns: NAMES, rows, ...stale, ...end };
  const stream = Readable.from([Buffer.from(rows.map((row) => `${row.join("\t")}\n`).join(""))]);
  return { kind, format: "text", columns: NAMES, stream, ...stale, ...end };
}

const filesOf = (request: PrepareRequest) => ({ deploymentId: request.deploymentId, syncId: request.syncId });

/** What a slice of a plan reads, batch after batch; a batch that meets a key comes again. */
async function read(
  warehouse: Warehouse,
  { target, request }: { target: LoadTarget; request: PrepareRequest },
  batches: Read[][],
  { kind = "rows", slice = {} }: RunOf = {},
) {
  const writer = await claim(warehouse, target, request, { filesOf: filesOf(request), ...slice });
  const results = [];
  for (const [index, reads] of batches.entries()) {
    const write = () => writer.write(batchOf(reads, kind, index === batches.length - 1));
    const again = (error: unknown) => {
      if (!(error instanceof CopyConflictError)) throw error;
      return write();
    };
    results.push(await write().catch(again));
  }
  await writer.close();
  return results;
}

/** One run. */
async function run(warehouse: Warehouse, batches: Read[][], of: RunOf = {}) {
  const { kind, slice, ...more } = of;
  const request = filesRequest(more);
  const target = await warehouse.destination.prepareEntity(request);
  const results = await read(warehouse, { target, request }, batches, of);
  if (hasFinish(target)) await finish(warehouse, target, request);
  const [ledger] = await warehouse.destination.readLedger(request.planId);
  return { request, target, results, ledger, generation: target.files?.generation ?? "" };
}

const notesIn = async ({ query }: Warehouse, where = "true") =>
  (
    await query<{ text: string }>(
      `select _file_id || ' ' || _file_version || ' ' || note as text from shop.orders where ${where} order by _file_id, _row_number, _file_version`,
    )
  ).map(({ text }) => text);

const marksOf = async ({ destination }: Warehouse, request: PrepareRequest, generation: string) =>
  (await destination.readFiles({ ...filesOf(request), entityKey: "files", generation, limit: 100 })).map(
    ({ fileId, versionToken, status }) => `${fileId} ${versionToken} ${status}`,
  );

const isKnown = (
  { destination }: Warehouse,
  { deploymentId, syncId, schema, table }: PrepareRequest,
  generation: string,
) => destination.hasFileGeneration({ deploymentId, syncId, schema, table, entityKey: "files", generation });

const BEFORE: Read[][] = [
  [
    { id: "a", version: "1", notes: ["x", "y", "z"] },
    { id: "b", version: "1", notes: ["p", "q"] },
    { id: "c", version: "1", notes: ["s"] },
  ],
];
/** a is shorter now, b is gone, c as it was, d is new. */
const AFTER: Read[][] = [
  [{ id: "a", version: "2", notes: ["x", "w"] }, { id: "b" }],
  [{ id: "d", version: "1", notes: ["n"] }],
];
const NOW = ["a 2 x", "a 2 w", "c 1 s", "d 1 n"];

describe("rows of another version of a file, and of a file that is gone", () => {
  test.each(["rows", "copy", "tables"] as const)("leave an upsert table with a batch of %s", async (kind) => {
    const warehouse = await openWarehouse();
    const first = await run(warehouse, BEFORE, { kind });
    expect(first.target.kind).toBe("first_load");
    expect(first.ledger).toMatchObject({ rowsRead: 6, rowsWritten: 6, rowsDeleted: 0 });
    const second = await run(warehouse, AFTER, { kind, files: { generation: first.generation } });
    expect(await notesIn(warehouse)).toEqual(NOW);
    // z of a, p and q of b.
    expect(second.results[0]).toMatchObject({ rowsRead: 2, rowsWritten: 5, rowsDeleted: 3 });
    expect(second.ledger).toMatchObject({ done: true, rowsRead: 3, rowsWritten: 6, rowsDeleted: 3 });
    expect(second.generation).toBe(first.generation);
    expect(await marksOf(warehouse, second.request, first.generation)).toEqual([
      ...["a 2 loaded", "b  gone", "c 1 loaded", "d 1 loaded"],
    ]);
  });

  test.each([
    ["upsert", { onDelete: "mark" as const }],
    ["upsert_soft_delete", {}],
  ] as const)("get a mark (%s %o)", async (loadMode, more) => {
    const warehouse = await openWarehouse();
    const mode = { loadMode, ...more };
    const { generation } = await run(warehouse, BEFORE, mode);
    const { ledger } = await run(warehouse, AFTER, { ...mode, files: { generation } });
    expect(await notesIn(warehouse, "_deleted_at is null")).toEqual(NOW);
    expect(await notesIn(warehouse, "_deleted_at is not null")).toEqual(["a 1 z", "b 1 p", "b 1 q"]);
    expect(ledger).toMatchObject({ rowsDeleted: 3 });
  });

  test.each(["rows", "copy", "tables"] as const)("end as versions under scd2 (batch of %s)", async (kind) => {
    const warehouse = await openWarehouse();
    const mode = { loadMode: "scd2" as const, kind };
    const { generation } = await run(warehouse, BEFORE, { ...mode, complete: true });
    // a changes once more while it is read.
    const torn: Read[][] = [[{ id: "a", version: "1.5", notes: ["x", "w", "v", "u"], part: true }], ...AFTER];
    const { ledger } = await run(warehouse, torn, { ...mode, files: { generation } });
    // x is as it was: another version of its file begins no version of it.
    expect(await notesIn(warehouse, "_is_current")).toEqual(["a 1 x", ...NOW.slice(1)]);
    expect(await notesIn(warehouse, "not _is_current")).toEqual(["a 1 y", "a 1 z", "b 1 p", "b 1 q"]);
    expect(ledger).toMatchObject({ rowsDeleted: 3 });

    const third: Read[][] = [[{ id: "a", version: "3", notes: ["x", "w", "k"] }]];
    const again = await run(warehouse, third, { ...mode, files: { generation } });
    expect(await notesIn(warehouse, "_is_current")).toEqual(["a 1 x", "a 2 w", "a 3 k", ...NOW.slice(2)]);
    expect(again.ledger).toMatchObject({ rowsWritten: 1, rowsDeleted: 0 });
    await run(warehouse, [[{ id: "a" }]], { ...mode, files: { generation } });
    expect(await notesIn(warehouse, "_is_current")).toEqual(NOW.slice(2));
  });

  test("begin no version under a key of the user's own either, where another file has the same row", async () => {
    const warehouse = await openWarehouse();
    const mode = { loadMode: "scd2" as const, keyColumns: ["note"] };
    const { generation } = await run(warehouse, BEFORE, { ...mode, complete: true });
    const dump: Read[][] = [[{ id: "z", version: "1", notes: ["q", "p", "new"], part: true }]];
    await run(warehouse, dump, { ...mode, files: { generation } });
    expect(await notesIn(warehouse, "_is_current")).toEqual([
      ...["a 1 x", "a 1 y", "a 1 z", "b 1 p", "b 1 q", "c 1 s", "z 1 new"],
    ]);
    expect(await notesIn(warehouse, "not _is_current")).toEqual([]);
  });

  test("stay as events under append_event", async () => {
    const warehouse = await openWarehouse();
    const mode = { loadMode: "append_event" as const, keyColumns: ["_file_id", "_file_version", "_row_number"] };
    const { generation } = await run(warehouse, BEFORE, mode);
    const { ledger } = await run(warehouse, AFTER, { ...mode, files: { generation } });
    expect(await notesIn(warehouse)).toEqual([
      "a 1 x",
      "a 2 x",
      "a 1 y",
      "a 2 w",
      "a 1 z",
      "b 1 p",
      "b 1 q",
      "c 1 s",
      "d 1 n",
    ]);
    expect(ledger).toMatchObject({ rowsDeleted: 0, rowsWritten: 3 });
  });

  test.each([
    ["first_load", {}],
    ["first_load", { keyComesLast: true }],
    ["beside", { loadMode: "replace" as const, complete: true }],
    ["beside", { loadMode: "replace" as const, complete: true, keyColumns: [] }],
    ["beside", { loadMode: "upsert" as const, complete: true, fromScratch: true, keyComesLast: true }],
    ["snapshot", { loadMode: "append_snapshot" as const, complete: true }],
  ] as const)("leave what a plan loads anew, where a file changes while it is read (%s %o)", async (kind, more) => {
    const warehouse = await openWarehouse();
    const mode = { ...more, keyColumns: "keyColumns" in more ? [] : ["_file_id", "_row_number"] };
    if (kind === "beside") await run(warehouse, BEFORE, mode);
    const torn: Read[][] = [
      [{ id: "c", version: "1", notes: ["s"] }],
      [{ id: "a", version: "1", notes: ["x", "y", "z"], part: true }],
      [{ id: "a", version: "2", notes: ["x"], part: true }],
      [{ id: "a", version: "3", notes: ["x", "w"] }],
      [{ id: "e", version: "1", notes: ["lost"], part: true }],
      [{ id: "e" }, { id: "d", version: "1", notes: ["n"] }],
    ];
    const { target } = await run(warehouse, torn, { ...mode, kind: "copy" });
    expect(target.kind).toBe(kind);
    expect(await notesIn(warehouse)).toEqual(["a 3 x", "a 3 w", "c 1 s", "d 1 n"]);
  });

  test("a merge by cursor could lose rows to them, and is refused with a way out", async () => {
    const warehouse = await openWarehouse();
    await expect(run(warehouse, BEFORE, { cursorField: "note" })).rejects.toMatchObject({
      reasonCode: "config_invalid",
      fix: expect.stringContaining("cursorField"),
    });
  });
});

describe("the delete guard", () => {
  const guards = { ...DEFAULT_ENTITY_RULES.guards, maxDeleteShare: 0.4 };

  test("counts rows of files that are gone, and not those of files that were replaced", async () => {
    const warehouse = await openWarehouse();
    const { generation } = await run(warehouse, BEFORE);
    const files = { generation };
    // Three of six rows give way, two are gone.
    const emptied: Read[][] = [[{ id: "a", version: "2", notes: [] }], [{ id: "b" }]];
    await run(warehouse, emptied, { files, slice: { guards } });
    expect(await notesIn(warehouse)).toEqual(["c 1 s"]);
    await expect(run(warehouse, [[{ id: "c" }]], { files, slice: { guards } })).rejects.toMatchObject({
      reasonCode: "delete_guard_tripped",
      message: expect.stringContaining("1 of the 1"),
    });
    const { target, request } = await run(warehouse, [[{ id: "c" }]], { files, slice: { guards: null } });
    expect([target.kind, await notesIn(warehouse)]).toEqual(["in_place", []]);
    expect(await marksOf(warehouse, request, generation)).toEqual(["a 2 loaded", "b  gone", "c  gone"]);
  });

  test("counts the table once for a plan, whatever comes later", async () => {
    const warehouse = await openWarehouse();
    const { generation } = await run(warehouse, BEFORE);
    const request = filesRequest({ files: { generation } });
    const target = await warehouse.destination.prepareEntity(request);
    const gone: Read[][] = [[{ id: "d", version: "1", notes: ["n", "m"] }], [{ id: "b" }]];
    await read(warehouse, { target, request }, gone, { slice: { guards } });
    const counted = () =>
      warehouse.query("select rows_before::int as rows from _sluice.targets where plan_id = $1", [request.planId]);
    expect(await counted()).toEqual([{ rows: 6 }]);
    // A later count would find more, and let it pass.
    await warehouse.query(
      "insert into shop.orders (_file_id, _file_version, _row_number, _sluice_run_id) select 'own', '1', n, $1 from generate_series(1, 20) n",
      [randomUUID()],
    );
    const more = read(warehouse, { target, request }, [[{ id: "c" }]], { slice: { guards, sliceNo: 1 } });
    await expect(more).rejects.toMatchObject({ message: expect.stringContaining("3 of the 6") });
  });
});

describe("a generation of the manifest", () => {
  test("is about the table that has the rows, and of no use for another one", async () => {
    const warehouse = await openWarehouse();
    const { request, generation } = await run(warehouse, BEFORE);
    expect(generation).toBe(request.planId);
    expect(await isKnown(warehouse, request, generation)).toBe(true);
    expect(await isKnown(warehouse, request, "set by somebody")).toBe(false);
    expect(await isKnown(warehouse, { ...request, table: "elsewhere" }, generation)).toBe(false);
    await warehouse.query("drop table shop.orders");
    const late = filesRequest({ files: { generation } });
    await expect(warehouse.destination.prepareEntity(late)).rejects.toMatchObject({
      ...{ reasonCode: "destination_schema_conflict", fix: expect.stringContaining("full_refresh") },
    });
    // A plan that makes the table anew and dies: the table is there, the rows of the generation are nowhere.
    const torn: Read[][] = [[{ id: "a", version: "1", notes: ["x"], part: true }]];
    const remade = await run(warehouse, torn, { complete: true, fromScratch: true, files: { generation } });
    expect(remade.target.kind).toBe("first_load");
    expect(await isKnown(warehouse, request, generation)).toBe(false);
    // What goes on from it after all is planned again.
    const overtaken = filesRequest({ files: { generation } });
    await expect(warehouse.destination.prepareEntity(overtaken)).rejects.toMatchObject({
      reasonCode: "destination_lock_conflict",
    });
  });

  test("that is loaded beside says nothing of the table before it is swapped in, and all before that", async () => {
    const warehouse = await openWarehouse();
    const { request, generation } = await run(warehouse, BEFORE);
    const anew = filesRequest({ complete: true, fromScratch: true, files: { generation } });
    const target = await warehouse.destination.prepareEntity(anew);
    expect(target).toMatchObject({ kind: "beside", files: { generation: anew.planId } });
    await read(warehouse, { target, request: anew }, [[{ id: "a", version: "2", notes: ["w"] }]]);
    expect(await isKnown(warehouse, request, anew.planId)).toBe(false);
    expect(await isKnown(warehouse, request, generation)).toBe(true);
    expect(await marksOf(warehouse, request, generation)).toEqual(["a 1 loaded", "b 1 loaded", "c 1 loaded"]);
    await finish(warehouse, target, anew);
    expect(await isKnown(warehouse, request, generation)).toBe(false);
    expect(await isKnown(warehouse, request, anew.planId)).toBe(true);
  });

  test("gets the marks of rows that wait for the finish with the finish", async () => {
    const warehouse = await openWarehouse();
    const mode = { loadMode: "scd2" as const };
    const { request, generation } = await run(warehouse, BEFORE, { ...mode, complete: true });
    const before = await marksOf(warehouse, request, generation);
    const next = filesRequest({ ...mode, files: { generation } });
    const target = await warehouse.destination.prepareEntity(next);
    expect(target.files).toEqual({ generation, waiting: next.planId });
    await read(warehouse, { target, request: next }, AFTER);
    expect(await marksOf(warehouse, request, generation)).toEqual(before);
    await finish(warehouse, target, next);
    expect(await marksOf(warehouse, request, generation)).toEqual([
      ...["a 2 loaded", "b  gone", "c 1 loaded", "d 1 loaded"],
    ]);
    expect(await warehouse.query("select generation from _sluice.file_generations")).toEqual([{ generation }]);
  });

  test("goes when a plan is made and nobody names it any more", async () => {
    const warehouse = await openWarehouse();
    const first = await run(warehouse, BEFORE);
    const second = await run(warehouse, BEFORE, { resync: true, files: { generation: first.generation } });
    const kept = async () =>
      (await warehouse.query<{ generation: string }>("select distinct generation from _sluice.files")).map(
        ({ generation }) => generation,
      );
    // The cursor state names the first until the second is complete.
    expect((await kept()).sort()).toEqual([first.generation, second.generation].sort());
    const third = await run(warehouse, [], { files: { generation: second.generation } });
    expect(third.generation).toBe(second.generation);
    expect(await kept()).toEqual([second.generation]);
    // An attempt that is over drops nothing.
    await warehouse.destination.fence({ rootRunId: second.request.chain.rootRunId, minAttempt: 2 });
    const late = { ...second.request, files: { generation: null } };
    await expect(warehouse.destination.prepareEntity(late)).rejects.toThrow();
    expect(await kept()).toEqual([second.generation]);
  });
});
