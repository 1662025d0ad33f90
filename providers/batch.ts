import type { Readable } from "node:stream";
import { TerminalError } from "../core/errors.ts";
import type { RowList } from "../core/row-list.ts";
import type { Checkpoint } from "../core/slices.ts";

interface BatchBase {
  /** Column names, in the order of the cells. */
  columns: string[];
  /** Valid once the rows (or the stream) of this batch are consumed. */
  checkpoint: Checkpoint;
  /** No batch comes after this one. A slice without rows gives no batch, or an empty one. */
  final: boolean;
}

/** Cells as text in Postgres input syntax; null is NULL. */
export interface RowsBatch extends BatchBase {
  kind: "rows";
  rows: RowList;
  /** What the source sent for them, in bytes; absent where nobody counts. */
  bytesRead?: number;
  /** Records of this batch that cannot be rows: they are kept with their reason, and the run says so. */
  rejects?: RejectedRecord[];
}

export interface RejectedRecord {
  /** Null where the record as a whole is at fault. */
  column: string | null;
  /** For people: what is wrong with it, without the value. */
  reason: string;
  /** The record as the source gave it. */
  record: string;
}

/** COPY data, undecoded. `stream` gives Buffers that together are what COPY ... FROM STDIN takes in `format`. */
export interface CopyBatch extends BatchBase {
  kind: "copy";
  format: "binary" | "text";
  stream: Readable;
  /**
   * The source's encoding, where cells may hold text that UTF-8 has no equivalent of: such a cell is marked (`core/copy-text.ts`), and its
   * row cannot be loaded. Absent: all cells are as the source sends them.
   */
  unconverted?: string;
  /** A chunk that the stream gave is done with, and its memory may be used again. Need not be called. */
  recycle?(chunk: Buffer): void;
}

/** The source could not convert some text to UTF-8, and broke off. With `convert` the same rows can be read without it. */
export class UnconvertedTextError extends TerminalError {}

export type Batch = RowsBatch | CopyBatch;
