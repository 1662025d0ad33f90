import type { ColumnType } from "./column-type.ts";

/**
 * The types that can be cursors, in which their values are compared: without a precision, since a cast to one would
 * round a bound up.
 */
export type CursorKind = "timestamptz" | "timestamp" | "date" | "bigint";

/**
 * @param column its type at the destination, as `format_type` prints it. One that is made a number only on its way, such as `xid`, has
 * no order at the source
 * @returns null for a type that cannot be a cursor
 */
export function cursorKindOf({ target: type, cast }: Pick<ColumnType, "target" | "cast">): CursorKind | null {
  if (cast !== null && cast !== type) return null;
  if (/^timestamp(\(\d\))? with time zone$/.test(type)) return "timestamptz";
  if (/^timestamp(\(\d\))? without time zone$/.test(type)) return "timestamp";
  if (type === "date") return "date";
  return /^(smallint|integer|bigint)$/.test(type) ? "bigint" : null;
}
