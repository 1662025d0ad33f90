import type { LedgerSlice, TableCounts } from "../destination.ts";
import type { Session } from "../session.ts";
import { TABLE_SLICES } from "./slice-tables.ts";

/** pg gives every bigint as text; the counts are below 2^53. */
interface Row {
  sliceNo: number;
  entityKey: string;
  done: boolean;
  attempt: number;
  checkpoint: LedgerSlice["checkpoint"];
  tableKey: string;
  isOfGroup: boolean;
  rowsRead: string;
  rowsWritten: string;
  rowsRejected: string;
  rowsDeleted: string;
  finishAttempt: number | null;
  rowsFinished: string;
  rowsLetGo: string;
}

/** What a finish has written counts in the last slice of its entity. */
export async function readLedger(session: Session, planId: string): Promise<LedgerSlice[]> {
  const { rows } = await session.client.query<Row>(
    `select slice.slice_no as "sliceNo", slice.entity_key as "entityKey", slice.done, slice.attempt, slice.checkpoint,
            counted.entity_key as "tableKey",
            exists (
              select from _sluice.slice_tables member where member.plan_id = $1 and member.slice_no = slice.slice_no
            ) as "isOfGroup",
            counted.rows_read as "rowsRead", counted.rows_written as "rowsWritten",
            counted.rows_rejected as "rowsRejected", counted.rows_deleted as "rowsDeleted",
            finish_attempt as "finishAttempt", coalesce(finish_rows, 0) as "rowsFinished",
            coalesce(finish_deleted, 0) as "rowsLetGo"
     from _sluice.slices slice
     join (
       select *, max(slice_no) over (partition by entity_key) as last_slice_no from ${TABLE_SLICES} where plan_id = $1
     ) counted on counted.slice_no = slice.slice_no
     left join (
       select entity_key, finish_attempt, finish_rows, finish_deleted from _sluice.targets
       where plan_id = $1 and finished_at is not null
     ) finished on finished.entity_key = counted.entity_key and counted.slice_no = last_slice_no
     where slice.plan_id = $1
     order by slice.slice_no, counted.entity_key`,
    [planId],
  );
  const slices = new Map<number, LedgerSlice>();
  for (const row of rows) {
    const { sliceNo, entityKey, done, attempt, checkpoint } = row;
    const counts = countsOf(row);
    const before = slices.get(sliceNo);
    slices.set(sliceNo, {
      ...{ sliceNo, entityKey, done, attempt, checkpoint },
      ...addCounts(before, counts),
      tables: row.isOfGroup ? { ...before?.tables, [row.tableKey]: counts } : null,
      // A group is finished as a whole.
      finish: counts.finish ?? before?.finish ?? null,
    });
  }
  return [...slices.values()];
}

function countsOf({ finishAttempt, rowsFinished, rowsLetGo, ...row }: Row): TableCounts {
  const finish = finishAttempt === null ? null : { attempt: finishAttempt, rowsWritten: Number(rowsFinished) };
  return {
    rowsRead: Number(row.rowsRead),
    rowsWritten: Number(row.rowsWritten) + (finish?.rowsWritten ?? 0),
    rowsRejected: Number(row.rowsRejected),
    rowsDeleted: Number(row.rowsDeleted) + (finish === null ? 0 : Number(rowsLetGo)),
    finish,
  };
}

function addCounts(before: LedgerSlice | undefined, counts: TableCounts) {
  return {
    rowsRead: (before?.rowsRead ?? 0) + counts.rowsRead,
    rowsWritten: (before?.rowsWritten ?? 0) + counts.rowsWritten,
    rowsRejected: (before?.rowsRejected ?? 0) + counts.rowsRejected,
    rowsDeleted: (before?.rowsDeleted ?? 0) + counts.rowsDeleted,
  };
}
