/**
 * The types that can be cursors, in which their values are compared: without a precision, since a cast to one would
 * round a bound up.
 */
export type CursorKind = "timestamptz" | "timestamp" | "date" | "bigint";

/** @param type as `format_type` prints it. @returns null for a type that cannot be a cursor */
export function cursorKindOf(type: string): CursorKind | null {
  if (/^timestamp(\(\d\))? with time zone$/.test(type)) return "timestamptz";
  if (/^timestamp(\(\d\))? without time zone$/.test(type)) return "timestamp";
  if (type === "date") return "date";
  return /^(smallint|integer|bigint)$/.test(type) ? "bigint" : null;
}
