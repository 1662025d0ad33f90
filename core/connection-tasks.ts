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

export interface ConnectionTaskResult {
  /** Every check passed. */
  ok: boolean;
  checks: { name: string; ok: boolean; message: string; fix: string }[];
  /** What is wrong with entities that were asked for, which is no fault of the connection. Absent where nothing is. */
  entityChecks?: ConnectionTaskResult["checks"];
  /** Those asked for that exist. */
  entities: DiscoveredEntity[];
  /** In the order of their keys; absent where it was not asked for, where a check failed, and from workers of before. */
  plan?: EntityPlanPreview[];
}

/** A column as the destination will have it. `type` is a Postgres type as `format_type` prints it. */
export interface SourceColumn {
  name: string;
  type: string;
  nullable: boolean;
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
  /** Columns that can serve as cursor, best first. */
  cursorFields: string[];
  loadMode: LoadMode;
  dependsOn: string[];
  slicing: Slicing;
  sizeClass: SizeClass;
  /** Null where the source keeps no statistics. */
  estimatedRows: number | null;
}
