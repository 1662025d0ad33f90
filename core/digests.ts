import type { RunMode } from "./vocabulary.ts";

/** How rows are compared where they lie: each side says how many it has, and the sum of a hash over them. */

/** `native` is twice as fast, but not the same on every server; `md5` is. */
export type RowHash = "native" | "md5";

/** SQL: what a server's `native` hashes depend on. Where it is equal, they are. */
export const FINGERPRINT =
  "current_setting('server_encoding') || ' ' || hashtextextended('sluice' collate \"C\", 0)::text";

export interface ComparedColumn {
  name: string;
  /** At the destination. */
  type: string;
  /** What the source makes of its value first, where the destination's type is wider; null: values are compared as text. */
  cast: string | null;
}

/** What one end brings to a comparison. */
export interface ComparedEnd {
  /** Of the destination those that the source has as well. */
  columns: ComparedColumn[];
  fingerprint: string;
}

export interface Comparison {
  columns: ComparedColumn[];
  hash: RowHash;
  /**
   * Rows from `before` on, by the cursor, are for the next incremental run to load: neither they are compared, nor what the
   * destination has of them so far. Null: all rows are. A row without a cursor is for no run, so it is compared.
   * `inclusive`: rows at `before` itself are settled too.
   */
  settled: { column: string; type: string; before: string; inclusive?: true } | null;
}

/** Of a multiset of rows, whatever their order. Different ones have the same with a probability of 2^-64. */
export interface Digest {
  rows: number;
  checksum: string;
}

/**
 * What a plan saw at the source from where the next run reads on: `at`: rows whose cursor is `from` itself; `beyond`: the later ones.
 * The digests are of row versions, so that a row that changes counts as another, even if it changes back. `{}`: nothing is known.
 */
export interface CursorTail {
  /** The source's own text. */
  from?: string;
  at?: Digest;
  beyond?: Digest;
  /** The tables that hold the rows, each with what tells that its rows are others. Where that changes, older rows may have come. */
  tables?: Readonly<Record<string, string>>;
  /** How the rows were loaded, which no provider looks at: rows that were loaded in another way have to be read again. */
  loadedAs?: string;
  /** Of a change feed: a digest of the connection and address that its token is from. Another one does not know the token. */
  feedOf?: string;
  /** Of files: a digest of how their rows were made. Made otherwise, they are other rows, and all files are read again. */
  filesAs?: string;
}

/** What a run has found in a window. */
export interface Verification {
  sourceRows: number;
  destinationRows: number;
  equal: boolean;
}

/** Runs that look at rows where they lie, and move at most those of windows that differ; no cursor moves. */
export function isComparison(runMode: RunMode): boolean {
  return runMode === "verify" || runMode === "repair";
}

export function isSameDigest(a: Digest, b: Digest): boolean {
  return a.rows === b.rows && a.checksum === b.checksum;
}

/** SQL: several values as one text that no other values have. Both sessions write types in the same way. */
export function rowText(expressions: string[]): string {
  return `row(${expressions.join(", ")})::text collate "C"`;
}

/** SQL: 64 bits of a text, as bigint. */
export function hashText(text: string, hash: RowHash): string {
  return hash === "native"
    ? `hashtextextended(${text}, 0)`
    : `('x' || left(md5(convert_to(${text}, 'UTF8')), 16))::bit(64)::bigint`;
}

/** SQL: the key is in this part of all keys. @param of.parts a power of two */
export function isInPart(keyText: string, of: { hash: RowHash; part: number; parts: number }): string {
  return `(${hashText(keyText, of.hash)} & ${of.parts - 1}) = ${of.part}`;
}

/** SQL. @param column quoted @param before a literal @param inclusive rows at `before` itself are settled too */
export function isSettled(column: string, before: string, inclusive = false): string {
  return `(${column} ${inclusive ? ">" : ">="} ${before}) is not true`;
}
