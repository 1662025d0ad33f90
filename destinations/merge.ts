import type { LoadTarget } from "./destination.ts";
import { DELETED_AT_COLUMN } from "./layout.ts";
import type { Session } from "./session.ts";
import { quoteColumns, quoteIdentifier, quoteTable, RUN_ID_COLUMN, SYNCED_AT_COLUMN } from "./sql.ts";
import { type AppliedRows, READ_ORDER, STAGE } from "./staging.ts";

/** Where rows wait, with what orders them as they were read. */
interface Waiting {
  table: string;
  readOrder: string;
}

/** Merges rows by key: the newest cursor wins, NULL is the oldest, and of equals the one read last. */
export async function mergeRows(
  { client }: Session,
  target: LoadTarget,
  columns: string[],
  waiting: Waiting = { table: STAGE, readOrder: READ_ORDER },
): Promise<AppliedRows> {
  const { rows } = await client.query<{ written: string; inserted: string }>(mergeStatement(target, columns, waiting));
  return { written: Number(rows[0]?.written), inserted: Number(rows[0]?.inserted) };
}

/**
 * Rows go in key order, so that two merges never deadlock. A row that is there already, equal to the byte, is not written
 * again: `*<>` compares images, hence also types without an equality operator, and tells 1.0 from 1.00.
 */
function mergeStatement(target: LoadTarget, columns: string[], waiting: Waiting): string {
  const key = quoteColumns(target.keyColumns);
  const cursor =
    target.cursorField !== null && columns.includes(target.cursorField) ? quoteIdentifier(target.cursorField) : null;
  const data = columns.filter((name) => !target.keyColumns.includes(name)).map(quoteIdentifier);
  const assignments = [...data, RUN_ID_COLUMN, SYNCED_AT_COLUMN].map((column) => `${column} = excluded.${column}`);
  if (target.marks) assignments.push(`${DELETED_AT_COLUMN} = null`);
  const changes = changesOf(target, cursor, data);
  const update = changes === null ? "do nothing" : `do update set ${assignments.join(", ")} where ${changes}`;
  // Only an updated row's new version has been locked before, by its own update: xmax tells it from an inserted one.
  return `
    with merged as (
      insert into ${quoteTable({ schema: target.leafSchema, table: target.leafTable })} as present
        (${quoteColumns(columns)})
      select distinct on (${key}) ${quoteColumns(columns)}
      from ${waiting.table}
      order by ${key}, ${cursor === null ? "" : `${cursor} desc nulls last,`} ${waiting.readOrder} desc
      on conflict (${key}) ${update}
      returning xmax = 0 as inserted
    )
    select count(*) as written, count(*) filter (where inserted) as inserted from merged`;
}

/**
 * Whether a row that is there becomes the one that was read. A row that was marked as deleted does anyway: what the source
 * has again may be older than what it had.
 * @returns null for never
 */
function changesOf({ marks, sourceWins }: LoadTarget, cursor: string | null, data: string[]): string | null {
  const image = (alias: string): string => `row(${data.map((column) => `${alias}.${column}`).join(", ")})::record`;
  const newer = [`present.${cursor} is null`, `excluded.${cursor} >= present.${cursor}`];
  // Slices that read side by side may bring a row's older state last; what earlier runs have brought was read before.
  if (sourceWins) newer.push(`present.${RUN_ID_COLUMN} <> excluded.${RUN_ID_COLUMN}`);
  const differs = `${cursor === null ? "" : `(${newer.join(" or ")}) and `}${image("present")} *<> ${image("excluded")}`;
  const reasons = [
    ...(marks ? [`present.${DELETED_AT_COLUMN} is not null`] : []),
    ...(data.length === 0 ? [] : [`(${differs})`]),
  ];
  return reasons.length === 0 ? null : reasons.join(" or ");
}
