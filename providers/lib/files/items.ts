import { TransientError } from "../../../core/errors.ts";
import type { FileMark, RejectedRecord } from "../../batch.ts";
import type { FileAccess } from "./file-bytes.ts";
import type { CopyBuffers } from "./formats/copy-buffer.ts";
import type { CsvMemory } from "./formats/csv-memory.ts";
import { FileFault, type Portion, type RowReader, rejectOf } from "./formats/portion.ts";
import { openReader } from "./open-reader.ts";
import { type Position, startOf } from "./parts.ts";
import { createPrefetch, type FoundFile, findNow, MOST_CHANGES } from "./prefetch.ts";
import type { RefusedFiles } from "./refused-files.ts";
import type { CompiledResource } from "./resource.ts";
import type { FileSpec } from "./shape.ts";
import { FileChangedError, FileGoneError, FileRefusedError, type ListedFile } from "./store.ts";

/** What the reading of files gives, in order. */
export type Item =
  | { kind: "portion"; portion: Portion; file: ListedFile; position: Position }
  /** A file is done. `version`: rows of its other versions go; null: all of its rows. */
  | { kind: "end"; mark: FileMark; version?: string | null; reject?: RejectedRecord; position: Position }
  /** What follows may have keys that were given before. */
  | { kind: "cut" };

export interface ReadingContext extends FileAccess {
  resource: CompiledResource;
  columns: readonly string[];
  spec: FileSpec;
  files: readonly ListedFile[];
  buffers: CopyBuffers;
  memory: CsvMemory;
  /** Is told of files that the store does not give. */
  refused: RefusedFiles;
  /** All rows are COPY text. */
  asText: boolean;
  /** Of one portion, at most: as many as a batch may have. */
  portionRows: number;
}

/** A file that breaks off before so much of it is read leaves no row behind. */
const HELD_BACK_BYTES = 8 * 1024 * 1024;
/** Of a file in which no record is a row: it is something else. */
const MOST_BAD_RECORDS = 100;

export async function* readItems(context: ReadingContext, start: Position): AsyncGenerator<Item, void, undefined> {
  const prefetch = createPrefetch(context, context.resource, context.files);
  try {
    for (let index = start.file; index < context.files.length; index += 1) {
      const listed = context.files[index];
      if (listed === undefined) return;
      const turn = { index, listed, found: await prefetch.get(index), start };
      for await (const item of isInMemory(turn) ? readInMemory(context, turn) : readFile(context, turn)) {
        // What is in memory would be given to its end otherwise.
        context.signal.throwIfAborted();
        yield item;
      }
    }
  } finally {
    prefetch.close();
  }
}

interface Turn {
  index: number;
  listed: ListedFile;
  found: FoundFile;
  start: Position;
}

type TurnInMemory = Turn & { found: Extract<FoundFile, { kind: "file" }> };

function isInMemory(turn: Turn): turn is TurnInMemory {
  return turn.found.kind === "file" && turn.found.openBytes.memory !== undefined;
}

/** No other version can come meanwhile. */
function readInMemory(
  context: ReadingContext,
  { index, found, start }: TurnInMemory,
): AsyncGenerator<Item, void, undefined> {
  return readVersion(context, found, isBegunIn(start, index, found.file) ? start : startOf(index));
}

function isBegunIn(start: Position, index: number, { versionToken }: ListedFile): boolean {
  return start.file === index && start.versionToken === versionToken;
}

async function* readFile(context: ReadingContext, turn: Turn): AsyncGenerator<Item, void, undefined> {
  const { index, listed, start } = turn;
  let { found } = turn;
  for (let changes = 0; ; changes += 1) {
    if (found.kind !== "file") {
      yield endOf(context, listed, found, index);
      return;
    }
    const { file } = found;
    const isBegun = changes === 0 && isBegunIn(start, index, file);
    try {
      yield* readVersion(context, found, isBegun ? start : startOf(index));
      return;
    } catch (error) {
      if (error instanceof FileRefusedError) {
        found = { kind: "refused", file, error };
        continue;
      }
      if (!(error instanceof FileChangedError || error instanceof FileGoneError)) throw error;
      if (changes === MOST_CHANGES) {
        throw new TransientError(
          "source_unavailable",
          `${context.place}: the file ${file.path} has changed ${changes + 1} times while it was read.`,
          { cause: error },
        );
      }
      yield { kind: "cut" };
      found = await findNow(context, context.resource, file);
    }
  }
}

function endOf(
  context: ReadingContext,
  listed: ListedFile,
  found: Exclude<FoundFile, { kind: "file" }>,
  index: number,
): Item {
  if (found.kind === "refused") return refusedEnd(context, found, index);
  const { resource, spec } = context;
  const position = startOf(index + 1);
  const { fileId, versionToken, sizeBytes } = found.kind === "gone" ? listed : found.file;
  const mark = { fileId, versionToken, rows: 0, sizeBytes };
  if (found.kind === "ignored")
    return { kind: "end", mark: { ...mark, status: "ignored", error: found.why }, position };
  const removes = spec.replacesFiles && resource.config.onGone === "remove";
  return { kind: "end", mark: { ...mark, status: "gone" }, ...(removes ? { version: null } : {}), position };
}

/**
 * What an earlier version of it has loaded stays. Its mark names a version, and still is none that was loaded: each plan has the file again. A
 * run that lacks it is not as it should be, so it is a record that cannot be loaded.
 */
function refusedEnd(
  { refused, place }: ReadingContext,
  { file, error }: Extract<FoundFile, { kind: "refused" }>,
  index: number,
): Item {
  refused.note(file, error);
  const { fileId, versionToken, sizeBytes } = file;
  const reason = `the file is not given by the source: ${error.message} It is tried again in each run`;
  return {
    kind: "end",
    mark: { fileId, versionToken, sizeBytes, status: "ignored", rows: 0, error: error.what },
    reject: rejectOf(file.path, { row: 0, offset: 0 }, { column: null, reason, record: place }),
    position: startOf(index + 1),
  };
}

async function* readVersion(
  context: ReadingContext,
  { file, openBytes }: Extract<FoundFile, { kind: "file" }>,
  start: Position,
): AsyncGenerator<Item, void, undefined> {
  const { resource, columns, spec, buffers, asText, memory } = context;
  const { fileId, versionToken, sizeBytes } = file;
  const mark = { fileId, versionToken, sizeBytes };
  let { rows } = start;
  let held: Extract<Item, { kind: "portion" }>[] | null = [];
  let heldBytes = 0;
  const bad = { records: 0, first: null as RejectedRecord | null };
  let reader: RowReader | null = null;
  try {
    reader = await openReader({ resource, columns, spec, file, openBytes, buffers, asText, memory, after: start });
    for (;;) {
      const portion = await reader.next(context.portionRows);
      if (portion === null) break;
      rows += portion.rows;
      bad.records += portion.rejects.length;
      bad.first ??= portion.rejects[0] ?? null;
      requireSomeRows(bad, rows, portion);
      const { rowNumber, offset } = portion;
      const position: Position = { file: start.file, versionToken, rowNumber, rows, offset };
      const item = { kind: "portion", portion, file, position } as const;
      if (held === null) yield item;
      else {
        held.push(item);
        heldBytes += portion.lines.length;
        if (heldBytes < HELD_BACK_BYTES) continue;
        for (const each of held) yield each;
        held = null;
      }
    }
  } catch (error) {
    if (!(error instanceof FileFault)) throw error;
    yield failed(context, { file, mark, fault: error, rows: held === null ? rows : start.rows, index: start.file });
    return;
  } finally {
    await reader?.close();
  }
  for (const each of held ?? []) yield each;
  yield {
    kind: "end",
    mark: { ...mark, status: "loaded", rows },
    ...(spec.replacesFiles ? { version: versionToken } : {}),
    position: startOf(start.file + 1),
  };
}

/** @throws FileFault where it looks as if none of the file's records were a row */
function requireSomeRows(
  { records, first }: { records: number; first: RejectedRecord | null },
  rows: number,
  portion: Portion,
): void {
  if (rows > 0 || records < MOST_BAD_RECORDS) return;
  throw new FileFault(`has no row among its first ${records} records; of the first, ${first?.reason ?? ""}`, {
    row: 1,
    offset: portion.offset ?? 0,
  });
}

/** What is loaded of the file stays, in this version and in earlier ones. */
function failed(
  { place }: ReadingContext,
  of: { file: ListedFile; mark: Omit<FileMark, "status" | "rows">; fault: FileFault; rows: number; index: number },
): Item {
  const { file, mark, fault, rows, index } = of;
  const where = `record ${fault.place.row}, byte ${fault.place.offset.toLocaleString("en-US")}`;
  const reason = `the file ${fault.message} (${where}). It is read again when it changes`;
  return {
    kind: "end",
    mark: {
      ...mark,
      status: "failed",
      rows,
      position: { ...fault.place },
      error: `${file.path} ${fault.message} (${where})`,
    },
    reject: rejectOf(file.path, fault.place, { column: null, reason, record: place }),
    position: startOf(index + 1),
  };
}
