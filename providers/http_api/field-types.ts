import { cellOf, isObject, type JsonValue } from "../lib/http/json.ts";

/** Types that a field can be declared as; named as Postgres's `format_type` does. */
export const FIELD_TYPES = [
  "text",
  "bigint",
  "integer",
  "numeric",
  "double precision",
  "boolean",
  "date",
  "timestamp with time zone",
  "timestamp without time zone",
  "uuid",
  "jsonb",
] as const;
export type FieldType = (typeof FIELD_TYPES)[number];

/** Exponents beyond it are no `numeric` of Postgres. */
const MAX_EXPONENT = 16_000;

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,30})?)?)?(Z|[+-]\d\d(?::?\d\d)?)?$/i;
const UUID = /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;
const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE]([+-]?\d{1,6}))?$/;

/**
 * The value as Postgres reads it in a column of the type, exactly; null where it does not fit. Text that reads as a number
 * fits a number's column, since many APIs send amounts so.
 * @param value not null
 */
export function fitCell(value: JsonValue, type: FieldType): string | null {
  switch (type) {
    case "jsonb":
      return JSON.stringify(value);
    case "text":
      return scalarText(value);
    case "boolean":
      return typeof value === "boolean" || value === "true" || value === "false" ? String(value) : null;
    case "bigint":
      return integerWithin(value, 63n);
    case "integer":
      return integerWithin(value, 31n);
    case "numeric":
      return numberText(value);
    case "double precision":
      return doubleText(value);
    case "uuid":
      return typeof value === "string" && UUID.test(value) ? value : null;
    case "date":
      return typeof value === "string" && value.length === 10 && readTime(value) !== null ? value : null;
    case "timestamp with time zone":
      return typeof value === "string" && readTime(value)?.zoned ? value : null;
    case "timestamp without time zone":
      return typeof value === "string" && readTime(value)?.zoned === false ? value : null;
  }
}

/** The text of a time that Postgres would take as it is; null where it is none. */
export function readTime(text: string): { zoned: boolean } | null {
  const match = RFC3339.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour = "0", minute = "0", second = "0", zone] = match;
  const isDate = Number(year) > 0 && isDay(Number(year), Number(month), Number(day));
  if (!isDate || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  return { zoned: zone !== undefined };
}

const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function isDay(year: number, month: number, day: number): boolean {
  const isLeapYear = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day >= 1 && day <= (DAYS[month - 1] ?? 0) && (month !== 2 || day < 29 || isLeapYear);
}

function scalarText(value: JsonValue): string | null {
  return Array.isArray(value) || isObject(value) ? null : cellOf(value);
}

function numberText(value: JsonValue): string | null {
  if (typeof value === "number") return cellOf(value);
  if (typeof value === "boolean") return null;
  const text = scalarText(value);
  const match = text === null ? null : NUMBER.exec(text);
  return match && Math.abs(Number(match[1] ?? 0)) <= MAX_EXPONENT ? text : null;
}

function integerWithin(value: JsonValue, bits: bigint): string | null {
  if (Number.isSafeInteger(value) && bits === 63n) return String(value);
  const text = numberText(value);
  if (text === null || !/^-?\d{1,20}(?:\.0+)?$/.test(text)) return null;
  const integer = BigInt(text.replace(/\.0+$/, ""));
  return integer >= -(1n << bits) && integer < 1n << bits ? integer.toString() : null;
}

function doubleText(value: JsonValue): string | null {
  const text = numberText(value);
  return text !== null && Number.isFinite(Number(text)) ? text : null;
}
