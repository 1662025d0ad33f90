import type { ChosenColumns } from "./column-choice.ts";
import type { ProviderError } from "./errors.ts";
import type { EntityPlanPreview, PreviewQuestion } from "./plan-preview.ts";
import type { LoadMode, SizeClass, SlicingKind } from "./vocabulary.ts";

/**
 * What the API asks of a worker about a connection, and the answer. Both lie in `connection_tasks`: a source may have
 * thousands of entities, and workflow history holds ids only.
 */
export interface ConnectionTaskRequest {
  /** Looked up when the check passes; null: all there are. */
  entities: string[] | null;
  /** Of the sync it is about; `{}` otherwise. */
  sourceConfig: Record<string, unknown>;
  /** Tries `next_secrets` over the present ones. */
  useNextSecrets: boolean;
  /** When the check passes: what this run would do. */
  plan?: PreviewQuestion;
}

/** `entityKey` is absent from workers of before. */
export type EntityCheck = ConnectionTaskResult["checks"][number] & { entityKey?: string };

export interface ConnectionTaskResult {
  /** Every check passed. */
  ok: boolean;
  checks: { name: string; ok: boolean; message: string; fix: string }[];
  /** What is wrong with entities that were asked for, which is no fault of the connection. Absent where nothing is. */
  entityChecks?: EntityCheck[];
  /** Those asked for that exist. */
  entities: DiscoveredEntity[];
  /** In the order of their keys; absent where it was not asked for, where a check failed, and from workers of before. */
  plan?: EntityPlanPreview[];
  /** The defect that kept a plan from being made although the checks passed, or that it took too long. */
  planFailure?: string;
  planTimedOut?: boolean;
}

/** What a check reports of an error: its own words and its own remedy, neither of them twice. */
export function failedCheck(name: string, { what, fix }: Pick<ProviderError, "what" | "fix">) {
  return { name, ok: false, message: what, fix };
}

export function passedCheck(name: string, message: string) {
  return { name, ok: true, message, fix: "" };
}

/** A column as the destination will have it. `type` is a Postgres type as `format_type` prints it. */
export interface SourceColumn {
  name: string;
  type: string;
  nullable: boolean;
  /** Sluice makes it of another column, which the source has: it is no change of the source's. */
  derived?: true;
  /** Tells where the source has the row, and nothing of what the row says: under `scd2`, another value alone begins no version. */
  provenance?: true;
}

export interface Slicing {
  by: SlicingKind;
  column?: string;
  defaultWindow?: string;
}

/** One thing that discovery found. */
export interface DiscoveredEntity {
  entityKey: string;
  displayName: string;
  description: string;
  columns: SourceColumn[];
  /** Empty where the source knows no key. */
  primaryKeyColumns: string[];
  /**
   * Sets of columns that the source keeps unique and not null over all rows that are read. Other columns are a key only because
   * somebody says so. Absent where the source does not tell.
   */
  enforcedKeys?: string[][];
  /** Why no columns can be a key, a clause; absent where they can. */
  keyless?: string;
  /** Why no read of all rows can be shown to be complete: a clause, and what to do about it at the source. Absent where one can. */
  unprovable?: { why: string; fix: string };
  /** What `sourceConfig` leaves out of the columns; absent where it makes no choice. */
  chosen?: ChosenColumns;
  /** Columns that serve well as cursor, best first: every change of a row is likely to move them. */
  cursorFields: string[];
  /** All columns that can be cursor, should somebody name one; absent in what an older worker found. */
  cursorColumns?: string[];
  loadMode: LoadMode;
  dependsOn: string[];
  slicing: Slicing;
  sizeClass: SizeClass;
  /** Null where the source keeps no statistics. */
  estimatedRows: number | null;
}
