import { TerminalError } from "../core/errors.ts";
import { widens, widensInPlace } from "./column-types.ts";
import { refuseShownColumns } from "./dependent-views.ts";
import type { TargetColumn } from "./destination.ts";
import { partitionColumn } from "./generations.ts";
import type { Session } from "./session.ts";
import { quoteIdentifier, quoteTable, type TableName } from "./sql.ts";
import type { TableShape } from "./table-shape.ts";

/** A widening that writes the table again locks readers out meanwhile; above this a full refresh beside it is better. */
const MAX_REWRITE_BYTES = 256 * 1024 * 1024;

/**
 * What gives the table, in one statement, the columns that the source has and it has not, and lets those grow that do not hold
 * all that the source's type can. Columns that the source has dropped stay as they are.
 * @param growth.types `leave` where a generation with the source's types takes the place of the present one
 * @param growth.remedy what helps where a type cannot follow
 * @throws TerminalError destination_type_mismatch, destination_schema_conflict
 */
export async function growTable(
  session: Session,
  table: TableName,
  growth: { columns: TargetColumn[]; shape: TableShape; types: "widen" | "leave"; remedy?: string },
): Promise<string[]> {
  const { columns, shape, types, remedy = "Retry with runMode full_refresh to load it with the new type" } = growth;
  const present = new Map(shape.columns.map(({ name, type }) => [name, type]));
  const added = columns.filter(({ name }) => !present.has(name));
  const changed = columns.flatMap(({ name, type }) => {
    const before = present.get(name) ?? type;
    const holds = types === "widen" && widens(type, before);
    return before === type || holds ? [] : [{ name, before, type }];
  });
  if (types === "widen")
    await refuseOtherTypes(session, table, changed, { partitionedBy: partitionColumn(shape.keyColumns), remedy });
  await refuseShownColumns(
    session,
    table,
    changed.map(({ name }) => name),
  );
  const widened = types === "widen" ? changed : [];
  const actions = [
    ...added.map(({ name, type }) => `add column ${quoteIdentifier(name)} ${type}`),
    ...widened.map(({ name, type }) => `alter column ${quoteIdentifier(name)} type ${type}`),
  ];
  return actions.length === 0 ? [] : [`alter table ${quoteTable(table)} ${actions.join(", ")}`];
}

async function refuseOtherTypes(
  session: Session,
  table: TableName,
  changed: { name: string; before: string; type: string }[],
  { partitionedBy, remedy }: { partitionedBy: string; remedy: string },
): Promise<void> {
  if (changed.length === 0) return;
  const small = (await tableBytes(session, table)) <= MAX_REWRITE_BYTES;
  for (const { name, before, type } of changed) {
    const grows = widensInPlace(before, type) || (small && widens(before, type));
    // Postgres does not alter the column that a table is partitioned by.
    if (grows && name !== partitionedBy) continue;
    throw new TerminalError(
      "destination_type_mismatch",
      `${table.schema}.${table.table}.${name} is ${before}, the source's now ${type}. ${remedy}.`,
    );
  }
}

async function tableBytes({ client }: Session, name: TableName): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    "select coalesce(sum(pg_table_size(relid)), 0) as bytes from pg_partition_tree(to_regclass($1))",
    [quoteTable(name)],
  );
  return Number(rows[0]?.bytes);
}
