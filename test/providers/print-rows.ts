import { escapeIdentifier } from "pg";
import { inject } from "vitest";
import type { Provider } from "../../providers/provider.ts";
import { withClient } from "../support/postgres.ts";

/**
 * Rows as Postgres prints them, made of JSON by Postgres itself: what a source's records should become.
 * @param rows by the names of the columns; a column that a row does not have is NULL
 */
export async function printRows<Config, SourceConfig>(
  { resources }: Provider<Config, SourceConfig>,
  entityKey: string,
  rows: readonly object[],
): Promise<string[]> {
  const { columns = [] } = resources.find((resource) => resource.entityKey === entityKey) ?? {};
  return printRowsOf(columns, rows);
}

/** Likewise, for a source whose columns are not declared. */
export async function printRowsOf(
  columns: readonly { name: string; type: string }[],
  rows: readonly object[],
): Promise<string[]> {
  const definitions = columns.map(({ name, type }) => `${escapeIdentifier(name)} ${type}`).join(", ");
  return withClient(inject("postgresUrl"), async (client) => {
    await client.query("set timezone = 'UTC'");
    const printed = await client.query<{ row: string }>(
      `select r::text as row from jsonb_to_recordset($1::jsonb) as r (${definitions})`,
      [JSON.stringify(rows)],
    );
    return printed.rows.map(({ row }) => row);
  });
}
