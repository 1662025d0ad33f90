import type { ReasonCode } from "./result-reasons.ts";
import type { BackfillWindow } from "./run-request.ts";
import type { LoadMode, RunMode } from "./vocabulary.ts";

/** Run modes that load, and so have a plan to look at before they run. */
export const PREVIEWED_RUN_MODES = ["incremental", "full_refresh", "backfill"] as const satisfies readonly RunMode[];
export type PreviewedRunMode = (typeof PREVIEWED_RUN_MODES)[number];

/** What a run of the sync would do now. */
export interface PreviewQuestion {
  syncId: string;
  runMode: PreviewedRunMode;
  entities: string[];
  /** Of a backfill; null otherwise. */
  window: BackfillWindow | null;
}

export interface EntityPlanPreview {
  entityKey: string;
  /** Null where what stands in the way came before it could be known. */
  load: EntityLoadPreview | null;
  /** What stands in the way of this entity; null: nothing that is known now. */
  failure: { reasonCode: ReasonCode; message: string } | null;
}

export interface EntityLoadPreview {
  schema: string;
  table: string;
  loadMode: LoadMode;
  keyColumns: string[];
  cursorField: string | null;
  scan: "full" | "incremental" | "backfill";
  /** Where the cursor stands, and where it would after the run; each null where there is none. */
  cursor: { from: string | null; to: string | null };
  /** Guesses of the databases; null where they have none. */
  estimatedRows: { toRead: number | null; present: number | null };
  slices: { count: number; labels: string[] };
  apply: "copy" | "merge" | "append" | "replace";
  /** DDL that runs before the first row is loaded, in order. */
  changes: string[];
  /** Rows that the table would not have any more, or that would be marked; `rows` is a guess, null where there is none. */
  deletes: { kind: DeleteKind; rows: number | null };
  /** What the table would give up for good, for people. */
  losses: string[];
  /** Stands for these losses; null where there are none. */
  confirmation: string | null;
}

export const DELETE_KINDS = ["none", "swap", "mark_deleted", "window"] as const;
export type DeleteKind = (typeof DELETE_KINDS)[number];

/** Confirms all of `entities` that lose something; null where none does. */
export function confirmTokenOf(entities: readonly EntityPlanPreview[]): string | null {
  const confirmations = entities.flatMap(({ load }) => load?.confirmation ?? []);
  return confirmations.length === 0 ? null : confirmations.join(".");
}
