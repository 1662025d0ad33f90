import { randomUUID } from "node:crypto";

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

/** As JSON has it; `(\s*:)?` tells one in a key's place, where none may be. */
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?(\s*:)?/gi;

/**
 * `JSON.parse` tells a number's own text to a reviver only, which makes it five times slower. Instead, inexact numbers are
 * parsed as strings that begin with a mark, which nobody can know beforehand, and put back afterwards.
 * @throws SyntaxError
 */
export function parseJson(text: string): JsonValue {
  if (!MAY_BE_INEXACT.test(text)) return JSON.parse(text);
  const mark = randomUUID();
  const root: { value: JsonValue } = { value: JSON.parse(markInexact(text, mark)) };
  restoreNumbers(root, mark);
  return root.value;
}

function markInexact(text: string, mark: string): string {
  const markNumber = (number: string, isKey?: string) =>
    isKey === undefined && MAY_BE_INEXACT.test(number) ? `"${mark}${number}"` : number;
  let marked = "";
  let copied = 0;
  for (let from = 0; from < text.length; ) {
    const quote = text.indexOf('"', from);
    const end = quote === -1 ? text.length : quote;
    const between = text.slice(from, end);
    if (MAY_BE_INEXACT.test(between)) {
      marked += text.slice(copied, from) + between.replace(NUMBER, markNumber);
      copied = end;
    }
    from = endOfString(text, end);
  }
  return marked + text.slice(copied);
}

function endOfString(text: string, start: number): number {
  for (let quote = start; ; ) {
    quote = text.indexOf('"', quote + 1);
    if (quote === -1) return text.length;
    let before = quote;
    while (text[before - 1] === "\\") before -= 1;
    if ((quote - before) % 2 === 0) return quote + 1;
  }
}

/** Not by recursion: a source may nest as deeply as it likes. */
function restoreNumbers(root: { value: JsonValue }, mark: string): void {
  const open: object[] = [root];
  for (let container = open.pop(); container !== undefined; container = open.pop()) {
    for (const [key, value] of Object.entries(container)) {
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
  return !cell.includes("\0") && cell.isWellFormed();
}
