import { fitIdentifier } from "../../core/naming.ts";
import type { TargetColumn } from "../load-target.ts";
import type { Session } from "../session.ts";
import {
  LEDGER_SCHEMA,
  MAX_IDENTIFIER_BYTES,
  quoteColumns,
  quoteIdentifier,
  quoteTable,
  RUN_ID_COLUMN,
  SYNCED_AT_COLUMN,
  type TableName,
} from "../sql.ts";
import { defineColumns, requireKeyColumns, reshapingActions, type TableShape } from "./table-shape.ts";

/** Of a session that has claimed a slice. */
const RUN_ID_DEFAULT = "_sluice.run_id()";

/**
 * The user's table is a parent without rows of its own, partitioned so that it has exactly one partition, the default: its
 * present generation. A swap puts another generation in that place; the parent, its grants and its views stay.
 * The partition column has to be part of the key, and is its first; any other would do.
 */
export function partitionColumn(keyColumns: readonly string[]): string {
  return keyColumns[0] ?? RUN_ID_COLUMN;
}

/** Gives the number in the next name; across all tables, so a long name can be cut without meeting another. */
export type NextNumber = (session: Session) => Promise<string>;

export const takeNumber: NextNumber = async ({ client }) => {
  const { rows } = await client.query<{ number: string }>("select nextval('_sluice.generations') as number");
  return String(rows[0]?.number);
};

/**
 * A name that was never used before.
 * @param kind `g` a generation, `w` a plan's work table
 */
export async function nextTableName(
  session: Session,
  kind: "g" | "w",
  { schema, table }: TableName,
  next: NextNumber = takeNumber,
): Promise<TableName> {
  return { schema: LEDGER_SCHEMA, table: fitIdentifier(`${kind}${await next(session)}_${schema}_${table}`) };
}

/** Makes the user's table and its first generation. */
export async function createTable(
  session: Session,
  name: TableName,
  leaf: TableName,
  of: { columns: TargetColumn[]; keyColumns: string[]; cursorField: string | null; keyComesLast?: boolean },
): Promise<string[]> {
  const { columns, keyColumns, cursorField, keyComesLast } = of;
  const partitionBy = partitionColumn(keyColumns);
  return [
    ...(await createParent(session, name, { columns, keyColumns: keyComesLast ? [] : keyColumns, partitionBy })),
    ...(keyComesLast ? [requireKeyColumns(name, keyColumns)] : []),
    `create table ${quoteTable(leaf)} partition of ${quoteTable(name)} default`,
    // An append without a key looks for its rows where their cursors are.
    ...(keyColumns.length === 0 && cursorField !== null
      ? [`create index on ${quoteTable(name)} (${quoteIdentifier(cursorField)})`]
      : []),
  ];
}

/** Makes the user's table. Only key columns are NOT NULL: a source may say so and not hold to it. */
export async function createParent(
  session: Session,
  name: TableName,
  { columns, keyColumns, partitionBy }: { columns: TargetColumn[]; keyColumns: string[]; partitionBy: string },
): Promise<string[]> {
  const key = keyColumns.length === 0 ? "" : `, primary key (${quoteColumns(keyColumns)})`;
  const provenance = [
    `${RUN_ID_COLUMN} uuid not null default ${RUN_ID_DEFAULT}`,
    `${SYNCED_AT_COLUMN} timestamptz not null default now()`,
  ];
  return [
    ...((await findSchema(session, name.schema))
      ? []
      : [`create schema if not exists ${quoteIdentifier(name.schema)}`]),
    `create table ${quoteTable(name)} (${[defineColumns(columns), ...provenance].join(", ")}${key}) partition by list (${quoteIdentifier(partitionBy)})`,
  ];
}

/**
 * Makes an empty generation beside the present one, with the indexes of the user's table, so that it is put into place
 * without reading a row, but with the source's present types and key.
 * @param shape of the user's table as it is then
 * @param wanted.adjustments further actions of an `alter table` of the generation
 */
export function createBeside(
  name: TableName,
  leaf: TableName,
  shape: TableShape,
  wanted: { columns: TargetColumn[]; keyColumns: string[]; keyComesLast: boolean; adjustments: string[] },
): string[] {
  const keyConstraint = shape.keyConstraint === null ? null : keyConstraintOf(leaf);
  const { columns, keyColumns, keyComesLast, adjustments } = wanted;
  // A table of an older version asks for it with every row.
  const runId = `alter column ${RUN_ID_COLUMN} set default ${RUN_ID_DEFAULT}`;
  const reshaped = reshapingActions(
    { ...shape, keyConstraint },
    { columns, keyColumns: keyComesLast ? [] : keyColumns },
  );
  return [
    `create table ${quoteTable(leaf)} (like ${quoteTable(name)} including all excluding identity)`,
    `alter table ${quoteTable(leaf)} ${[...reshaped, runId, ...adjustments].join(", ")}`,
    ...(keyComesLast ? [requireKeyColumns(leaf, keyColumns)] : []),
  ];
}

/** As Postgres names the key of a table that is made `like` another: the table's name, cut by whole characters to make room. */
export function keyConstraintOf({ table }: TableName): string {
  let head = table;
  while (Buffer.byteLength(head) > MAX_IDENTIFIER_BYTES - "_pkey".length) head = [...head].slice(0, -1).join("");
  return `${head}_pkey`;
}

/**
 * `create schema if not exists` asks for the privilege to create even where the schema is there, and fails where two sessions make
 * it at once. So whoever does not find it waits for others who are about to make it, until the end of their transaction.
 */
async function findSchema({ client }: Session, schema: string): Promise<boolean> {
  const isThere = async (): Promise<boolean> => {
    const { rows } = await client.query("select from pg_namespace where nspname = $1", [schema]);
    return rows.length > 0;
  };
  if (await isThere()) return true;
  await client.query("select pg_advisory_xact_lock(hashtextextended('sluice schema ' || $1, 0))", [schema]);
  return isThere();
}
