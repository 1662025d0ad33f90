import pg from "pg";

export interface TableName {
  schema: string;
  table: string;
}

export interface Comparison {
  entity: string;
  sourceRows: number;
  destinationRows: number;
  checksumEqual: boolean;
}

/**
 * Counts, and a checksum over every column of the source that is the same whatever the order of the rows. Both are taken
 * by each database itself, under the same settings.
 */
export async function compareEntity(options: {
  entity: string;
  source: { url: string; table: TableName };
  destination: { url: string; table: TableName };
}): Promise<Comparison> {
  const { entity, source, destination } = options;
  const columns = await withSession(source.url, (session) => readColumns(session, source.table));
  const [theirs, ours] = await Promise.all(
    [source, destination].map(({ url, table }) => withSession(url, (session) => digest(session, table, columns))),
  );
  if (theirs === undefined || ours === undefined) throw new Error(`${entity} could not be read`);
  return {
    entity,
    sourceRows: theirs.rows,
    destinationRows: ours.rows,
    checksumEqual: theirs.checksum === ours.checksum,
  };
}

async function readColumns(session: pg.Client, { schema, table }: TableName): Promise<string[]> {
  const { rows } = await session.query<{ name: string }>(
    `select column_name as name from information_schema.columns
     where table_schema = $1 and table_name = $2 order by ordinal_position`,
    [schema, table],
  );
  return rows.map((row) => row.name);
}

async function digest(
  session: pg.Client,
  { schema, table }: TableName,
  columns: string[],
): Promise<{ rows: number; checksum: string }> {
  // The text of a row tells NULL from an empty string, and is the same for an enum and the text that stands for it.
  const row = `row(${columns.map((column) => session.escapeIdentifier(column)).join(", ")})::text`;
  const { rows } = await session.query<{ rows: string; checksum: string }>(
    `select count(*) as rows, coalesce(sum(hashtextextended(${row}, 0)::numeric), 0) as checksum
     from ${session.escapeIdentifier(schema)}.${session.escapeIdentifier(table)}`,
  );
  const [found] = rows;
  if (found === undefined) throw new Error(`${schema}.${table} has no digest`);
  return { rows: Number(found.rows), checksum: found.checksum };
}

async function withSession<T>(url: string, work: (session: pg.Client) => Promise<T>): Promise<T> {
  const options =
    "-c timezone=UTC -c datestyle=ISO -c intervalstyle=postgres -c extra_float_digits=1 -c bytea_output=hex";
  const session = new pg.Client({ connectionString: url, options });
  await session.connect();
  try {
    return await work(session);
  } finally {
    await session.end();
  }
}
