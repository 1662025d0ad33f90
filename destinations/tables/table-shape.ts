import type { TargetColumn } from "../load-target.ts";
import type { Session } from "../session.ts";
import { checkedType, quoteColumns, quoteIdentifier, quoteTable, type TableName } from "../sql.ts";

/** A table as the catalog has it. */
export interface TableShape {
  columns: ShapeColumn[];
  /** Of the primary key; empty without one. */
  keyColumns: string[];
  keyConstraint: string | null;
  /** The column that a parent is partitioned by; null where the table has rows of its own. */
  partitionedBy: string | null;
}

export interface ShapeColumn {
  name: string;
  /** As `format_type` prints it. */
  type: string;
}

/** @returns null when there is nothing of that name */
export async function readShape({ client }: Session, name: TableName): Promise<TableShape | null> {
  const { rows: found } = await client.query<
    Pick<TableShape, "keyConstraint" | "partitionedBy"> & { oid: string | null }
  >(
    `select relation.oid, key.conname as "keyConstraint",
            (select a.attname from pg_partitioned_table p
             join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
             where p.partrelid = relation.oid) as "partitionedBy"
     from to_regclass($1) as relation (oid)
     left join pg_constraint key on key.conrelid = relation.oid and key.contype = 'p'`,
    [quoteTable(name)],
  );
  const [relation] = found;
  if (relation?.oid == null) return null;
  const { rows } = await client.query<ShapeColumn & { keyPosition: number | null }>(
    `select a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
            array_position(i.indkey::int2[], a.attnum) as "keyPosition"
     from pg_attribute a
     left join pg_index i on i.indrelid = a.attrelid and i.indisprimary
     where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped
     order by a.attnum`,
    [quoteTable(name)],
  );
  return {
    columns: rows.map(({ name, type }) => ({ name, type })),
    keyColumns: rows
      .filter((row) => row.keyPosition !== null)
      .sort((a, b) => Number(a.keyPosition) - Number(b.keyPosition))
      .map((row) => row.name),
    keyConstraint: relation.keyConstraint,
    partitionedBy: relation.partitionedBy,
  };
}

/**
 * The columns with their types as Postgres itself calls them, so that they compare with a table's as text.
 * Within a transaction.
 */
export async function canonicalColumns(session: Session, columns: TargetColumn[]): Promise<TargetColumn[]> {
  await session.client.query(`create temporary table sluice_wanted (${defineColumns(columns)}) on commit drop`);
  const shape = await readShape(session, { schema: "pg_temp", table: "sluice_wanted" });
  await session.client.query("drop table pg_temp.sluice_wanted");
  const types = new Map(shape?.columns.map(({ name, type }) => [name, type]));
  return columns.map((column) => ({ ...column, type: types.get(column.name) ?? column.type }));
}

export function defineColumns(columns: readonly ShapeColumn[]): string {
  return columns.map(({ name, type }) => `${quoteIdentifier(name)} ${checkedType(type)}`).join(", ");
}

export function sameColumns(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name));
}

/**
 * What an `alter table` has to do to an empty table so that it has `wanted`'s columns, types and key; columns of its own
 * stay. Empty when there is nothing to do.
 */
export function reshapingActions(present: TableShape, wanted: Pick<TableShape, "columns" | "keyColumns">): string[] {
  const types = new Map(present.columns.map(({ name, type }) => [name, type]));
  const actions = wanted.columns.flatMap(({ name, type }) => {
    const column = quoteIdentifier(name);
    const before = types.get(name);
    if (before === undefined) return [`add column ${column} ${checkedType(type)}`];
    // There is no row to convert, so any type may follow any other.
    return before === type ? [] : [`alter column ${column} type ${checkedType(type)} using null`];
  });
  if (sameColumns(present.keyColumns, wanted.keyColumns)) return actions;
  if (present.keyConstraint !== null) actions.push(`drop constraint ${quoteIdentifier(present.keyConstraint)}`);
  for (const name of present.keyColumns) {
    if (!wanted.keyColumns.includes(name)) actions.push(`alter column ${quoteIdentifier(name)} drop not null`);
  }
  if (wanted.keyColumns.length > 0) actions.push(`add primary key (${quoteColumns(wanted.keyColumns)})`);
  return actions;
}

/** As a key does, of a table that has none yet. */
export function requireKeyColumns(table: TableName, keyColumns: readonly string[]): string {
  const actions = keyColumns.map((name) => `alter column ${quoteIdentifier(name)} set not null`);
  return `alter table ${quoteTable(table)} ${actions.join(", ")}`;
}

export async function alterTable({ client }: Session, name: TableName, actions: string[]): Promise<void> {
  if (actions.length > 0) await client.query(`alter table ${quoteTable(name)} ${actions.join(", ")}`);
}
