import type { ColumnType, Generated, JSONColumnType } from "kysely";
import type { Verification } from "../core/digests.ts";
import type { ReasonCode } from "../core/result-reasons.ts";
import type { ExportJob, Window } from "../core/slices.ts";
import type { SliceStatus } from "../core/vocabulary.ts";
import type { CreatedAt, InstantOrNull, Json, JsonOrNull, UpdatedAt } from "./column-types.ts";

/** Plans and what became of them, as part of the control database. */

/** A connection as a plan was made from it; no secrets. */
export interface FrozenConnection {
  id: string;
  config: Record<string, unknown>;
}

/** What a plan was made from. `destination` is null for the default warehouse. */
export interface FrozenSettings {
  connection: FrozenConnection;
  sourceConfig: Record<string, unknown>;
  destinationConfig: Record<string, unknown>;
  destination: FrozenConnection | null;
}

/** `id` is the id of the run that made the plan. */
export interface PlanTable {
  id: string;
  rootRunId: string;
  syncId: string;
  /** Of everything that decides what is read and where it goes. */
  configHash: string;
  /** Null: an older version made the plan, which goes by the settings of now. */
  frozen: ColumnType<FrozenSettings | null, string | undefined, string>;
  createdAt: CreatedAt;
}

/** A job that was made at the source for a slice. Written before anybody waits for it, so that it can be cancelled whatever becomes of its run. */
export interface ExportJobTable {
  id: Generated<string>;
  /** The attempt that made it. */
  runId: string;
  connectionId: string;
  planId: string;
  sliceNo: number;
  entityKey: string;
  job: JSONColumnType<ExportJob>;
  createdAt: CreatedAt;
  /** Since when nobody waits for it; null while somebody does. */
  cancelFrom: InstantOrNull;
  /** Not cancelled before. */
  nextTryAt: Generated<Date>;
  endedAt: InstantOrNull;
  /** `used`: its slice is done. `left`: it could not be cancelled. */
  outcome: "used" | "cancelled" | "left" | null;
  /** Why it could not be cancelled. */
  error: string | null;
}

/** One entity of a plan, with what it was planned from. */
export interface PlanEntityTable {
  planId: string;
  entityKey: string;
  /** Order in which `sequential` runs them. */
  ordinal: number;
  dependsOn: string[];
  /** JSON of `EntityReadSpec` (providers/provider.ts): columns, key, cursor. */
  spec: Json;
  /** The entity that carries the slices of its group, for each of the others in it. Null: the entity has slices of its own. */
  leadKey: string | null;
  /** The parent that its rows belong to, as the provider has it; null without one. */
  childOf: string | null;
  /** JSON of the parent's `EntityReadSpec` where the slices are read by it and it is not loaded. Null: they are read by `spec`. */
  readSpec: JsonOrNull;
  /** JSON of a target (destinations/stored-target.ts). */
  target: Json;
  /** Cursor from which the next incremental run starts when all slices are done; source's own text. */
  upperBound: string | null;
  /** Version of the cursor state the plan started from; 0 where there was none. */
  cursorVersion: number;
  /** What was listed to find this work, such as `{"by":"cursor","count":0}`. */
  evidence: Json;
  /** When the beside-table took the table's place; stays null where nothing is swapped. */
  swappedAt: InstantOrNull;
  /** Set where the entity could not be planned; the others go on. */
  reasonCode: ReasonCode | null;
  error: string | null;
}

export interface PlanSliceTable {
  planId: string;
  sliceNo: number;
  entityKey: string;
  stage: 0 | 1;
  window: JSONColumnType<Window>;
  label: string;
}

/** Progress of one attempt on one slice; at the end a copy of the destination's ledger. */
export interface RunSliceTable {
  runId: string;
  sliceNo: number;
  entityKey: string;
  label: string;
  status: SliceStatus;
  /** Done by an earlier attempt of the chain: counts as done, its rows do not count again. */
  inherited: Generated<boolean>;
  /** How often a worker has taken it up in this attempt. */
  tries: Generated<number>;
  rowsRead: Generated<number>;
  rowsWritten: Generated<number>;
  rowsRejected: Generated<number>;
  rowsDeleted: Generated<number>;
  bytesRead: Generated<number>;
  /** What the ledger had of the slice when the attempt began: earlier attempts' rows. Null: an older version began it. */
  baseRowsRead: number | null;
  baseRowsWritten: number | null;
  baseRowsRejected: number | null;
  baseRowsDeleted: number | null;
  /** What was found in its window, of a run that compares; null before, and for all others. */
  verification: ColumnType<Verification | null, undefined, string>;
  waitReason: string | null;
  waitUntil: InstantOrNull;
  reasonCode: ReasonCode | null;
  error: string | null;
  startedAt: InstantOrNull;
  completedAt: InstantOrNull;
  updatedAt: UpdatedAt;
}

/** What an attempt has done to each table of a slice that writes to several. Such a slice's own counts are their sums. */
export interface RunSliceTableTable {
  runId: string;
  sliceNo: number;
  entityKey: string;
  rowsRead: Generated<number>;
  rowsWritten: Generated<number>;
  rowsRejected: Generated<number>;
  rowsDeleted: Generated<number>;
  /** As of `run_slices`. */
  baseRowsRead: Generated<number>;
  baseRowsWritten: Generated<number>;
  baseRowsRejected: Generated<number>;
  baseRowsDeleted: Generated<number>;
}
