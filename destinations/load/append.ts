import type { SliceRequest } from "../destination.ts";
import type { TargetTable } from "../load-target.ts";
import type { Session } from "../session.ts";
import { quoteColumns, quoteIdentifier, quoteTable } from "../sql.ts";
import type { AppliedRows, StagedRows } from "./staging.ts";
import { refuseWithheld } from "./withheld.ts";
import type { BatchWriting, WriteRequest } from "./writing.ts";

/** Adds the staged rows that are not there yet, by key or, without one, as a multiset. */
export const append: BatchWriting = { by: "batch", does: "append", apply: appendRows };

async function appendRows(session: Session, request: WriteRequest, staged: StagedRows): Promise<AppliedRows> {
  const { target } = request;
  const result =
    target.keyColumns.length > 0
      ? await session.client.query(appendByKey(target, staged))
      : await session.client.query(appendByCount(target, staged), [
          ...[request.planId, request.sliceNo],
          // Tables of one slice may have equal rows.
          request.isMember ? request.entityKey : "",
        ]);
  const inserted = result.rowCount ?? 0;
  if (target.keyColumns.length > 0) {
    await refuseWithheld(session, target, {
      from: `select ${quoteColumns(target.keyColumns)} from ${staged.table}`,
      changes: "false",
    });
  }
  return { written: inserted, inserted };
}

/** What `appendByCount` has to know of a slice's earlier batches is of no use once the slice is done. */
export async function forgetAppended(
  session: Session,
  { planId, sliceNo, target, members = [] }: SliceRequest,
): Promise<void> {
  if ([{ target }, ...members].every((table) => table.target.keyColumns.length > 0)) return;
  await session.client.query("delete from _sluice.appended where plan_id = $1 and slice_no = $2", [planId, sliceNo]);
}

function appendByKey(target: TargetTable, { table, columns, readOrder }: StagedRows): string {
  const key = quoteColumns(target.keyColumns);
  return `
    insert into ${leafOf(target)} (${quoteColumns(columns)})
    select distinct on (${key}) ${quoteColumns(columns)}
    from ${table}
    order by ${key}, ${readOrder}
    on conflict (${key}) do nothing`;
}

/**
 * Equal rows that the source has n times are there n times: no more when they are read again, no fewer because they are
 * equal. `appended` counts how often the slice has read a row so far, over all of its batches; what is missing of that in the
 * table is added. Equal rows have equal cursors, so the table is looked at only where the staged cursors are.
 */
function appendByCount(target: TargetTable, staged: StagedRows): string {
  const { table, columns, readOrder } = staged;
  const hash = (alias: string): string =>
    `md5($3::text || row(${columns.map((name) => `${alias}.${quoteIdentifier(name)}`).join(", ")})::text)::uuid`;
  return `
    with staged as (
      select s.*, ${readOrder} as read_order, ${hash("s")} as row_hash,
             row_number() over (partition by ${hash("s")} order by ${readOrder}) as occurrence
      from ${table} s
    ),
    counted as (
      insert into _sluice.appended as seen (plan_id, slice_no, row_hash, times_read)
      select $1, $2, row_hash, count(*) from staged group by row_hash
      on conflict (plan_id, slice_no, row_hash) do update set times_read = seen.times_read + excluded.times_read
      returning row_hash, times_read
    ),
    present as (
      select ${hash("t")} as row_hash, count(*) as times from ${leafOf(target)} t ${whereStaged(target, staged)} group by 1
    )
    insert into ${leafOf(target)} (${quoteColumns(columns)})
    select ${columns.map((name) => `staged.${quoteIdentifier(name)}`).join(", ")}
    from staged join counted using (row_hash) left join present using (row_hash)
    where staged.occurrence <= counted.times_read - coalesce(present.times, 0)
    order by staged.read_order`;
}

function whereStaged(target: TargetTable, { table, columns }: StagedRows): string {
  if (target.cursorField === null || !columns.includes(target.cursorField)) return "";
  const cursor = quoteIdentifier(target.cursorField);
  return `
    where t.${cursor} between (select min(${cursor}) from ${table}) and (select max(${cursor}) from ${table})
       or (t.${cursor} is null and exists (select from ${table} where ${cursor} is null))`;
}

function leafOf(target: TargetTable): string {
  return quoteTable({ schema: target.leafSchema, table: target.leafTable });
}
