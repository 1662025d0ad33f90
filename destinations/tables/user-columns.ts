import { DELETED_AT_COLUMN } from "../../core/own-columns.ts";
import type { LoadTarget, TargetColumn } from "../load-target.ts";
import type { Session } from "../session.ts";
import { quoteColumns, quoteIdentifier, quoteTable, RUN_ID_COLUMN, SYNCED_AT_COLUMN, type TableName } from "../sql.ts";
import { widens } from "./column-types.ts";
import { hasDeletedMark } from "./layout.ts";
import { sameColumns, type TableShape } from "./table-shape.ts";

/**
 * Users add columns to the table. No load fills them, so a new generation takes their values from the present one, by key.
 * The ledger records which columns Sluice has loaded; what it does not know counts as a user's, since those are kept.
 */

/** @returns null where nothing is recorded of the table, which an older version then made */
export async function findLoadedColumns({ client }: Session, { schema, table }: TableName): Promise<string[] | null> {
  // `to_jsonb`: a preview may meet a ledger of an older version, which does not have the column.
  const { rows } = await client.query<{ columns: string[] | null }>(
    `select array_agg(distinct name) as columns from (
       select jsonb_array_elements_text(nullif(to_jsonb(tables) -> 'loaded_columns', 'null')) as name
       from _sluice.tables where schema_name = $1 and table_name = $2
       union all
       select json_array_elements(target -> 'columns') ->> 'name'
       from _sluice.targets where schema_name = $1 and table_name = $2
     ) recorded`,
    [schema, table],
  );
  return rows[0]?.columns ?? null;
}

/** Adds to what the ledger records of the table. Idempotent. */
export async function recordLoadedColumns(
  session: Session,
  { schema, table }: TableName,
  columns: readonly TargetColumn[],
): Promise<void> {
  const before = (await findLoadedColumns(session, { schema, table })) ?? [];
  await session.client.query(
    "update _sluice.tables set loaded_columns = $3 where schema_name = $1 and table_name = $2",
    [schema, table, [...new Set([...before, ...columns.map(({ name }) => name)])].sort()],
  );
}

/**
 * @param columns those that are loaded now
 * @returns names of the columns that Sluice has never loaded, without generated ones, which have no values of their own
 */
export async function findUserColumns(
  session: Session,
  table: TableName,
  { shape, columns }: { shape: TableShape; columns: readonly TargetColumn[] },
): Promise<string[]> {
  const ours = [
    ...columns.map(({ name }) => name),
    ...((await findLoadedColumns(session, table)) ?? []),
    ...[RUN_ID_COLUMN, SYNCED_AT_COLUMN],
    ...(hasDeletedMark(shape.columns, columns) ? [DELETED_AT_COLUMN] : []),
  ];
  const { rows } = await session.client.query<{ name: string }>(
    `select attname as name from pg_attribute
     where attrelid = to_regclass($1) and attnum > 0 and not attisdropped and attgenerated = '' and attname <> all ($2)
     order by attnum`,
    [quoteTable(table), ours],
  );
  return rows.map(({ name }) => name);
}

/** Can a row be found again in a generation with this key? */
export function keepsKey(present: TableShape, next: Pick<TableShape, "columns" | "keyColumns">): boolean {
  const typeIn = (columns: TableShape["columns"], name: string) => columns.find((column) => column.name === name)?.type;
  return (
    present.keyColumns.length > 0 &&
    sameColumns(present.keyColumns, next.keyColumns) &&
    present.keyColumns.every((name) =>
      widens(typeIn(present.columns, name) ?? "", typeIn(next.columns, name) ?? "not there"),
    )
  );
}

/** Copies the values of users' columns into the rows of the same key, where they differ. */
export async function carryValues(
  { client }: Session,
  target: Pick<LoadTarget, "keyColumns">,
  of: { from: TableName; to: TableName; columns: readonly string[] },
): Promise<void> {
  if (of.columns.length === 0) return;
  const rowOf = (alias: string) => `row(${of.columns.map((name) => `${alias}.${quoteIdentifier(name)}`).join(", ")})`;
  const sameKey = target.keyColumns.map(quoteIdentifier).map((name) => `present.${name} = next.${name}`);
  await client.query(
    `update ${quoteTable(of.to)} next set (${quoteColumns(of.columns)}) = ${rowOf("present")}
     from ${quoteTable(of.from)} present
     where ${sameKey.join(" and ")} and ${rowOf("present")}::record *<> ${rowOf("next")}::record`,
  );
}
