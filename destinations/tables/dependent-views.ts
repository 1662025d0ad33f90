import { TerminalError } from "../../core/errors.ts";
import type { Session } from "../session.ts";
import { quoteTable, type TableName } from "../sql.ts";

/**
 * Postgres does not change the type of a column that a view shows, be it of the table or of its partition. Better to hear of it, and of which view, before anything
 * is loaded.
 * @throws TerminalError destination_schema_conflict
 */
export async function refuseShownColumns({ client }: Session, table: TableName, columns: string[]): Promise<void> {
  if (columns.length === 0) return;
  const { rows } = await client.query<{ view: string; column: string }>(
    `select distinct rewrite.ev_class::regclass::text as view, shown.attname as column
     from pg_depend dependency
     join pg_rewrite rewrite on rewrite.oid = dependency.objid and rewrite.ev_class <> dependency.refobjid
     join pg_attribute shown on shown.attrelid = dependency.refobjid and shown.attnum = dependency.refobjsubid
     where dependency.classid = 'pg_rewrite'::regclass and dependency.refclassid = 'pg_class'::regclass
       and dependency.refobjid in (select relid from pg_partition_tree(to_regclass($1))) and shown.attname = any ($2)
     order by 1, 2`,
    [quoteTable(table), columns],
  );
  if (rows.length === 0) return;
  const views = [...new Set(rows.map(({ view }) => view))].join(", ");
  const shown = [...new Set(rows.map(({ column }) => column))].join(", ");
  throw new TerminalError(
    "destination_schema_conflict",
    `${table.schema}.${table.table} keeps its types: ${shown} would change, and is used by a view (${views}).`,
    { fix: "Drop the view, retry, and make it again afterwards." },
  );
}
