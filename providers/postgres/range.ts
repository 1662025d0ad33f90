import { escapeIdentifier, escapeLiteral } from "pg";
import { isInPart, rowText } from "../../core/digests.ts";
import type { Window } from "../../core/slices.ts";

/** Column -> the type its values are compared in. */
export type ComparedTypes = Record<string, string>;

/** `(a, b) > ('1'::integer, 'x'::text)`: the order of the index, decided at the source alone. */
export function compareRow(columns: string[], operator: ">" | "<=", values: string[], types: ComparedTypes): string {
  const literals = columns.map((column, i) => literal(values[i] ?? "", types[column]));
  return `(${columns.map(escapeIdentifier).join(", ")}) ${operator} (${literals.join(", ")})`;
}

/** Empty where the window is everything. COPY takes no parameters, so the values are literals. */
export function windowConditions(window: Window, types: ComparedTypes): string[] {
  if (window.by === "none") return [];
  if (window.by === "key") {
    return [
      ...(window.from === null ? [] : [compareRow(window.columns, ">", window.from, types)]),
      ...(window.to === null ? [] : [compareRow(window.columns, "<=", window.to, types)]),
    ];
  }
  if (window.by === "hash") {
    const key = window.columns.map(({ name, cast }) => castTo(escapeIdentifier(name), cast));
    return [isInPart(rowText(key), window)];
  }
  const column = escapeIdentifier(window.column);
  const type = types[window.column];
  const bounds = [
    ...(window.from === null ? [] : [`${column} >= ${literal(window.from, type)}`]),
    ...(window.to === null ? [] : [`${column} < ${literal(window.to, type)}`]),
  ];
  return bounds.length > 0 ? bounds : [`${column} is not null`];
}

/**
 * Of the relation under the alias `t`, since a bare name would mean an output column first. By the same operators as the
 * comparisons: the default order of an extension's type need not be what `<` means on this session's search path.
 */
export function orderBy(columns: string[]): string {
  return columns.map((column) => `t.${escapeIdentifier(column)} using <`).join(", ");
}

/** Several columns as one array of text. */
export function asText(columns: string[]): string {
  return `array[${columns.map((column) => `t.${escapeIdentifier(column)}::text`).join(", ")}]`;
}

/** `where ...`, or nothing. */
export function where(conditions: string[]): string {
  return conditions.length > 0 ? `where ${conditions.join(" and ")}` : "";
}

/** @param cast null for the value as it is */
export function castTo(expression: string, cast: string | null): string {
  return cast === null ? expression : `${expression}::${cast}`;
}

export function literal(value: string, type: string | undefined): string {
  return type === undefined ? escapeLiteral(value) : `${escapeLiteral(value)}::${type}`;
}
