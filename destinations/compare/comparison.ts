import type { ComparedEnd, Comparison, Digest } from "../../core/digests.ts";
import type { Guards } from "../../core/entity-rules.ts";
import type {
  BatchResult,
  Destination,
  LoadableCopy,
  LoadableRows,
  PrepareRequest,
  SliceRequest,
  SliceWriter,
} from "../destination.ts";
import type { TargetTable } from "../load-target.ts";

/** A destination whose rows can be compared with their source's, and loaded again where they differ. */
export interface ComparingDestination extends Destination {
  /**
   * A table as earlier runs have left it. Changes nothing and claims nothing.
   * @throws TerminalError destination_schema_conflict where the sync has not loaded it, config_invalid where the schema policy keeps
   * from it what the comparison would call a difference
   */
  describeCompared(request: ComparedTableRequest): Promise<ComparedTable>;
  /** Takes the slice over like `claimSlice`. */
  claimComparison(request: ComparisonClaim): Promise<SliceComparer>;
}

export interface ComparedTableRequest
  extends Pick<
    PrepareRequest,
    | "deploymentId"
    | "syncId"
    | "entityKey"
    | "schema"
    | "table"
    | "columns"
    | "keyColumns"
    | "cursorField"
    | "loadMode"
    | "schemaPolicy"
    | "claimedKey"
  > {
  /** Windows that differ are loaded again. */
  reloads: boolean;
}

/** What of a table is compared. */
export interface ComparedRows extends TargetTable {
  /** Where it is not null, the row is one that the source has no more; null where all rows are the source's. */
  goneColumn: string | null;
}

export interface ComparedTable extends ComparedEnd {
  target: ComparedRows;
}

/** As stored with the plan of a run that compares. */
export interface ComparedTarget extends ComparedRows {
  /** A repair may load its windows again; absent in plans of older versions, which have no others. */
  repairable?: boolean;
  comparison: Comparison;
}

export interface ComparisonClaim extends SliceRequest {
  target: ComparedTarget;
  /** What stops a reload; null: nothing. `zeroRows` guards a window that is all of the entity. */
  guards: Pick<Guards, "zeroRows" | "maxDeleteShare"> | null;
}

export interface SliceComparer extends Pick<SliceWriter, "done" | "finish" | "probe" | "close"> {
  /** @param except keys, as text, of rows that are not settled at the source: what is here of those does not count */
  digest(except: string[]): Promise<Digest>;
  /**
   * Afterwards the window has these rows and no others, whatever their cursors say: in one transaction. Rows that are equal
   * already are not written. Rows without a key are compared as a multiset. The slice is not done by that.
   * @throws TerminalError delete_guard_tripped, unexpected_zero_rows
   */
  reload(batches: AsyncIterable<LoadableRows | LoadableCopy>): Promise<BatchResult>;
}
