import { type SelectQueryBuilder, sql } from "kysely";
import type { Database } from "./schema.ts";

/** Pages of lists whose rows can be megabytes: what is on the page is known before a row of it is read. */

export interface PageItem<Id> {
  id: Id;
  /** About how many bytes reading it takes. */
  bytes: number;
}

export interface Page<Row, Id = string> {
  /** In the order of the page. */
  items: PageItem<Id>[];
  /** Of all pages. */
  total: number;
  /**
   * Rows of items of the page, in the order of `ids`, as they are by now. What somebody has deleted since the page was begun is still there
   * if it is only marked so; what has gone for good is missing.
   */
  read(ids: readonly Id[]): Promise<Row[]>;
}

/**
 * Both in one statement: two could see different rows, and a total that is too small would tell who turns pages that there are no more.
 * @param listed of the page, in its order
 * @param count of all that matches
 * @param offset of the page: where it has no items, there were no more than that
 */
export async function itemsWithTotal<Item>(
  listed: SelectQueryBuilder<Database, never, Item>,
  count: SelectQueryBuilder<Database, never, { total: number }>,
  offset: number,
): Promise<{ items: Item[]; total: number }> {
  const rows = await listed.select(sql<number>`(${count})`.as("total")).execute();
  const total = rows[0]?.total ?? Math.min(offset, (await count.executeTakeFirstOrThrow()).total);
  return { items: rows, total };
}

/** Of a whole row of `table`: what Postgres compresses counts as it is read. */
export function bytesOf(table: string) {
  return sql<number>`octet_length(${sql.id(table)}::text)`;
}

/** @param rows in any order */
export function inOrderOf<Id, Row>(ids: readonly Id[], rows: readonly Row[], idOf: (row: Row) => Id): Row[] {
  const found = new Map(rows.map((row) => [idOf(row), row]));
  return ids.flatMap((id) => found.get(id) ?? []);
}
