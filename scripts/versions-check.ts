import { isDeepStrictEqual, parseArgs } from "node:util";
import pg from "pg";
import { createTypesTable, printRows, TYPES_TABLE } from "./lib/every-type.ts";
import { moveTypes } from "./lib/move-types.ts";

/**
 * Does every type get from one version of Postgres into another as it is, and is a value that the other does not know rejected?
 * `npm run versions:check -- <source url> <destination url>`, of superusers and of two empty databases.
 */
const { positionals } = parseArgs({ allowPositionals: true });
const [from, to] = positionals;
if (from === undefined || to === undefined) throw new Error("Give the URLs of a source and a destination.");

const [source, warehouse] = [new pg.Client(from), new pg.Client(to)];
try {
  const [before, after] = [await openAt(source), await openAt(warehouse)];
  for (const statement of createTypesTable(Math.min(before, after))) await source.query(statement);
  const knowsMore = before >= 17 && after < 17;
  if (knowsMore) await source.query(`insert into ${TYPES_TABLE} (id, cost, v_interval) values (-1, 0, 'infinity')`);

  const { table, columns, rejects } = await moveTypes(from, to);
  const print = (client: pg.Client, of: string) => client.query(printRows(of, columns)).then(({ rows }) => rows);
  const [sent, loaded] = [await print(source, `${TYPES_TABLE} where id >= 0`), await print(warehouse, table)];
  if (!isDeepStrictEqual(sent, loaded)) throw new Error("The rows of the two tables differ.");
  const columnsOfRejects = rejects.map(({ column }) => column);
  if (!isDeepStrictEqual(columnsOfRejects, knowsMore ? ["v_interval"] : [])) {
    throw new Error(`Rejected for ${columnsOfRejects.join(", ") || "nothing"}.`);
  }
  console.log(`Postgres ${before} to ${after}: ${loaded.length} rows of ${columns.length} columns are equal.`);
} finally {
  await Promise.all([source.end(), warehouse.end()]);
}

/** @returns the server's major version */
async function openAt(client: pg.Client): Promise<number> {
  await client.connect();
  await client.query("set timezone = 'UTC'");
  const { rows } = await client.query("select current_setting('server_version_num')::int / 10000 as major");
  return rows[0].major;
}
