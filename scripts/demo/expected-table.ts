import type { ExpectedTable } from "./provider-demo.ts";

/** A table whose cells are printed as Postgres prints the columns. */
export function expectedTable(columns: string[], rows: unknown[][]): ExpectedTable {
  return { columns, rows: rows.map((row) => row.map((cell) => (cell == null ? null : String(cell)))) };
}

/** An instant in ISO 8601, UTC and whole seconds, as Postgres prints it. */
export function printInstant(instant: unknown): string {
  return `${String(instant).slice(0, 10)} ${String(instant).slice(11, 19)}+00`;
}
