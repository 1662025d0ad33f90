import { DELETED_AT_COLUMN } from "../../core/own-columns.ts";
import type { SliceRequest } from "../destination.ts";
import type { TargetTable } from "../load-target.ts";
import type { Session } from "../session.ts";
import { quoteColumns, quoteIdentifier, quoteTable, RUN_ID_COLUMN, SYNCED_AT_COLUMN } from "../sql.ts";
import { hasMark } from "../tables/deleted-mark.ts";
import type { AppliedRows, StagedRows } from "./staging.ts";
import { refuseWithheld } from "./withheld.ts";
import type { BatchWriting, WriteRequest } from "./writing.ts";

/** Adds the staged rows that are not there yet, by key or, without one, as a multiset. */
export const append: BatchWriting = { by: "batch", does: "append", apply: appendRows };

async function appendRows(session: Session, request: WriteRequest, staged: StagedRows): Promise<AppliedRows> {
  const { target } = request;
  if (target.keyColumns.length === 0) {
    const { rowCount } = await session.client.query(appendByCount(target, staged), [
      ...[request.planId, request.sliceNo],
      // Tables of one slice may have equal rows.
      request.isMember ? request.entityKey : "",
    ]);
    return { written: rowCount ?? 0, inserted: rowCount ?? 0 };
  }
  const { rows } = await session.client.query<{ written: string; inserted: string }>(
    appendByKey(target, staged, await hasMark(session, target)),
  );
  await refuseWithheld(session, target, {
    from: `select ${quoteColumns(target.keyColumns)} from ${staged.table}`,
    changes: "false",
  });
  return { written: Number(rows[0]?.written), inserted: Number(rows[0]?.inserted) };
}

/** What `appendByCount` has to know of a slice's earlier batches is of no use once the slice is done. */
export async function forgetAppended(
  session: Session,
  { planId, sliceNo, target, members = [] }: SliceRequest,
): Promise<void> {
  if ([{ target }, ...members].every((table) => table.target.keyColumns.length > 0)) return;
  await session.client.query("delete from _sluice.appended where plan_id = $1 and slice_no = $2", [planId, sliceNo]);
}

/** Where the deletion of a row has taken the place of the row, there is none for the row that is there again: it takes it back. */
function appendByKey(target: TargetTable, { table, columns, readOrder }: StagedRows, isMarked: boolean): string {
  const key = quoteColumns(target.keyColumns);
  const { cursorField } = target;
  const cursor = cursorField !== null && columns.includes(cursorField) ? quoteIdentifier(cursorField) : null;
  const again = [...columns.map(quoteIdentifier), RUN_ID_COLUMN, SYNCED_AT_COLUMN].map(
    (column) => `${column} = excluded.${column}`,
  );
  const isOlder = cursor === null ? "false" : `coalesce(excluded.${cursor} < present.${cursor}, false)`;
  const whereTaken = isMarked
    ? `do update set ${again.join(", ")}, ${DELETED_AT_COLUMN} = null
       where present.${DELETED_AT_COLUMN} is not null and not ${isOlder}`
    : "do nothing";
  return `
    with added as (
      insert into ${leafOf(target)} as present (${quoteColumns(columns)})
      select distinct on (${key}) ${quoteColumns(columns)}
      from ${table}
      order by ${key}, ${readOrder}
      on conflict (${key}) ${whereTaken}
      returning xmax = 0 as inserted
    )
    select count(*) as written, count(*) filter (where inserted) as inserted from added`;
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
