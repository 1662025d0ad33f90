import { escapeIdentifier, escapeLiteral } from "pg";
import { isInPart, rowText } from "../../core/digests.ts";
import type { Window } from "../../core/slices.ts";

/** Column -> the type its values are compared in. */
export type ComparedTypes = Record<string, string>;

/** What compares two values of a type, by the names that the operators of most types have: `operator(schema.name)`. */
export type Operators = Record<"<" | "<=" | "=" | ">=" | ">", string>;

/** Column -> its operators; absent for those of pg_catalog. */
export type ColumnOperators = Record<string, Operators>;

/** How columns are compared with literals, and ordered. Part of a `ReadSpec`. */
export interface Compared {
  comparedTypes: ComparedTypes;
  operators?: ColumnOperators | undefined;
}

/** Whatever the session's search path says. */
function operatorOf(name: keyof Operators, column: string, { operators }: Pick<Compared, "operators">): string {
  return operators?.[column]?.[name] ?? `operator(pg_catalog.${name})`;
}

/** `(a, b) > ('1'::integer, 'x'::text)`: the order of the index, decided at the source alone. */
export function compareRow(columns: string[], operator: ">" | "<=", values: string[], compared: Compared): string {
  const parts = columns.map((column, i) => ({
    column,
    name: escapeIdentifier(column),
    literal: literal(values[i] ?? "", compared.comparedTypes[column]),
  }));
  const operators = new Set(columns.map((column) => operatorOf(operator, column, compared)));
  if (operators.size === 1) {
    const [left, right] = [parts.map(({ name }) => name), parts.map((part) => part.literal)];
    return `(${left.join(", ")}) ${[...operators].join("")} (${right.join(", ")})`;
  }
  // A row comparison has one operator for all its columns. The condition on the first column is there for the index.
  const test = (part: (typeof parts)[number], name: keyof Operators) =>
    `${part.name} ${operatorOf(name, part.column, compared)} ${part.literal}`;
  const inRow = parts.reduceRight(
    (rest, part) =>
      rest === ""
        ? test(part, operator)
        : `(${test(part, operator === ">" ? ">" : "<")} or (${test(part, "=")} and ${rest}))`,
    "",
  );
  const inIndex = parts.slice(0, 1).map((part) => test(part, operator === ">" ? ">=" : "<="));
  return [...inIndex, inRow].join(" and ");
}

/** Empty where the window is everything. COPY takes no parameters, so the values are literals. */
export function windowConditions(window: Window, compared: Compared): string[] {
  if (window.by === "none") return [];
  if (window.by === "key") {
    return [
      ...(window.from === null ? [] : [compareRow(window.columns, ">", window.from, compared)]),
      ...(window.to === null ? [] : [compareRow(window.columns, "<=", window.to, compared)]),
    ];
  }
  if (window.by === "hash") {
    return [isInPart(rowText(hashedKey(window)), window)];
  }
  if (window.by === "part") throw new Error("postgres plans no parts");
  const column = escapeIdentifier(window.column);
  const type = compared.comparedTypes[window.column];
  const bounds = [
    ...(window.from === null ? [] : [`${column} ${window.after ? ">" : ">="} ${literal(window.from, type)}`]),
    ...(window.to === null ? [] : [`${column} < ${literal(window.to, type)}`]),
  ];
  return bounds.length > 0 ? bounds : [`${column} is not null`];
}

/** What a part of all keys is found by. */
export function hashedKey({ columns }: Extract<Window, { by: "hash" }>): string[] {
  return columns.map(({ name, cast }) => castTo(escapeIdentifier(name), cast));
}

/**
 * Of the relation under the alias `t`, since a bare name would mean an output column first. By the same operators as the
 * comparisons.
 */
export function orderBy(columns: string[], compared: Pick<Compared, "operators">): string {
  return columns.map((column) => `t.${escapeIdentifier(column)} using ${operatorOf("<", column, compared)}`).join(", ");
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
