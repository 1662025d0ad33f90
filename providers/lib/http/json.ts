/**
 * JSON as the source gave it. A number that a double may not hold exactly (more than 15 digits, a huge exponent) stays its own text;
 * `JSON.stringify` writes it back digit for digit.
 */
export type JsonValue = null | boolean | number | string | RawNumber | JsonValue[] | JsonObject;
export type JsonObject = { [key: string]: JsonValue };

/** As `JSON.rawJSON` makes it; told from an object of the source by `isRawNumber` only. */
export interface RawNumber {
  readonly rawJSON: string;
}

// TypeScript's library does not have these yet. https://github.com/tc39/proposal-json-parse-with-source
declare global {
  interface JSON {
    rawJSON(text: string): RawNumber;
    isRawJSON(value: unknown): value is RawNumber;
  }
}

/** Sixteen digits in a row (a point may be among them) or an exponent of three. In strings it only costs time. */
const MAY_BE_INEXACT = /[\d.]{16}|\de[+-]?\d{3}/i;

/**
 * The reviver costs five times what the parser does (12 against 60 MiB/s), so it is asked only where there may be such a number.
 * @throws SyntaxError; RangeError where it is nested too deeply
 */
export function parseJson(text: string): JsonValue {
  return MAY_BE_INEXACT.test(text) ? JSON.parse(text, keepInexact) : JSON.parse(text);
}

function keepInexact(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  return typeof value === "number" && source !== undefined && MAY_BE_INEXACT.test(source)
    ? JSON.rawJSON(source)
    : value;
}

export function isRawNumber(value: JsonValue | undefined): value is RawNumber {
  return JSON.isRawJSON(value);
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isRawNumber(value);
}

/** A cell in Postgres input syntax: a scalar's text, the JSON of an object or array (jsonb); null for null and what is not there. */
export function cellOf(value: JsonValue | undefined): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return value;
  if (typeof value !== "object") return String(value);
  return isRawNumber(value) ? value.rawJSON : JSON.stringify(value);
}

/** U+0000 and half of a surrogate pair, also where JSON writes them escaped. */
const ESCAPED_UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][\da-f]{2})/;

/** Can Postgres store a cell that `cellOf` has made of `value`? It takes neither U+0000 nor half of a surrogate pair. */
export function isStorable(value: JsonValue | undefined, cell: string): boolean {
  if (typeof value === "object") return !ESCAPED_UNSTORABLE.test(cell);
  return !cell.includes("\0") && cell.isWellFormed();
}
