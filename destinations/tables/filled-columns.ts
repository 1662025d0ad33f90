import type { Session } from "../session.ts";
import { LEDGER_SCHEMA, quoteIdentifier, quoteTable, type TableName } from "../sql.ts";

/**
 * A column that was added to rows that stand is empty in them, whatever the source has there: no load has said so. As a cursor such
 * a column would compare rows by what was never read. The ledger records which columns every row of the present generation was loaded
 * with, so that a run that fails after it has added a column leaves no doubt about it.
 */

/** Of a row of `_sluice.tables`: the columns of the plan that made the generation, as jsonb; null where the ledger has forgotten it. */
const COLUMNS_OF_LEAF_PLAN = `(
  select jsonb_agg(loaded ->> 'name') from _sluice.targets target, json_array_elements(target -> 'columns') loaded
  where target.plan_id = tables.leaf_plan_id and target.leaf_table = tables.leaf_table)`;

/** A generation that takes the place of the one before. */
export async function recordFilledColumns(
  { client }: Session,
  { schema, table }: TableName,
  columns: readonly { name: string }[],
): Promise<void> {
  await client.query("update _sluice.tables set filled_columns = $3 where schema_name = $1 and table_name = $2", [
    schema,
    table,
    columns.map(({ name }) => name),
  ]);
}

/**
 * Before columns are added to a generation of which nothing is recorded, since an older version made it. Idempotent.
 * @param columns those that the table has, where nothing else is known
 */
export async function keepFilledColumns(
  { client }: Session,
  { schema, table }: TableName,
  columns: readonly { name: string }[],
): Promise<void> {
  await client.query(
    `update _sluice.tables
     set filled_columns = coalesce((select array_agg(name) from jsonb_array_elements_text(${COLUMNS_OF_LEAF_PLAN}) name), $3)
     where schema_name = $1 and table_name = $2 and filled_columns is null`,
    [schema, table, columns.map(({ name }) => name)],
  );
}

/**
 * Does a row lack a value in the column because it was loaded before the table had the column?
 * @param leafTable in the ledger's schema; with a row at least
 */
export async function isUnfilled(
  { client }: Session,
  { schema, table }: TableName,
  { column, leafTable }: { column: string; leafTable: string },
): Promise<boolean> {
  // `to_jsonb`: a preview may meet a ledger of an older version, which does not have the column.
  const { rowCount } = await client.query(
    `select from _sluice.tables
     where schema_name = $1 and table_name = $2
       and not (coalesce(nullif(to_jsonb(tables) -> 'filled_columns', 'null'), ${COLUMNS_OF_LEAF_PLAN}) ? $3)`,
    [schema, table, column],
  );
  if (rowCount === 0) return false;
  const leaf = quoteTable({ schema: LEDGER_SCHEMA, table: leafTable });
  const { rows } = await client.query<{ empty: boolean }>(
    `select exists (select from ${leaf} where ${quoteIdentifier(column)} is null) as empty`,
  );
  return rows[0]?.empty === true;
}
