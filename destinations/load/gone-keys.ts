import type { TargetTable } from "../load-target.ts";
import type { Session } from "../session.ts";
import { quoteColumns, quoteIdentifier } from "../sql.ts";
import type { AppliedRows } from "./staging.ts";
import type { WriteRequest } from "./writing.ts";

/** Keys of rows that are gone from the source, staged in the session with the types of the table that has the rows. */
export interface GoneKeys {
  /** As in a statement. */
  table: string;
  keyColumns: string[];
  /** The column with the cursor at which the row was deleted, NULL where that is not known; null without such a column. */
  cursor: string | null;
}

export interface GoneRows extends AppliedRows {
  /** Rows that stood for the source's, and do no more. */
  deleted: number;
}

/** What becomes of rows that are gone from the source. The caller has a transaction open. */
export interface Deleting {
  /**
   * What it does to the rows that are there: they leave the table, they stay in it with a mark, an event is added to them, or it is noted for
   * the finish.
   */
  does: "remove" | "mark" | "event" | "note";
  /** The `from` item and condition of the rows that stand for the source's now. */
  present(session: Session, target: WriteRequest["target"]): Promise<PresentRows>;
  apply(session: Session, request: WriteRequest, gone: GoneKeys): Promise<GoneRows>;
}

export interface PresentRows {
  /** As in a statement. */
  table: string;
  /** SQL over the alias `present`. */
  where: string;
}

const GONE = "sluice_gone";

/**
 * An empty table for keys that are gone.
 * @param like whose types it takes
 */
export async function makeGoneKeys(
  { client }: Session,
  of: { like: string; keyColumns: string[]; cursor: string | null },
): Promise<GoneKeys> {
  const { like, keyColumns, cursor } = of;
  const columns = [...keyColumns, ...(cursor === null || keyColumns.includes(cursor) ? [] : [cursor])];
  await client.query(`drop table if exists pg_temp.${GONE}`);
  await client.query(
    `create temporary table ${GONE} as select ${quoteColumns(columns)} from ${like} present with no data`,
  );
  return { table: `pg_temp.${GONE}`, keyColumns, cursor };
}

/**
 * SQL over `present` and `gone`: the row that was deleted. A row that has changed since is there again.
 * @param cursorField of the table
 */
export function isGone({ keyColumns, cursor }: GoneKeys, { cursorField }: Pick<TargetTable, "cursorField">): string {
  const conditions = keyColumns.map(quoteIdentifier).map((name) => `present.${name} = gone.${name}`);
  if (cursor !== null && cursorField !== null) {
    const [before, after] = [`present.${quoteIdentifier(cursorField)}`, `gone.${quoteIdentifier(cursor)}`];
    conditions.push(`(${before} is null or ${after} is null or ${before} <= ${after})`);
  }
  return conditions.join(" and ");
}

/** In key order, as merges lock them. */
export async function lockGone(
  { client }: Session,
  { target }: Pick<WriteRequest, "target">,
  gone: GoneKeys,
  leaf: string,
): Promise<void> {
  await client.query(`analyze ${gone.table}`);
  const order = gone.keyColumns.map((name) => `present.${quoteIdentifier(name)}`).join(", ");
  await client.query(
    `select from ${leaf} present where exists (select from ${gone.table} gone where ${isGone(gone, target)})
     order by ${order} for update`,
  );
}
