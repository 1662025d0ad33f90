import type { Readable } from "node:stream";
import type { DeletedKeys, FileMark, KeyRows } from "../core/batch-parts.ts";
import { TerminalError } from "../core/errors.ts";
import type { RowList } from "../core/row-list.ts";
import type { Checkpoint } from "../core/slices.ts";

export type { DeletedKeys, FileManifest, FileMark, KeyRows } from "../core/batch-parts.ts";

interface BatchBase {
  /** Column names, in the order of the cells. */
  columns: string[];
  /** Valid once the rows (or the stream) of this batch are consumed. */
  checkpoint: Checkpoint;
  /** No batch comes after this one. A slice without rows gives no batch, or an empty one. */
  final: boolean;
  /**
   * Entries of the file manifest. They commit with the rows. As the checkpoint, the array is looked at once the rows (or the stream) are consumed,
   * and may be filled until then.
   */
  files?: FileMark[];
  /** As in `TableRows`. Filled likewise. */
  stale?: KeyRows;
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

/**
 * Rows of several tables: a parent and the children that the same answers feed. All of it is committed in one transaction with the
 * checkpoint.
 */
export interface TablesBatch {
  kind: "tables";
  /** By entityKey. A table without an entry has nothing in this batch. */
  tables: Record<string, TableRows>;
  checkpoint: Checkpoint;
  final: boolean;
  /** What the source sent for them, in bytes; absent where nobody counts. */
  bytesRead?: number;
  /** Entries of the file manifest. They commit with the rows. */
  files?: FileMark[];
}

/** What a batch has for one table. */
export interface TableRows {
  /** Column names, in the order of the cells. */
  columns: string[];
  /** Cells as text in Postgres input syntax; null is NULL. */
  rows: RowList;
  /** As in `RowsBatch`. */
  rejects?: RejectedRecord[];
  /** Keys of rows that the source has deleted: the key columns, then the cursor column where it is known. */
  deletes?: DeletedKeys;
  /**
   * Parents whose child rows are all in this batch: the columns of the child that hold the parent's key, in the order of that key, then,
   * where there is one, the column that holds the parent's cursor. A parent without children is here and has no rows.
   */
  sets?: KeyRows;
  /**
   * Rows that another version of the same file has left in the table. The columns name the file, the last one its version, and a row gives
   * the version that is loaded now. Once the batch's rows are written, rows of the file with any other version go as deleted rows
   * go. A null version says that the file is gone: all of its rows go, and the delete guard counts them.
   */
  stale?: KeyRows;
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

export type Batch = RowsBatch | CopyBatch | TablesBatch;
