import type { SliceRequest } from "../destination.ts";
import type { Session } from "../session.ts";
import type { AppliedRows, StagedRows } from "./staging.ts";

/** What is known of the slice whose rows are applied. */
export type WriteRequest = Pick<SliceRequest, "target" | "planId" | "sliceNo" | "entityKey" | "window" | "runId"> & {
  /** One of several tables of the slice, and not its first. */
  isMember?: boolean;
};

/** How staged batches reach a table. It knows nothing of commits, checkpoints or other tables: the caller has a transaction open. */
export type Writing = BatchWriting | SliceWriting | WaitingWriting;

type ApplyStaged = (session: Session, request: WriteRequest, staged: StagedRows) => Promise<AppliedRows>;

/** Each batch by itself. */
export interface BatchWriting {
  by: "batch";
  does: "merge" | "append";
  apply: ApplyStaged;
}

/** Only a whole slice can be applied: its batches are held in the session until then, in a table of its own. */
export interface SliceWriting {
  by: "slice";
  does: "replace";
  /** When the slice is claimed. @throws TerminalError config_invalid where the slice cannot be written that way */
  check(session: Session, request: WriteRequest): Promise<void>;
  /** @param held name of the table that holds them, in `pg_temp` */
  hold(session: Session, request: WriteRequest, rows: { staged: StagedRows; held: string }): Promise<void>;
  applyHeld(session: Session, request: WriteRequest, rows: { held: string }): Promise<AppliedRows>;
}

/** Rows wait in the leaf as they were read, so none of them overlaps another. The finish counts what becomes of them. */
export interface WaitingWriting {
  by: "finish";
  does: "append";
  apply: ApplyStaged;
}
