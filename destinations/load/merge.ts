import { DELETED_AT_COLUMN } from "../../core/own-columns.ts";
import type { TargetTable } from "../load-target.ts";
import type { Session } from "../session.ts";
import { quoteColumns, quoteIdentifier, quoteTable, RUN_ID_COLUMN, SYNCED_AT_COLUMN } from "../sql.ts";
import type { AppliedRows, StagedRows } from "./staging.ts";
import { refuseWithheld } from "./withheld.ts";
import type { BatchWriting } from "./writing.ts";

/** By key: the newest cursor wins, NULL is the oldest, and of equals the one read last. */
export const merge: BatchWriting = {
  by: "batch",
  does: "merge",
  apply: (session, { target }, staged) => mergeRows(session, target, staged),
};

export interface MergeRule {
  /** What this plan reads stands against what earlier ones have loaded, whatever its cursor says. */
  overrulesEarlierRuns?: boolean;
}

/** Merges rows by key, within a transaction. */
export async function mergeRows(
  session: Session,
  target: TargetTable,
  staged: StagedRows,
  rule: MergeRule = {},
): Promise<AppliedRows> {
  const statement = mergeStatement(target, staged, rule);
  const { rows } = await session.client.query<{ written: string; inserted: string }>(statement);
  const cursor = cursorOf(target, staged.columns);
  // Only a later cursor proves it: the trigger may have made the row equal to the one that is there.
  const changes = cursor === null ? "false" : `excluded.${cursor} > present.${cursor}`;
  await refuseWithheld(session, target, { from: newestRows(target, staged), changes });
  return { written: Number(rows[0]?.written), inserted: Number(rows[0]?.inserted) };
}

/**
 * Rows go in key order, so that two merges never deadlock. A row that is there already, equal to the byte, is not written
 * again: `*<>` compares images, hence also types without an equality operator, and tells 1.0 from 1.00. Keys are compared and written
 * as all other columns: two that are equal may differ in text, as 1.0 and 1.00 do, and the one that was read last counts.
 */
function mergeStatement(target: TargetTable, staged: StagedRows, rule: MergeRule): string {
  const { columns } = staged;
  const key = quoteColumns(target.keyColumns);
  const cursor = cursorOf(target, columns);
  const data = columns.map(quoteIdentifier);
  const assignments = [...data, RUN_ID_COLUMN, SYNCED_AT_COLUMN].map((column) => `${column} = excluded.${column}`);
  if (target.hasDeletedMark) assignments.push(`${DELETED_AT_COLUMN} = null`);
  const changes = changesOf(target, rule, { cursor, data });
  // Only an updated row's new version has been locked before, by its own update: xmax tells it from an inserted one.
  return `
    with merged as (
      insert into ${quoteTable({ schema: target.leafSchema, table: target.leafTable })} as present
        (${quoteColumns(columns)})
      ${newestRows(target, staged)}
      on conflict (${key}) do update set ${assignments.join(", ")} where ${changes}
      returning xmax = 0 as inserted
    )
    select count(*) as written, count(*) filter (where inserted) as inserted from merged`;
}

function cursorOf({ cursorField }: TargetTable, columns: string[]): string | null {
  return cursorField !== null && columns.includes(cursorField) ? quoteIdentifier(cursorField) : null;
}

/** Of each key, in its order. */
function newestRows(target: TargetTable, { table, columns, readOrder }: StagedRows): string {
  const key = quoteColumns(target.keyColumns);
  const cursor = cursorOf(target, columns);
  return `
      select distinct on (${key}) ${quoteColumns(columns)}
      from ${table}
      order by ${key}, ${cursor === null ? "" : `${cursor} desc nulls last,`} ${readOrder} desc`;
}

/**
 * Whether a row that is there becomes the one that was read. A row that was marked as deleted does anyway: what the source
 * has again may be older than what it had.
 */
function changesOf(
  { hasDeletedMark }: TargetTable,
  { overrulesEarlierRuns }: MergeRule,
  { cursor, data }: { cursor: string | null; data: string[] },
): string {
  const image = (alias: string): string => `row(${data.map((column) => `${alias}.${column}`).join(", ")})::record`;
  const newer = [`present.${cursor} is null`, `excluded.${cursor} >= present.${cursor}`];
  // Slices that read side by side may bring a row's older state last; what earlier runs have brought was read before.
  if (overrulesEarlierRuns) newer.push(`present.${RUN_ID_COLUMN} <> excluded.${RUN_ID_COLUMN}`);
  const differs = `${cursor === null ? "" : `(${newer.join(" or ")}) and `}${image("present")} *<> ${image("excluded")}`;
  return hasDeletedMark ? `present.${DELETED_AT_COLUMN} is not null or (${differs})` : differs;
}
