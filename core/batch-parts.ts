import type { RowList } from "./row-list.ts";

/** What a batch holds besides rows, the same for whoever reads it and whoever loads it. */

/** Keys of rows. */
export interface KeyRows {
  columns: string[];
  rows: RowList;
}

/** One file of a source that has files, as the destination's ledger keeps it. */
export interface FileMark {
  fileId: string;
  /** Changes whenever the file's content does: an ETag, a version id. */
  versionToken: string;
  status: "loaded" | "loading" | "failed" | "ignored" | "gone";
  /** So far. */
  rows: number;
  sizeBytes: number | null;
  /** Where the reading of the file stands; the provider's own. */
  position?: Record<string, unknown>;
  /** Why the file failed, for people. */
  error?: string;
}
