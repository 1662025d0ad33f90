import { escapeIdentifier } from "pg";
import { z } from "zod";
import type { Relation, RelationColumn } from "./catalog.ts";
import type { Cursor } from "./horizon.ts";

/** The provider's own part of an `EntityReadSpec`. */
export const readSpecSchema = z.strictObject({
  /** Quoted and qualified. */
  relation: z.string(),
  /** What is selected for each column of the spec. */
  expressions: z.array(z.string()),
  comparedTypes: z.record(z.string(), z.string()),
  /** As declared when it was planned, by column; absent in plans of older versions. */
  columnTypes: z.record(z.string(), z.string()).optional(),
  /** How pages follow each other; empty: the slice is one batch. */
  keyOrder: z.array(z.string()),
  timeOrder: z.array(z.string()),
});
export type ReadSpec = z.output<typeof readSpecSchema>;

/** @param keyColumns of the binding; the relation's own key where the load mode needs none */
export function readSpecOf(relation: Relation, keyColumns: string[], cursor: Cursor | null): ReadSpec {
  const keyOrder = hasOrder(relation, keyColumns) ? keyColumns : [];
  const compared = relation.columns.filter(({ name }) => keyColumns.includes(name));
  return {
    relation: relation.sql,
    expressions: relation.columns.map(expressionOf),
    comparedTypes: {
      ...Object.fromEntries(compared.map((column) => [column.name, column.declared])),
      ...(cursor === null ? {} : { [cursor.column]: cursor.kind }),
    },
    columnTypes: Object.fromEntries(relation.columns.map((column) => [column.name, column.declared])),
    keyOrder,
    timeOrder: cursor !== null && hasIndexOn(relation, cursor.column) ? timeOrderOf(cursor, keyOrder) : keyOrder,
  };
}

/** Rows of one cursor value stay together where no key tells them apart. */
function timeOrderOf(cursor: Cursor, keyOrder: string[]): string[] {
  return [cursor.column, ...keyOrder.filter((column) => column !== cursor.column)];
}

/**
 * Paging needs an index, or each page would sort the whole table, and columns without NULL, which no comparison finds.
 */
function hasOrder(relation: Relation, columns: string[]): boolean {
  if (columns.length === 0) return false;
  const notNull = new Set(relation.columns.filter((column) => column.notNull).map((column) => column.name));
  return (
    columns.every((column) => notNull.has(column)) &&
    relation.indexes.some((index) => columns.every((column, i) => index.columns[i] === column))
  );
}

export function hasIndexOn(relation: Relation, column: string): boolean {
  return relation.indexes.some((index) => index.columns[0] === column);
}

function expressionOf(column: RelationColumn): string {
  const name = escapeIdentifier(column.name);
  return column.cast === null ? name : `${name}::${column.cast}`;
}
