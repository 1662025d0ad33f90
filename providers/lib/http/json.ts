import { randomUUID } from "node:crypto";

/**
 * JSON as the source gave it. A number that JavaScript would print otherwise than the source wrote it (`1.10`, `1e2`, more than
 * 15 digits) keeps its own text; `JSON.stringify` writes it back digit for digit.
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

/**
 * A number that JavaScript does not print as the source wrote it: one with 16 digits or more (a point may be among them), with a
 * fraction that ends in zero, with an exponent, or so small that it is printed with one. It stands where a value may stand, and not
 * where a key does: such text is no JSON and has to stay so. (`i` would make the search take twice as long.)
 */
const INEXACT =
  /([:,[\s])(-?(?:(?=[\d.]{16})(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|(?:0|[1-9]\d*)\.\d*0|(?:0|[1-9]\d*)(?:\.\d+)?[eE][+-]?\d+|0\.0{6}\d+))(?=\s*(?:[,}\]]|$))/g;

/**
 * `JSON.parse` tells a number's own text to a reviver only, which makes it five times slower. Instead, inexact numbers are
 * parsed as strings that begin with a mark, which nobody can know beforehand, and put back afterwards.
 * @throws SyntaxError
 */
export function parseJson(text: string): JsonValue {
  // A document that is one number gets something before it, as every other number has.
  const marked = markInexact(/^-?\d/.test(text) ? ` ${text}` : text);
  if (marked === null) return JSON.parse(text);
  const root: { value: JsonValue } = { value: JSON.parse(marked.text) };
  restoreNumbers(root, marked.mark);
  return root.value;
}

/** @returns null where there is nothing to mark */
function markInexact(text: string): { text: string; mark: string } | null {
  const parts: string[] = [];
  let mark = "";
  let copied = 0;
  let outside = 0;
  /** The first one from there on. It may be far, so it is looked for once. */
  let quote = text.indexOf('"');
  INEXACT.lastIndex = 0;
  for (let match = INEXACT.exec(text); match !== null; match = INEXACT.exec(text)) {
    const [, before = "", number = ""] = match;
    const at = match.index + before.length;
    // Strings are passed over only up to what looks like a number, which may itself stand in one.
    while (quote !== -1 && quote < at) {
      outside = endOfString(text, quote);
      quote = text.indexOf('"', outside);
    }
    if (outside > at) {
      INEXACT.lastIndex = outside;
      continue;
    }
    // Most texts have no such number, and of JSONL each line is a text.
    if (mark === "") mark = randomUUID();
    parts.push(text.slice(copied, at), `"${mark}${number}"`);
    copied = at + number.length;
  }
  return parts.length === 0 ? null : { text: parts.join("") + text.slice(copied), mark };
}

/** @returns the place after the string that starts at `quote` */
function endOfString(text: string, quote: number): number {
  for (let end = quote; ; ) {
    end = text.indexOf('"', end + 1);
    if (end === -1) return text.length;
    let backslash = end;
    while (text[backslash - 1] === "\\") backslash -= 1;
    if ((end - backslash) % 2 === 0) return end + 1;
  }
}

/** Not by recursion: a source may nest as deeply as it likes. */
function restoreNumbers(root: { value: JsonValue }, mark: string): void {
  const open: object[] = [root];
  for (let container = open.pop(); container !== undefined; container = open.pop()) {
    for (const key of Object.keys(container)) {
      const value: unknown = Reflect.get(container, key);
      if (typeof value === "object" && value !== null) open.push(value);
      else if (typeof value === "string" && value.startsWith(mark)) {
        Reflect.set(container, key, JSON.rawJSON(value.slice(mark.length)));
      }
    }
  }
}

export function isRawNumber(value: JsonValue | undefined): value is RawNumber {
  return JSON.isRawJSON(value);
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isRawNumber(value);
}

/** As JavaScript has it, for comparisons with what a config says: a number that kept its text is a number. */
export function plainOf(value: JsonValue | undefined): Exclude<JsonValue, RawNumber> | undefined {
  return isRawNumber(value) ? Number(value.rawJSON) : value;
}

/** Its text; null where it is nested more deeply than can be written: reading knows no such bound. */
export function jsonOf(value: JsonValue): string | null {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/**
 * A cell in Postgres input syntax: a scalar's text, the JSON of an object or array (jsonb); null for null and what is not there.
 * @throws RangeError where it is nested too deeply
 */
export function cellOf(value: JsonValue | undefined): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return value;
  // JavaScript prints zero without its sign.
  if (typeof value !== "object") return Object.is(value, -0) ? "-0" : String(value);
  return isRawNumber(value) ? value.rawJSON : JSON.stringify(value);
}

/** U+0000 and half of a surrogate pair, also where JSON writes them escaped. */
const ESCAPED_UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][\da-f]{2})/;

/** Can Postgres store a cell that `cellOf` has made of `value`? It takes neither U+0000 nor half of a surrogate pair. */
export function isStorable(value: JsonValue | undefined, cell: string): boolean {
  if (typeof value === "object") return !ESCAPED_UNSTORABLE.test(cell);
  // A column of JSON has it with escapes.
  if (typeof value === "string" && value !== cell) return isStorable(undefined, value);
  return !cell.includes("\0") && cell.isWellFormed();
}
