import { DELETED_AT_COLUMN, IS_CURRENT_COLUMN, SNAPSHOT_AT_COLUMN } from "../../core/own-columns.ts";
import type { TargetColumn } from "../load-target.ts";
import type { Session } from "../session.ts";
import { quoteTable, RUN_ID_COLUMN, SYNCED_AT_COLUMN, type TableName } from "../sql.ts";
import type { TableShape } from "./table-shape.ts";

/** Assignments. */
export const MARK_AS_DELETED = `${DELETED_AT_COLUMN} = now(), ${RUN_ID_COLUMN} = default, ${SYNCED_AT_COLUMN} = default`;

/** A full refresh does not load the history anew, and the name of a table that was loaded is settled. */
export const HISTORY_REMEDY =
  "The rows that it keeps are of that type: alter the column to the source's type, or rename the table to begin another one, then retry with runMode full_refresh.";

export const DELETED_AT: TargetColumn = { name: DELETED_AT_COLUMN, type: "timestamp with time zone", nullable: true };

/** A table keeps its marks when its load mode changes. A column of that name that the source has is the source's. */
export function hasDeletedMark(present: TableShape["columns"], source: readonly TargetColumn[]): boolean {
  const isMarked = present.some(({ name, type }) => name === DELETED_AT.name && type === DELETED_AT.type);
  return isMarked && !source.some(({ name }) => name === DELETED_AT_COLUMN);
}

/** What the rows of a table are: the source's; those of all its snapshots; those of all times at which they were valid. */
export type Layout = "rows" | "snapshots" | "versions";

/** Of a table that Sluice has made: nothing else makes a generated `_is_current`, or lists snapshots without a default. */
export async function readLayout({ client }: Session, name: TableName): Promise<Layout> {
  const { rows } = await client.query<{ layout: Layout }>(
    `select case
       when exists (
         select from pg_partitioned_table p
         join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
         where p.partrelid = relation.oid and p.partdefid = 0 and a.attname = $2) then 'snapshots'
       when exists (
         select from pg_attribute a
         where a.attrelid = relation.oid and a.attname = $3 and a.attgenerated <> '') then 'versions'
       else 'rows'
     end as layout
     from to_regclass($1) as relation (oid)`,
    [quoteTable(name), SNAPSHOT_AT_COLUMN, IS_CURRENT_COLUMN],
  );
  return rows[0]?.layout ?? "rows";
}
