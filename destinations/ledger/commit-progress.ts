import type { LoadableRows, SliceRequest } from "../destination.ts";
import { forgetAppended } from "../load/append.ts";
import type { AppliedRows } from "../load/staging.ts";
import { SupersededError } from "../load/writer-errors.ts";
import type { Session } from "../session.ts";
import type { SliceClaim } from "./claim.ts";

/** What a transaction has brought about, and where the slice stands with it. */
export interface SliceProgress extends AppliedRows, Pick<LoadableRows, "checkpoint" | "final"> {
  rowsRead: number;
  rowsRejected: number;
}

/** Of a transaction that moves no row. */
export const NOTHING = { rowsRead: 0, written: 0, inserted: 0, rowsRejected: 0 } as const;

/**
 * The last statement before a commit, so that the chain's lock is held for a moment only, however long the source takes to
 * send its rows: a fence waits for it, and comes first or last, never in between.
 * @throws SupersededError
 */
export async function commitProgress(
  session: Session,
  request: SliceRequest,
  claim: SliceClaim,
  reached: SliceProgress,
): Promise<void> {
  if (reached.final) await forgetAppended(session, request);
  const { rowCount } = await session.client.query(
    `with chain as (
       select from _sluice.chains where root_run_id = $1 and min_attempt <= $2 for share
     )
     update _sluice.slices set
       checkpoint = $6, done = $7, rows_read = rows_read + $8, rows_written = rows_written + $9,
       rows_inserted = rows_inserted + $10, rows_rejected = rows_rejected + $11, updated_at = now()
     where plan_id = $3 and slice_no = $4 and fence = $5 and exists (select from chain)`,
    [
      ...[request.chain.rootRunId, request.chain.attempt, request.planId, request.sliceNo, claim.fence],
      ...[reached.checkpoint === null ? null : JSON.stringify(reached.checkpoint), reached.final],
      ...[reached.rowsRead, reached.written, reached.inserted, reached.rowsRejected],
    ],
  );
  if (rowCount === 0) {
    throw new SupersededError(`Slice ${request.sliceNo} is no longer attempt ${request.chain.attempt}'s.`);
  }
}
