import { TerminalError } from "../core/errors.ts";
import { widens, widensInPlace } from "./column-types.ts";
import type { TargetColumn } from "./destination.ts";
import { partitionColumn } from "./generations.ts";
import type { Session } from "./session.ts";
import { quoteIdentifier, quoteTable, type TableName } from "./sql.ts";
import type { TableShape } from "./table-shape.ts";

/** A widening that writes the table again locks readers out meanwhile; above this a full refresh beside it is better. */
const MAX_REWRITE_BYTES = 256 * 1024 * 1024;

/** Adds the columns that the source has and the table has not. Columns that the source has dropped stay, NULL from now on. */
export async function growTable(
  session: Session,
  name: TableName,
  columns: TargetColumn[],
  shape: TableShape,
): Promise<void> {
  const present = new Set(shape.columns.map(({ name }) => name));
  const added = columns.filter(({ name }) => !present.has(name));
  if (added.length === 0) return;
  const actions = added.map(({ name, type }) => `add column ${quoteIdentifier(name)} ${type}`);
  await session.client.query(`alter table ${quoteTable(name)} ${actions.join(", ")}`);
}

/** Columns that hold all that the source's type can are left alone; those that can grow to it without a loss do. */
export async function widenColumns(
  session: Session,
  table: TableName,
  columns: TargetColumn[],
  shape: TableShape,
): Promise<void> {
  const present = new Map(shape.columns.map(({ name, type }) => [name, type]));
  const changed = columns.flatMap(({ name, type }) => {
    const before = present.get(name) ?? type;
    return before === type || widens(type, before) ? [] : [{ name, before, type }];
  });
  if (changed.length === 0) return;
  const small = (await tableBytes(session, table)) <= MAX_REWRITE_BYTES;
  for (const { name, before, type } of changed) {
    const grows = widensInPlace(before, type) || (small && widens(before, type));
    // Postgres does not alter the column that a table is partitioned by.
    if (!grows || name === partitionColumn(shape.keyColumns)) {
      throw new TerminalError(
        "destination_type_mismatch",
        `${table.schema}.${table.table}.${name} is ${before}, the source's now ${type}. Retry with runMode full_refresh to load it with the new type.`,
      );
    }
  }
  const actions = changed.map(({ name, type }) => `alter column ${quoteIdentifier(name)} type ${type}`);
  await session.client.query(`alter table ${quoteTable(table)} ${actions.join(", ")}`);
}

async function tableBytes({ client }: Session, name: TableName): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    "select coalesce(sum(pg_table_size(relid)), 0) as bytes from pg_partition_tree(to_regclass($1))",
    [quoteTable(name)],
  );
  return Number(rows[0]?.bytes);
}
