import { type Kysely, sql } from "kysely";
import { inTransaction } from "./client.ts";
import { movedByEntity } from "./run-summary.ts";
import { lockChainOf } from "./runs.ts";
import type { Database } from "./schema.ts";

type Executor = Kysely<Database>;

/**
 * Rows are counted once, by the attempt that committed them. The ledger counts over the whole chain, so an attempt has what the
 * ledger says now less what it said when the attempt began. Over a chain the attempts' counts therefore add up to the ledger's.
 */

export interface RowCounts {
  rowsRead: number;
  rowsWritten: number;
  rowsRejected: number;
  rowsDeleted: number;
}

/** A slice as the destination's ledger has it. */
export interface CountedSlice extends RowCounts {
  sliceNo: number;
  /** By entityKey, where the slice writes to several tables; null otherwise. */
  tables: Record<string, RowCounts> | null;
}

/** The counts of each table of slices that write to several. */
export function tableCounts(slices: readonly CountedSlice[]): (RowCounts & { sliceNo: number; entityKey: string })[] {
  return slices.flatMap(({ sliceNo, tables }) =>
    Object.entries(tables ?? {}).map(([entityKey, { rowsRead, rowsWritten, rowsRejected, rowsDeleted }]) => ({
      ...{ sliceNo, entityKey, rowsRead, rowsWritten, rowsRejected, rowsDeleted },
    })),
  );
}

/**
 * The ledger is right where the two differ: progress is written on the side, and may be behind or be counted twice when the
 * connection is lost. An attempt that a process of an older version began has no beginning on record: then it is what earlier
 * attempts have counted.
 */
export async function copyCounts(trx: Executor, runId: string, ledger: readonly CountedSlice[]): Promise<void> {
  const counted = ledger.map(({ sliceNo, rowsRead, rowsWritten, rowsRejected, rowsDeleted }) => ({
    ...{ sliceNo, rowsRead, rowsWritten, rowsRejected, rowsDeleted },
  }));
  await sql`
    update run_slices s
    set rows_read = greatest(0, l."rowsRead" - coalesce(s.base_rows_read, earlier.read)),
        rows_written = greatest(0, l."rowsWritten" - coalesce(s.base_rows_written, earlier.written)),
        rows_rejected = greatest(0, l."rowsRejected" - coalesce(s.base_rows_rejected, earlier.rejected)),
        rows_deleted = greatest(0, l."rowsDeleted" - coalesce(s.base_rows_deleted, 0))
    from jsonb_to_recordset(${JSON.stringify(counted)}::jsonb)
      as l("sliceNo" integer, "rowsRead" bigint, "rowsWritten" bigint, "rowsRejected" bigint, "rowsDeleted" bigint)
    cross join (select plan_id, attempt_root_run_id, attempt_number from runs where id = ${runId}) run
    cross join lateral (
      select coalesce(sum(b.rows_read), 0) as read, coalesce(sum(b.rows_written), 0) as written,
             coalesce(sum(b.rows_rejected), 0) as rejected
      from runs p join run_slices b on b.run_id = p.id and b.slice_no = l."sliceNo"
      where p.attempt_root_run_id = run.attempt_root_run_id and p.plan_id = run.plan_id
        and p.attempt_number < run.attempt_number) earlier
    where s.run_id = ${runId} and s.slice_no = l."sliceNo"`.execute(trx);
  await sql`
    update run_slice_tables t
    set rows_read = greatest(0, l."rowsRead" - t.base_rows_read),
        rows_written = greatest(0, l."rowsWritten" - t.base_rows_written),
        rows_rejected = greatest(0, l."rowsRejected" - t.base_rows_rejected),
        rows_deleted = greatest(0, l."rowsDeleted" - t.base_rows_deleted)
    from jsonb_to_recordset(${JSON.stringify(tableCounts(ledger))}::jsonb)
      as l("sliceNo" integer, "entityKey" text, "rowsRead" bigint, "rowsWritten" bigint, "rowsRejected" bigint,
           "rowsDeleted" bigint)
    where t.run_id = ${runId} and t.slice_no = l."sliceNo" and t.entity_key = l."entityKey"`.execute(trx);
}

/** What the ledger tells of a run that ended while its destination was away, once the destination refuses its writes. */
export interface LateCounts {
  runId: string;
  ledger: readonly CountedSlice[];
  /** What each entity shows of its rows, where that is not what the attempt has written. */
  shown: Record<string, number>;
}

/**
 * Marks the run as fenced, with what it had committed by then. The first caller counts: after it a next attempt may write. A
 * cancelled run's receipt says that it is fenced, too.
 */
export async function settleFenced(db: Executor, { runId, ledger, shown }: LateCounts): Promise<void> {
  await inTransaction(db, async (trx) => {
    const run = await lockChainOf(trx, runId);
    if (run.fencedAt !== null) return;
    await copyCounts(trx, runId, ledger);
    await sql`
      update runs set
        fenced_at = now(),
        summary = (case when summary ? 'cancel' then jsonb_set(summary, '{cancel,fenced}', 'true') else summary end)
          || (select jsonb_build_object(
                'rowsRead', coalesce(sum(rows_read), 0), 'rowsWritten', coalesce(sum(rows_written), 0),
                'rowsRejected', coalesce(sum(rows_rejected), 0), 'rowsDeleted', coalesce(sum(rows_deleted), 0))
              from run_slices where run_id = runs.id)
          || jsonb_build_object('entities', (
               select coalesce(jsonb_object_agg(entity.key, entity.value || jsonb_strip_nulls(jsonb_build_object(
                 'rows', coalesce((${JSON.stringify(shown)}::jsonb ->> entity.key)::bigint, moved.rows, 0),
                 'rowsRejected', nullif(moved.rejected, 0), 'rowsDeleted', nullif(moved.deleted, 0)))), '{}')
               from jsonb_each(coalesce(summary -> 'entities', '{}')) entity
               left join ${movedByEntity()} moved on moved.entity_key = entity.key))
      where id = ${runId}`.execute(trx);
  });
}
