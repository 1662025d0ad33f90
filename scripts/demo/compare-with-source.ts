import pg from "pg";
import type { ExpectedTable } from "./provider-demo.ts";

export interface TableComparison {
  entity: string;
  sourceRows: number;
  destinationRows: number;
  equal: boolean;
  /** A row that only one of them has. */
  firstDifference: string | null;
}

/** Holds the rows of a table against those that the source has, column by column, as text, whatever their order. */
export async function compareWithSource(
  entity: string,
  { columns, rows }: ExpectedTable,
  { url, schema, table }: { url: string; schema: string; table: string },
): Promise<TableComparison> {
  const session = new pg.Client({ connectionString: url, options: "-c timezone=UTC -c datestyle=ISO" });
  await session.connect();
  try {
    const selected = columns.map((name) => `${session.escapeIdentifier(name)}::text`).join(", ");
    const from = `${session.escapeIdentifier(schema)}.${session.escapeIdentifier(table)}`;
    const found = await session.query<(string | null)[]>({ text: `select ${selected} from ${from}`, rowMode: "array" });
    const [theirs, ours] = [rows, found.rows].map((each) => each.map((row) => JSON.stringify(row)).sort());
    const firstDifference = differenceOf(theirs ?? [], ours ?? []);
    return {
      ...{ entity, sourceRows: rows.length, destinationRows: found.rows.length },
      ...{ equal: firstDifference === null, firstDifference },
    };
  } finally {
    await session.end();
  }
}

/** @param theirs sorted, as `ours` */
function differenceOf(theirs: readonly string[], ours: readonly string[]): string | null {
  const at = Array.from({ length: Math.max(theirs.length, ours.length) }).findIndex((_, i) => theirs[i] !== ours[i]);
  if (at === -1) return null;
  const [source, warehouse] = [theirs[at], ours[at]];
  return warehouse === undefined || (source !== undefined && source < warehouse)
    ? `only the source has ${source}`
    : `only the warehouse has ${warehouse}`;
}
