import type { RowList } from "./row-list.ts";

/** What a batch holds besides rows, the same for whoever reads it and whoever loads it. */

/** Keys of rows. */
export interface KeyRows {
  columns: string[];
  rows: RowList;
}

/** Keys of rows that the source has deleted. */
export interface DeletedKeys extends KeyRows {
  /**
   * The column that holds the key of the row which a row lies in, as a file lies in a folder; of a table whose key is one column. What lies in a row
   * that is deleted goes with it, however deep, as the table has it once the batch's rows are written. Absent: only those that are named go.
   */
  within?: string;
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

/**
 * The file manifest of an entity as its destination has it: what is known of each file, and how far it was loaded. A file that is not in it
 * was never loaded.
 */
export interface FileManifest {
  /** Names the marks that the slices of the plan make. The plan gives it back as `upperBound`: it becomes the cursor state. */
  generation: string;
  /**
   * All marks of the generation, page by page in the byte order of file ids, read as they are asked for. Empty where everything is to be read
   * anew. Throws a Transient- or TerminalError of the destination.
   */
  pages(): AsyncIterable<FileMark[]>;
}
