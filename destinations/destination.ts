import type { Guards, SchemaPolicies } from "../core/entity-rules.ts";
import type { OnWork, Pulse } from "../core/pulse.ts";
import type { Checkpoint, Window } from "../core/slices.ts";
import type { LoadMode } from "../core/vocabulary.ts";
import type { FileGenerationQuestion, FilesRequest, KnownFile } from "./known-files.ts";
import type { LoadTarget, TargetColumn, TargetTable } from "./load-target.ts";
import type { LoadableBatch, RejectedRecord } from "./loadable.ts";

export type * from "./known-files.ts";

export type {
  FileMark,
  KeyRows,
  LoadableBatch,
  LoadableCopy,
  LoadableRows,
  LoadableTable,
  LoadableTables,
  RejectedRecord,
} from "./loadable.ts";

/**
 * The contract of the warehouse side. The exactly-once rules live behind it: chain fence, slice claim, takeover, rows and
 * checkpoint in one transaction, swap. Every method may throw a Transient- or TerminalError with a `destination_...` code.
 *
 * It mirrors the provider's Batch and SourceColumn structurally, since neither room may import the other.
 */
export interface Destination {
  /** Reach it, and make the ledger (schema `_sluice`) where it is missing. Idempotent. */
  ensureLedger(): Promise<void>;
  /**
   * Claims the table for the sync, creates it or adds the columns that the source grew, and makes the beside-table of a
   * swap. Idempotent per (planId, entityKey). Short transactions of its own, under an advisory lock and the chain fence.
   */
  prepareEntity(request: PrepareRequest): Promise<LoadTarget>;
  /** What `prepareEntity` would do; changes nothing, and keeps nobody waiting. It refuses what that would refuse. */
  previewEntity(request: PreviewRequest): Promise<EntityPreview>;
  /** Takes the slice over from whoever held it. @throws SupersededError when the chain has gone on without this attempt. */
  claimSlice(request: ClaimRequest): Promise<SliceWriter>;
  /** What the target leaves to be done once all slices of the entity are (`hasFinish`). Idempotent. */
  finishEntity(request: FinishRequest): Promise<void>;
  /**
   * No attempt before `minAttempt` commits anything from here on. Waits for a batch that is committing. Never lowers what
   * is there. Idempotent.
   */
  fence(request: { rootRunId: string; minAttempt: number }): Promise<void>;
  /** Of these ended attempts, those whose fence the destination does not know: it is older than their end. */
  findUnknownEnds(ended: ChainPosition[]): Promise<ChainPosition[]>;
  /**
   * The ledger's rows of chains that nobody resumes any more, and their beside-tables, go; the fences of `keepFences` stay.
   * Idempotent.
   */
  forgetChains(chains: { rootRunIds: string[]; keepFences: string[] }): Promise<void>;
  /** Slices of the plan that were ever claimed. */
  readLedger(planId: string): Promise<LedgerSlice[]>;
  /** Of the plan's entities that have a finish, those for which it is done. */
  readFinished(planId: string): Promise<string[]>;
  /**
   * Of the plan's rejected rows at most `limit`, the first ones of every slice, with `record` cut to `recordBytes`. Those of a
   * batch that went over its entity's threshold are among them, although nothing counts them.
   */
  readRejects(request: { planId: string; limit: number; recordBytes: number }): Promise<RejectedRow[]>;
  /**
   * The manifest of an entity's files, whatever plan noted them.
   * @param request.fileIds those to look for; absent: all, page by page in the byte order of their ids
   */
  readFiles(request: FilesRequest): Promise<KnownFile[]>;
  /**
   * The marks of this generation are about the rows that the table shows. Else nobody can say which files are loaded: the table was made anew, or
   * is another one, or the marks are gone. Changes nothing.
   */
  hasFileGeneration(question: FileGenerationQuestion): Promise<boolean>;
  /** Beside-tables of older plans of the chain go, and all of the chains (by root) that it has overtaken. Idempotent. */
  dropSuperseded(request: { rootRunId: string; keepPlanId: string | null; overtaken?: string[] }): Promise<void>;
  close(): Promise<void>;
}

export interface ChainPosition {
  rootRunId: string;
  attempt: number;
}

export interface PrepareRequest {
  chain: ChainPosition;
  planId: string;
  /** Names the control database: two of them may share a warehouse. */
  deploymentId: string;
  syncId: string;
  /**
   * Deleted syncs of this deployment that loaded the table, and whether from the same source: the sync inherits it from them, by
   * loading it anew.
   */
  formerOwners: { syncId: string; sameSource: boolean }[];
  entityKey: string;
  schema: string;
  table: string;
  columns: TargetColumn[];
  keyColumns: string[];
  cursorField: string | null;
  loadMode: LoadMode;
  /** All that the source has is read: what is not among it is gone. */
  complete: boolean;
  /** Nothing of the present rows is to be kept (`full_refresh`). */
  fromScratch: boolean;
  /** With `complete`: the scan stands in for an expired change feed, so what it does not see goes as the feed would have let it go. */
  resync?: boolean;
  /** There are so many rows, each key once among them, that it is made faster over all of them than with each: heeded where nothing is there yet. */
  keyComesLast: boolean;
  /** The source does not keep the key unique. A batch in which two rows share a key is refused: a merge would lose one of them. */
  claimedKey?: boolean;
  /** What becomes of a row that the source tells it has deleted, where the load mode leaves the choice. Absent: `remove`. */
  onDelete?: "remove" | "mark";
  /**
   * The entity is made of files. `generation`: of the manifest that its cursor state names, which `hasFileGeneration` knows; null without one. With
   * `complete` or `resync` another one begins. Generations that nobody names any more go.
   */
  files?: { generation: string | null };
  /** Of a source whose columns are not the table's. */
  schemaPolicy: SchemaPolicies;
  /** Confirmations of previews, joined by `.`: what those named may be lost. */
  confirmedPlan: string | null;
  onWork?: OnWork;
  /** Cancels the open statement and rolls back. */
  signal?: AbortSignal;
}

/** Of a plan that nobody has made. */
export type PreviewRequest = Omit<PrepareRequest, "chain" | "planId" | "confirmedPlan" | "onWork" | "signal">;

export interface EntityPreview {
  /** As it would be recorded; a generation that is still to be made has `N` for its number. */
  target: LoadTarget;
  /** How rows would get into the table. */
  apply: "copy" | "merge" | "append" | "replace";
  /** DDL, in order. */
  statements: string[];
  /** What the table would give up, for people; the load is refused unless that is confirmed. */
  losses: string[];
  /** For `confirmedPlan`; null where nothing is lost. */
  confirmation: string | null;
  /** Of the table as it is now, by statistics; null without any, or without a table. */
  estimatedRows: number | null;
}

export interface FinishRequest<Target extends LoadTarget = LoadTarget> {
  target: Target;
  chain: ChainPosition;
  planId: string;
  entityKey: string;
  /** Goes into `_sluice_run_id` of every row that the finish writes. */
  runId: string;
  /** What stops it before its result is seen; null or absent: nothing. */
  guards?: Guards | null | undefined;
  /**
   * The other entities of a group: all that have something left to be done are finished in one transaction, and what stops one of them
   * stops all. Absent: the entity is finished alone.
   */
  members?: FinishMember[];
  onWork?: OnWork;
  signal: AbortSignal;
}

export type FinishMember = Pick<FinishRequest, "entityKey" | "target" | "guards">;

export type DeleteGuard = Pick<Guards, "maxDeleteShare">;

/** One table of a slice. */
export interface SliceTable {
  entityKey: string;
  target: LoadTarget;
  /** Of all slices of the entity together; null: no limit. */
  maxRejectedRows: number | null;
  /** What stops a batch that deletes too much; null or absent: nothing. */
  guards?: DeleteGuard | null | undefined;
  /** The entityKey of the parent that its rows belong to. */
  childOf?: string | undefined;
  /** How many columns the parent's key has; absent where nobody knows. */
  parentKeyCount?: number | undefined;
}

/** A slice that is loaded, or compared. */
export interface SliceRequest {
  target: TargetTable;
  chain: ChainPosition;
  planId: string;
  sliceNo: number;
  entityKey: string;
  window: Window;
  /** Goes into `_sluice_run_id` of every row. */
  runId: string;
  /** A slice of stage 1 always merges. */
  stage: 0 | 1;
  /** Of all slices of the entity together; null: no limit. */
  maxRejectedRows: number | null;
  /** What stops a batch that deletes too much; null or absent: nothing. */
  guards?: DeleteGuard | null | undefined;
  /** Of the entity itself, as in `SliceTable`. */
  childOf?: string | undefined;
  parentKeyCount?: number | undefined;
  /** The tables that the slice writes to beside `target`, in the plan's order. Absent: it writes to `target` alone. */
  members?: SliceTable[];
  /** Whose files the batches mark; absent where the source has none. */
  filesOf?: { deploymentId: string; syncId: string };
  /** Of a reject's reason and record; absent where nothing in them can be secret. */
  redact?: (text: string) => Promise<string>;
  /** Cancels the open statement at the destination and rolls the open batch back. */
  signal: AbortSignal;
}

export interface ClaimRequest extends SliceRequest {
  target: LoadTarget;
}

/** A row of the ledger of rejects. `rowNo` counts within the slice, from 1, as read. */
export interface RejectedRow extends RejectedRecord {
  sliceNo: number;
  rowNo: number;
  entityKey: string;
}

export interface BatchResult {
  /** Those that were rejected included. */
  rowsRead: number;
  /** Inserted or changed; a row that was there already, equal, does not count. */
  rowsWritten: number;
  rowsRejected: number;
  /** Rows that are gone from the source, and that were removed, marked or closed for it; absent where the batch could have none. */
  rowsDeleted?: number;
  /** By entityKey, where the slice writes to several tables: the counts are their sums. */
  tables?: Record<string, Required<Omit<BatchResult, "tables">>>;
}

export interface SliceWriter {
  /** Where to go on; null from the start. */
  checkpoint: Checkpoint;
  /** The slice was finished before: nothing to do. */
  done: boolean;
  /** Of the Postgres that reads COPY data. */
  majorVersion: number;
  /**
   * Rows, rejects, checkpoint and (for a final batch) `done` in one transaction. Rows that the table does not take as they
   * are become rejects.
   * @throws TerminalError reject_threshold_exceeded: nothing of the batch is loaded, but its rejects are kept to be looked at
   * @throws CopyDataError when rows of a COPY batch are at fault: read again from `checkpoint`, that batch as text, and this writer finds them
   * @throws CopyConflictError when a straight COPY met a key that is already there: read again from `checkpoint`, this writer merges from now on
   * @throws SupersededError when another claim or attempt has taken over: stop, it is not a failure of the source
   */
  write(batch: LoadableBatch): Promise<BatchResult>;
  /**
   * Commits how far the source is, where that brings no rows. A slice that is committed as a whole keeps it only while it has read none.
   * @throws SupersededError
   */
  keep(checkpoint: Checkpoint): Promise<void>;
  /** Marks the slice done without a batch (no rows, or the last batch was not known to be the last). Idempotent. */
  finish(): Promise<void>;
  /** What the destination does about our statement. */
  probe(): Promise<Pulse>;
  /** Ends the session; an open batch rolls back. */
  close(): Promise<void>;
}

/** What a slice has done to one table. */
export interface TableCounts {
  rowsRead: number;
  /** With those of `finish`. */
  rowsWritten: number;
  rowsRejected: number;
  rowsDeleted: number;
  /** Of the last slice of an entity whose finish is done. */
  finish: { attempt: number; rowsWritten: number } | null;
}

export interface LedgerSlice {
  sliceNo: number;
  /** The entity that the plan has given the slice to: of a group, the one that carries its slices. */
  entityKey: string;
  done: boolean;
  /** Of the attempt that committed last. */
  attempt: number;
  rowsRead: number;
  /** With those of `finish`. */
  rowsWritten: number;
  rowsRejected: number;
  rowsDeleted: number;
  /** By entityKey, where the slice writes to several tables: the counts above are their sums. Null: to one. */
  tables: Record<string, TableCounts> | null;
  checkpoint: Checkpoint;
  /** Of the last slice of an entity whose finish is done. */
  finish: { attempt: number; rowsWritten: number } | null;
}
