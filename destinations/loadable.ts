import type { DeletedKeys, FileMark, KeyRows } from "../core/batch-parts.ts";
import type { RowList } from "../core/row-list.ts";
import type { Checkpoint } from "../core/slices.ts";

export type { FileMark, KeyRows } from "../core/batch-parts.ts";

/** What a writer takes. It mirrors the provider's batches, since neither room may import the other. */

export interface LoadableRows {
  kind: "rows";
  columns: string[];
  rows: RowList;
  /** Kept in the ledger with their reason, in the same transaction. */
  rejects?: RejectedRecord[];
  checkpoint: Checkpoint;
  final: boolean;
  files?: FileMark[];
  /** As in `TableRows` of a provider. */
  stale?: KeyRows;
}

/** As `TablesBatch`. */
export interface LoadableTables {
  kind: "tables";
  tables: Record<string, LoadableTable>;
  checkpoint: Checkpoint;
  final: boolean;
  files?: FileMark[];
}

export type LoadableBatch = LoadableRows | LoadableCopy | LoadableTables;

export interface LoadableTable {
  columns: string[];
  rows: RowList;
  rejects?: RejectedRecord[];
  deletes?: DeletedKeys;
  sets?: KeyRows;
  /** As in `TableRows` of a provider. */
  stale?: KeyRows;
}

export interface RejectedRecord {
  column: string | null;
  reason: string;
  record: string;
}

export interface LoadableCopy {
  kind: "copy";
  columns: string[];
  format: "binary" | "text";
  stream: NodeJS.ReadableStream & AsyncIterable<Buffer>;
  /** As in `CopyBatch`. */
  unconverted?: string;
  /** Called with each chunk when it is sent: its memory is the source's again. */
  recycle?(chunk: Buffer): void;
  /** Called as they pass. */
  onBytes?(bytes: number): void;
  checkpoint: Checkpoint;
  final: boolean;
  files?: FileMark[];
  /** As in `TableRows` of a provider. */
  stale?: KeyRows;
}
