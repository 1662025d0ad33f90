import type { LoadableRows, SliceRequest } from "../destination.ts";
import { forgetAppended } from "../load/append.ts";
import type { AppliedRows } from "../load/staging.ts";
import { SupersededError } from "../load/writer-errors.ts";
import type { Session } from "../session.ts";
import type { SliceClaim } from "./claim.ts";

/** What a transaction has brought about in one table. */
export interface TableProgress extends AppliedRows {
  rowsRead: number;
  rowsRejected: number;
  rowsDeleted?: number;
  /** Of these, rows that gave way to another version of their file. */
  rowsReplaced?: number;
}

/** What a transaction has brought about, and where the slice stands with it. */
export interface SliceProgress extends TableProgress, Pick<LoadableRows, "checkpoint" | "final"> {
  /** By entityKey, of a slice that writes to several tables: the counts are their sums. */
  tables?: Record<string, TableProgress>;
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
  if (reached.tables !== undefined) await countTables(session, request, reached.tables);
  const { rowCount } = await session.client.query(
    `with chain as (
       select from _sluice.chains where root_run_id = $1 and min_attempt <= $2 for share
     )
     update _sluice.slices set
       checkpoint = $6, done = $7, rows_read = rows_read + $8, rows_written = rows_written + $9,
       rows_inserted = rows_inserted + $10, rows_rejected = rows_rejected + $11,
       rows_deleted = rows_deleted + $12, rows_replaced = rows_replaced + $13, updated_at = now()
     where plan_id = $3 and slice_no = $4 and fence = $5 and exists (select from chain)`,
    [
      ...[request.chain.rootRunId, request.chain.attempt, request.planId, request.sliceNo, claim.fence],
      ...[reached.checkpoint === null ? null : JSON.stringify(reached.checkpoint), reached.final],
      ...[reached.rowsRead, reached.written, reached.inserted, reached.rowsRejected],
      ...[reached.rowsDeleted ?? 0, reached.rowsReplaced ?? 0],
    ],
  );
  if (rowCount === 0) {
    throw new SupersededError(`Slice ${request.sliceNo} is no longer attempt ${request.chain.attempt}'s.`);
  }
}

/** Before the chain's lock is taken: nobody else counts for the slice, and whoever has lost it rolls back. */
async function countTables(
  { client }: Session,
  { planId, sliceNo }: SliceRequest,
  tables: Record<string, TableProgress>,
): Promise<void> {
  const counts = Object.entries(tables).map(([entityKey, { rowsDeleted = 0, rowsReplaced = 0, ...moved }]) => ({
    ...{ entityKey, rowsDeleted, rowsReplaced, ...moved },
  }));
  await client.query(
    `update _sluice.slice_tables table_of set
       rows_read = rows_read + moved."rowsRead", rows_written = rows_written + moved.written,
       rows_inserted = rows_inserted + moved.inserted, rows_rejected = rows_rejected + moved."rowsRejected",
       rows_deleted = rows_deleted + moved."rowsDeleted", rows_replaced = rows_replaced + moved."rowsReplaced"
     from jsonb_to_recordset($3::jsonb)
       as moved ("entityKey" text, "rowsRead" bigint, written bigint, inserted bigint, "rowsRejected" bigint, "rowsDeleted" bigint,
                 "rowsReplaced" bigint)
     where plan_id = $1 and slice_no = $2 and table_of.entity_key = moved."entityKey"`,
    [planId, sliceNo, JSON.stringify(counts)],
  );
}
