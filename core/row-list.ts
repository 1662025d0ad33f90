/** Text in Postgres input syntax; null is NULL. */
export type Cells = (string | null)[];

/** The rows of a batch: an array, or what holds them in less memory and makes the cells of each when it is asked for. */
export interface RowList extends Iterable<Cells> {
  readonly length: number;
  /** Undefined where there is none. */
  at(index: number): Cells | undefined;
}

/** Those of the rows that are not at one of the indexes. */
export function rowsWithout(rows: RowList, indexes: { has(index: number): boolean; readonly size: number }): RowList {
  if (indexes.size === 0) return rows;
  const kept = Array.from({ length: rows.length }, (_, index) => index).filter((index) => !indexes.has(index));
  const at = (index: number) => rows.at(kept[index] ?? rows.length);
  return {
    length: kept.length,
    at,
    *[Symbol.iterator]() {
      for (const index of kept) yield rows.at(index) ?? [];
    },
  };
}
