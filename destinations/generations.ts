import { fitIdentifier } from "../core/naming.ts";
import type { TargetColumn } from "./destination.ts";
import type { Session } from "./session.ts";
import {
  LEDGER_SCHEMA,
  quoteColumns,
  quoteIdentifier,
  quoteTable,
  RUN_ID_COLUMN,
  SYNCED_AT_COLUMN,
  type TableName,
} from "./sql.ts";
import { defineColumns, readShape, reshapingActions } from "./table-shape.ts";

/**
 * The user's table is a parent without rows of its own, partitioned so that it has exactly one partition, the default: its
 * present generation. A swap puts another generation in that place; the parent, its grants and its views stay.
 * The partition column has to be part of the key, and is its first; any other would do.
 */
export function partitionColumn(keyColumns: readonly string[]): string {
  return keyColumns[0] ?? RUN_ID_COLUMN;
}

/** A name that was never used before: numbered across all tables, so a long name can be cut without meeting another. */
async function nextLeaf(session: Session, { schema, table }: TableName): Promise<TableName> {
  const { rows } = await session.client.query<{ number: string }>("select nextval('_sluice.generations') as number");
  return { schema: LEDGER_SCHEMA, table: fitIdentifier(`g${rows[0]?.number}_${schema}_${table}`) };
}

/**
 * Makes the user's table and its first generation. Only key columns are NOT NULL: a source may say so and not hold to it.
 * @returns the generation
 */
export async function createTable(
  session: Session,
  name: TableName,
  columns: TargetColumn[],
  keyColumns: string[],
  cursorField: string | null,
): Promise<TableName> {
  const leaf = await nextLeaf(session, name);
  const key = keyColumns.length === 0 ? "" : `, primary key (${quoteColumns(keyColumns)})`;
  await ensureSchema(session, name.schema);
  await session.client.query(
    `create table ${quoteTable(name)} (
       ${defineColumns(columns)},
       ${RUN_ID_COLUMN} uuid not null default current_setting('sluice.run_id')::uuid,
       ${SYNCED_AT_COLUMN} timestamptz not null default now()
       ${key}
     ) partition by list (${quoteIdentifier(partitionColumn(keyColumns))})`,
  );
  await session.client.query(`create table ${quoteTable(leaf)} partition of ${quoteTable(name)} default`);
  // An append without a key looks for its rows where their cursors are.
  if (keyColumns.length === 0 && cursorField !== null) {
    await session.client.query(`create index on ${quoteTable(name)} (${quoteIdentifier(cursorField)})`);
  }
  return leaf;
}

/**
 * Makes an empty generation beside the present one, with the indexes of the user's table, so that it is put into place
 * without reading a row, but with the source's present types and key.
 */
export async function createBeside(
  session: Session,
  name: TableName,
  columns: TargetColumn[],
  keyColumns: string[],
): Promise<TableName> {
  const leaf = await nextLeaf(session, name);
  await session.client.query(`create table ${quoteTable(leaf)} (like ${quoteTable(name)} including all)`);
  const shape = await readShape(session, leaf);
  const actions = shape === null ? [] : reshapingActions(shape, { columns, keyColumns });
  if (actions.length > 0) await session.client.query(`alter table ${quoteTable(leaf)} ${actions.join(", ")}`);
  return leaf;
}

/** `create schema if not exists` asks for the privilege to create even where the schema is there. */
async function ensureSchema({ client }: Session, schema: string): Promise<void> {
  const { rows } = await client.query<{ exists: boolean }>(
    "select exists (select from pg_namespace where nspname = $1) as exists",
    [schema],
  );
  if (!rows[0]?.exists) await client.query(`create schema if not exists ${quoteIdentifier(schema)}`);
}
