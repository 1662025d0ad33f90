import type { LoadMode } from "../core/vocabulary.ts";

/** Where the rows of a plan for one table go, and how they get there. `stored-target.ts` keeps it with the plan. */
export type LoadTarget = LoadedTable & Strategy;

export type StrategyKind = Strategy["kind"];

/** A target with this strategy. */
export type TargetOf<Kind extends StrategyKind> = Extract<LoadTarget, { kind: Kind }>;

export interface TargetColumn {
  name: string;
  type: string;
  nullable: boolean;
  /** Made of another column, which the source has: no schema policy is about it. */
  derived?: true;
  /** Tells where the source has the row: a version goes on where nothing else has changed. */
  provenance?: true;
}

/** What every strategy knows of the table, and a comparison too. */
export interface TargetTable {
  schema: string;
  table: string;
  /** The table that rows go to: the present generation, or one that nobody sees yet. */
  leafSchema: string;
  leafTable: string;
  columns: TargetColumn[];
  keyColumns: string[];
  cursorField: string | null;
  /** The table has `_deleted_at`: a row that is read again loses it. */
  hasDeletedMark?: boolean;
  /** As in `PrepareRequest`. Absent: the source keeps the key unique, or cannot tell, or doubles are left out on purpose. */
  claimedKey?: boolean;
}

export interface LoadedTable extends TargetTable {
  /** Of a plan that an older version has made: a load mode that does the same with its rows. */
  loadMode: LoadMode;
  /** As in `PrepareRequest`; absent: the row is removed. */
  onDelete?: "mark";
  /** Absent: nothing is kept from the table. */
  discards?: Discards;
  /** What somebody else has done to the table, for people. Absent: nothing that is known. */
  tableChanges?: string[];
  /** Of an entity that is made of files; absent: it is not, or an older version has made the plan. */
  files?: FileGeneration;
}

/** Which marks of files the plan goes by. */
export interface FileGeneration {
  /** Of the manifest. It becomes the entity's cursor state. */
  generation: string;
  /** The rows wait for the finish, and so do the marks, in a generation of their own that nobody else reads. */
  waiting?: string;
}

/** What the schema policy keeps from the table. */
export interface Discards {
  /** All that the source has, with its own types; the target's `columns` are those that are loaded, with the table's types. */
  sourceColumns: TargetColumn[];
  /** New at the source: a row with a value in one of them is rejected. Other new ones need not even be read. */
  rejectRowsWith: string[];
  /** Columns of another type at the source, whose values the table's type may not hold as they are. */
  lossyColumns: string[];
  /** What such a value costs: the row is rejected, or loaded without the value. In the key or cursor it is always the row. */
  lossyValueCosts: "row" | "value";
}

/** How the rows of a plan reach the table. */
export type Strategy = FirstLoad | InPlace | ReplaceWindows | ScanInPlace | Beside | Snapshot | Versions;

/** The plan has made the table. Its rows are seen as they arrive. */
export interface FirstLoad {
  kind: "first_load";
  /** No other plan loads into the table so far: batches go into it by COPY. */
  straight: boolean;
  lateKey?: LateKey;
}

/** Into the rows that the table shows, batch by batch. */
export interface InPlace {
  kind: "in_place";
}

/** Each window of the source takes the place of the same window of the table. */
export interface ReplaceWindows {
  kind: "replace_windows";
}

/** A complete scan, into the rows that the table shows. With the finish those go that it has not seen, as the load mode lets rows go. */
export interface ScanInPlace {
  kind: "scan_in_place";
  /** In the ledger's schema: the keys that the slices have seen. The finish drops it. */
  seenKeysTable: string;
}

/** Into a new generation that nobody sees. The finish puts it in the place of the present one. */
export interface Beside {
  kind: "beside";
  lateKey?: LateKey;
  /** The table shows rows of another source: none of them is to be found again by its key. */
  replacesOtherSource?: boolean;
  /** Users' columns whose values are lost with the present generation, as somebody has confirmed. */
  confirmedLosses?: string[];
}

/** Into a snapshot of its own. The finish makes it a part of the table. */
export interface Snapshot {
  kind: "snapshot";
  /** `_snapshot_at` of every row, by the destination's clock when the plan was made. */
  snapshotAt: string;
  /** The table's types are the source's: batches go into it by COPY. */
  straight: boolean;
  lateKey?: LateKey;
}

/** Rows wait as they were read. The finish makes versions of them. */
export interface Versions {
  kind: "versions";
  /** What is not among the rows of the plan is gone from the source. */
  complete: boolean;
}

/** The leaf gets its key when all rows are there, or before the first one that has to be merged. */
export interface LateKey {
  /** Which of several rows with one key stays. */
  keeps: KeptRow;
}

/** Of rows that share a key: the one that was read first, or the one with the newest cursor. */
export type KeptRow = "first" | "newest";

/** Nobody sees the rows of the plan before its finish. */
export function isHidden(target: LoadTarget): target is TargetOf<"beside" | "snapshot" | "versions"> {
  return target.kind === "beside" || target.kind === "snapshot" || target.kind === "versions";
}

/** What is not among the rows of the plan is gone, or no part of it, once it is finished. */
export function isCompleteScan(target: LoadTarget): boolean {
  switch (target.kind) {
    case "beside":
    case "snapshot":
    case "scan_in_place":
      return true;
    case "versions":
      return target.complete;
    case "first_load":
    case "in_place":
    case "replace_windows":
      return false;
  }
}

/** Something is left to be done in one transaction once all slices of the plan's entity are done. */
export function hasFinish(target: LoadTarget): boolean {
  return isHidden(target) || target.kind === "scan_in_place" || lateKeyOf(target) !== null;
}

/** Batches go into the leaf by COPY, where no other slice and no earlier load can have a row of theirs. */
export function isStraight(target: LoadTarget): boolean {
  return "straight" in target ? target.straight : target.kind === "beside" || target.kind === "versions";
}

/** In the ledger's schema and of this plan alone: what the slices leave there for the finish, which drops it. */
export function workTableOf(target: LoadTarget): string | null {
  return target.kind === "scan_in_place" ? target.seenKeysTable : null;
}

export function lateKeyOf(target: LoadTarget): LateKey | null {
  return "lateKey" in target ? (target.lateKey ?? null) : null;
}
