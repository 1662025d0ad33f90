import { Readable } from "node:stream";
import { cellsOf, type Line, NULL_CELL, unescapeCell } from "../../../core/copy-text.ts";
import type { Cells, RowList } from "../../../core/row-list.ts";
import type { Batch, CopyBatch, FileMark, RejectedRecord, RowsBatch } from "../../batch.ts";
import { BINARY_HEADER, BINARY_TRAILER } from "./formats/binary-rows.ts";
import type { CopyBuffers } from "./formats/copy-buffer.ts";
import { joinSmall } from "./formats/join-small.ts";
import type { Item } from "./items.ts";
import { type Position, startOf } from "./parts.ts";

/** A batch ends at the first of the two. */
export interface BatchLimits {
  rows: number;
  bytes: number;
}

/** What a batch says of files. It grows while the rows are read, and is complete at the end of the stream. */
interface Said {
  files: FileMark[];
  staleRows: Cells[];
  checkpoint: Position;
}

/** Of a batch that has rejects, whose rows are in memory. */
const MOST_BYTES_WITH_REJECTS = 4 * 1024 * 1024;
const MOST_FILES = 10_000;

type PortionItem = Extract<Item, { kind: "portion" }>;

export interface BatchOptions {
  columns: string[];
  limits: BatchLimits;
  buffers: CopyBuffers;
  /** The columns that name a file and its version, where rows of the file's other versions go with it; else null. */
  staleBy: string[] | null;
}

/**
 * Rows as COPY data, in streams, as long as no record is at fault. What comes with rejects becomes a batch of rows, which can hold them.
 * @param source its portions have no more rows than a batch
 */
export async function* batchesOf(
  source: AsyncGenerator<Item, void, undefined>,
  { columns, limits, buffers, staleBy }: BatchOptions,
): AsyncGenerator<Batch, void, undefined> {
  const items = peekable(source);
  for (let item = await items.peek(); item !== null; item = await items.peek()) {
    if (item.kind === "cut") items.drop();
    else if (item.kind === "portion" && item.portion.rejects.length === 0) {
      const batch = streamBatch(item.portion.format);
      yield batch;
      // Whoever read it has been told, and asks for the next one all the same.
      if (batch.stream.errored !== null) throw batch.stream.errored;
      if (!batch.stream.readableEnded) throw new Error("A batch has to be read to its end before the next one.");
    } else yield await collectBatch();
  }

  function streamBatch(format: CopyBatch["format"]): CopyBatch {
    const said = newSaid();
    const lines = joinSmall(takeLines(said, format), buffers);
    const stream = Readable.from(format === "binary" ? framed(lines) : lines, { objectMode: false });
    return { kind: "copy", format, columns, stream, recycle: buffers.recycle, ...told(said) };
  }

  function told({ files, staleRows, checkpoint }: Said) {
    const stale = staleBy && { stale: { columns: staleBy, rows: staleRows } };
    return { files, checkpoint, final: false, ...stale };
  }

  async function* takeLines(said: Said, format: CopyBatch["format"]): AsyncGenerator<Buffer, void, undefined> {
    let [rows, bytes] = [0, 0];
    let begun: PortionItem | null = null;
    for (let item = await items.peek(); item !== null && item.kind !== "cut"; item = await items.peek()) {
      if (item.kind === "end") {
        // A stream has no place for a reject.
        if (item.reject !== undefined || said.files.length >= MOST_FILES) break;
        items.drop();
        begun = null;
        tell(said, item);
        continue;
      }
      const { portion } = item;
      const isFull = rows + portion.rows > limits.rows || bytes >= limits.bytes;
      if (portion.rejects.length > 0 || portion.format !== format || (rows > 0 && isFull)) break;
      items.drop();
      begun = item;
      rows += portion.rows;
      bytes += portion.lines.length;
      Object.assign(said.checkpoint, item.position);
      if (portion.lines.length > 0) yield portion.lines;
    }
    if (begun !== null) said.files.push(loadingMark(begun));
  }

  async function collectBatch(): Promise<RowsBatch> {
    const said = newSaid();
    const lines: Line[] = [];
    const rejects: RejectedRecord[] = [];
    let bytes = 0;
    let begun: PortionItem | null = null;
    const mostBytes = Math.min(limits.bytes, MOST_BYTES_WITH_REJECTS);
    for (let item = await items.peek(); item !== null && item.kind !== "cut"; item = await items.peek()) {
      if (item.kind === "end") {
        if (said.files.length >= MOST_FILES) break;
        items.drop();
        begun = null;
        tell(said, item);
        if (item.reject !== undefined) rejects.push(item.reject);
        continue;
      }
      const { portion } = item;
      const records = lines.length + rejects.length;
      const isFull = records + portion.rows + portion.rejects.length > limits.rows || bytes >= mostBytes;
      // Sound rows go as a stream, whose format may be binary: these are lines of text.
      if (portion.rejects.length === 0 || (records > 0 && isFull)) break;
      if (portion.format !== "text") throw new Error("Rows beside rejects have to be COPY text.");
      items.drop();
      begun = item;
      for (const line of linesOf(portion.lines)) lines.push(line);
      rejects.push(...portion.rejects);
      bytes += portion.lines.length;
      Object.assign(said.checkpoint, item.position);
    }
    if (begun !== null) said.files.push(loadingMark(begun));
    return { kind: "rows", columns, rows: rowsOf(lines), rejects, bytesRead: bytes, ...told(said) };
  }
}

async function* framed(rows: AsyncGenerator<Buffer, void, undefined>): AsyncGenerator<Buffer, void, undefined> {
  yield BINARY_HEADER;
  yield* rows;
  yield BINARY_TRAILER;
}

interface Peekable {
  /** The next one, which stays; null at the end. */
  peek(): Promise<Item | null>;
  drop(): void;
}

function peekable(source: AsyncGenerator<Item, void, undefined>): Peekable {
  let next: Item | null | undefined;
  return {
    async peek() {
      if (next !== undefined) return next;
      const found = await source.next();
      next = found.done ? null : found.value;
      return next;
    },
    drop() {
      next = undefined;
    },
  };
}

function newSaid(): Said {
  return { files: [], staleRows: [], checkpoint: startOf(0) };
}

function tell(said: Said, { mark, version, position }: Extract<Item, { kind: "end" }>): void {
  said.files.push(mark);
  if (version !== undefined) said.staleRows.push([mark.fileId, version]);
  Object.assign(said.checkpoint, position);
}

function loadingMark({ file, position }: PortionItem): FileMark {
  const { fileId, versionToken, sizeBytes } = file;
  const { rows, rowNumber, offset } = position;
  return { fileId, versionToken, sizeBytes, status: "loading", rows, position: { row: rowNumber, offset } };
}

const NEWLINE = 0x0a;

function linesOf(text: Buffer): Line[] {
  const lines: Line[] = [];
  let from = 0;
  for (let end = text.indexOf(NEWLINE); end !== -1; end = text.indexOf(NEWLINE, from)) {
    lines.push(text.subarray(from, end + 1));
    from = end + 1;
  }
  return lines;
}

/** Their cells are made when they are asked for. */
function rowsOf(lines: readonly Line[]): RowList {
  const at = (index: number): Cells | undefined => {
    const line = lines[index];
    return line && cellsOf(line).map((cell) => (cell.equals(NULL_CELL) ? null : unescapeCell(cell.toString())));
  };
  return {
    length: lines.length,
    at,
    *[Symbol.iterator]() {
      for (let index = 0; index < lines.length; index += 1) yield at(index) ?? [];
    },
  };
}
