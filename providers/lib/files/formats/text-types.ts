import { digitsOf } from "../../rest/decimal.ts";
import type { FieldType } from "../../rest/field-types.ts";
import { readTime } from "../../rest/times.ts";
import type { FileField } from "../shape.ts";

/** Types of cells that are text, as in CSV: what a sample shows, and what a later cell has to be like. */

export type TextKind = "integer" | "number" | "boolean" | "date" | "local" | "zoned" | "text";

/** As programs write numbers. Leading zeros, a plus and a minus before zero would be lost, so text that has them is text. */
const INTEGER = /^(?:0|-?[1-9]\d*)$/;
const NUMBER = /^-?(?:0|[1-9]\d{0,999})(?:\.\d{1,999})?(?:[eE][+-]?\d{1,4})?$/;
const BOOLEAN = /^(?:true|false)$/i;
const DATE_LENGTH = 10;
/** Postgres keeps microseconds. */
const MOST_DIGITS = 6;

export function kindOfText(text: string): TextKind {
  if (INTEGER.test(text)) return isBigint(text) ? "integer" : text.length <= 1000 ? "number" : "text";
  if (text !== "-0" && NUMBER.test(text)) return digitsOf(text) === null ? "text" : "number";
  if (BOOLEAN.test(text)) return "boolean";
  const time = readTime(text);
  if (time === null || time.digits > MOST_DIGITS) return "text";
  if (time.zoned) return text.length > DATE_LENGTH + 6 ? "zoned" : "text";
  return text.length === DATE_LENGTH ? "date" : "local";
}

/** @param kinds of the values of a column, of which none is null */
export function typeOfKinds(kinds: ReadonlySet<TextKind>): FieldType {
  const [kind, ...others] = kinds;
  if (kind === undefined) return "text";
  if (others.length === 0) return TYPES[kind];
  return [...kinds].every((each) => each === "integer" || each === "number") ? "numeric" : "text";
}

const TYPES: Record<TextKind, FieldType> = {
  integer: "bigint",
  number: "numeric",
  boolean: "boolean",
  date: "date",
  local: "timestamp without time zone",
  zoned: "timestamp with time zone",
  text: "text",
};

/** Does the text fit the field as it is written, so that nothing of it is lost or read as something else? */
export function fitsText(text: string, { type, isDeclared }: FileField): boolean {
  if (type === "text") return true;
  if (isDeclared && DECLARED[type]?.(text)) return true;
  const kind = kindOfText(text);
  return TYPES[kind] === type ? kind !== "text" : type === "numeric" && kind === "integer";
}

const WORDS = /^\s*(?:t|true|f|false|y|yes|n|no|on|off|1|0)\s*$/i;
const UUID = /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;
const SPECIAL = /^(?:nan|[+-]?inf(?:inity)?)$/i;

/** What Postgres reads as a value of a type that the user has named. */
const DECLARED: Record<string, (text: string) => boolean> = {
  bigint: (text) => /^\s*[+-]?\d{1,40}\s*$/.test(text) && isBigint(text.trim().replace(/^\+/, "")),
  numeric: (text) => isNumber(text) || SPECIAL.test(text.trim()),
  "double precision": (text) => isDouble(text.trim()),
  boolean: (text) => WORDS.test(text),
  uuid: (text) => UUID.test(text),
  jsonb: isJson,
};

function isNumber(text: string): boolean {
  const plain = text
    .trim()
    .replace(/^\+/, "")
    .replace(/^(-?)\./, "$10.")
    .replace(/\.(?=[eE]|$)/, "");
  return plain.length <= 2000 && digitsOf(plain) !== null;
}

function isDouble(text: string): boolean {
  return SPECIAL.test(text) || (isNumber(text) && Number.isFinite(Number(text)));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

const [LEAST, MOST] = [-(1n << 63n), (1n << 63n) - 1n];

function isBigint(text: string): boolean {
  if (text.length < 19) return true;
  if (text.length > 41) return false;
  const value = BigInt(text);
  return value >= LEAST && value <= MOST;
}
