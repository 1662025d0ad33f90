import type { LoadTarget } from "./destination.ts";
import type { Session } from "./session.ts";
import { quoteColumns, quoteIdentifier, quoteTable, RUN_ID_COLUMN, SYNCED_AT_COLUMN } from "./sql.ts";
import { type AppliedRows, READ_ORDER, STAGE } from "./staging.ts";

/** Merges the staged rows by key: the newest cursor wins, NULL is the oldest, and of equals the one read last. */
export async function mergeRows({ client }: Session, target: LoadTarget, columns: string[]): Promise<AppliedRows> {
  const { rows } = await client.query<{ written: string; inserted: string }>(mergeStatement(target, columns));
  return { written: Number(rows[0]?.written), inserted: Number(rows[0]?.inserted) };
}

/**
 * Rows go in key order, so that two merges never deadlock. A row that is there already, equal to the byte, is not written
 * again: `*<>` compares images, hence also types without an equality operator, and tells 1.0 from 1.00.
 */
function mergeStatement(target: LoadTarget, columns: string[]): string {
  const key = quoteColumns(target.keyColumns);
  const cursor =
    target.cursorField !== null && columns.includes(target.cursorField) ? quoteIdentifier(target.cursorField) : null;
  const data = columns.filter((name) => !target.keyColumns.includes(name)).map(quoteIdentifier);
  const image = (alias: string): string => `row(${data.map((column) => `${alias}.${column}`).join(", ")})::record`;
  const newer = cursor === null ? "" : `(present.${cursor} is null or excluded.${cursor} >= present.${cursor}) and`;
  const update =
    data.length === 0
      ? "do nothing"
      : `do update set
           ${[...data, RUN_ID_COLUMN, SYNCED_AT_COLUMN].map((column) => `${column} = excluded.${column}`).join(", ")}
         where ${newer} ${image("present")} *<> ${image("excluded")}`;
  // Only an updated row's new version has been locked before, by its own update: xmax tells it from an inserted one.
  return `
    with merged as (
      insert into ${quoteTable({ schema: target.leafSchema, table: target.leafTable })} as present
        (${quoteColumns(columns)})
      select distinct on (${key}) ${quoteColumns(columns)}
      from ${STAGE}
      order by ${key}, ${cursor === null ? "" : `${cursor} desc nulls last,`} ${READ_ORDER} desc
      on conflict (${key}) ${update}
      returning xmax = 0 as inserted
    )
    select count(*) as written, count(*) filter (where inserted) as inserted from merged`;
}
