import { escapeIdentifier } from "pg";
import { z } from "zod";
import type { Relation, RelationColumn, RelationIndex } from "./catalog.ts";
import type { Cursor } from "./horizon.ts";
import type { ColumnOperators } from "./range.ts";

const operatorsSchema = z.strictObject({
  "<": z.string(),
  "<=": z.string(),
  "=": z.string(),
  ">=": z.string(),
  ">": z.string(),
});

/** The provider's own part of an `EntityReadSpec`. */
export const readSpecSchema = z.strictObject({
  /** Quoted and qualified. */
  relation: z.string(),
  /** What is selected for each column of the spec. */
  expressions: z.array(z.string()),
  comparedTypes: z.record(z.string(), z.string()),
  /** Of key columns whose type is an extension's; absent for all others. */
  operators: z.record(z.string(), operatorsSchema).optional(),
  /** As declared when it was planned, by column; absent in plans of older versions. */
  columnTypes: z.record(z.string(), z.string()).optional(),
  /** As in `Relation`; absent in plans of older versions. */
  policies: z.string().nullable().optional(),
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
      ...Object.fromEntries(compared.map((column) => [column.name, column.base])),
      ...(cursor === null ? {} : { [cursor.column]: cursor.kind }),
    },
    operators: operatorsOf(relation, keyOrder),
    policies: relation.policies,
    columnTypes: Object.fromEntries(relation.columns.map((column) => [column.name, column.declared])),
    keyOrder,
    timeOrder: cursor !== null && hasIndexOn(relation, cursor.column) ? timeOrderOf(cursor, keyOrder) : keyOrder,
  };
}

/** Rows of one cursor value stay together where no key tells them apart. */
function timeOrderOf(cursor: Cursor, keyOrder: string[]): string[] {
  return [cursor.column, ...keyOrder.filter((column) => column !== cursor.column)];
}

/** Types whose values are the same bytes in all encodings. */
const WITHOUT_TEXT = /^(boolean|smallint|integer|bigint|numeric|real|double|uuid|date|time|interval|bytea)\b[^[]*$/;

/** Encodings in which several characters become the same one in UTF-8, which comes back as one of them. */
const HAVE_TWINS = new Set(["EUC_JP", "EUC_TW"]);

/**
 * Paging needs an index, or each page would sort the whole table, and columns without NULL, which no comparison finds; and bounds
 * that come back as they were read, which not all text does.
 */
function hasOrder(relation: Relation, columns: string[]): boolean {
  if (columns.length === 0) return false;
  const notNull = new Set(relation.columns.filter((column) => column.notNull).map((column) => column.name));
  // Postgres 18 cannot estimate a comparison of "char", which has no collation: "cache lookup failed".
  if (relation.columns.some(({ name, base }) => columns.includes(name) && base === '"char"')) return false;
  if ((relation.anyBytes && hasText(relation, columns)) || hasTwins(relation, columns)) return false;
  return columns.every((column) => notNull.has(column)) && findIndex(relation, columns) !== undefined;
}

function hasText(relation: Relation, columns: string[]): boolean {
  return relation.columns.some(({ name, base }) => columns.includes(name) && !WITHOUT_TEXT.test(base));
}

/** Values of these columns may become the same on their way, and do not come back as they were. */
export function hasTwins(relation: Relation, columns: string[]): boolean {
  return HAVE_TWINS.has(relation.encoding) && hasText(relation, columns);
}

function findIndex({ indexes }: Relation, columns: string[]): RelationIndex | undefined {
  return indexes.find((index) => columns.every((column, i) => index.columns[i] === column));
}

function operatorsOf(relation: Relation, columns: string[]): ColumnOperators {
  const operators = findIndex(relation, columns)?.operators ?? {};
  return Object.fromEntries(
    columns.flatMap((column) => {
      const own = operators[column] ?? null;
      return own === null ? [] : [[column, own]];
    }),
  );
}

export function hasIndexOn(relation: Relation, column: string): boolean {
  return relation.indexes.some((index) => index.columns[0] === column);
}

function expressionOf(column: RelationColumn): string {
  const name = escapeIdentifier(column.name);
  return column.cast === null ? name : `${name}::${column.cast}`;
}
