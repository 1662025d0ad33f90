import { cellOf, isObject, type JsonValue } from "../http/json.ts";
import { digitsOf } from "./decimal.ts";
import { readTime } from "./times.ts";

/** Types without a modifier that a field can be declared as; named as Postgres's `format_type` does. */
const PLAIN_TYPES = [
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

/** Those, and `numeric(p,s)`, `character varying(n)`, `timestamp(p) with(out) time zone`: as `canonicalType` gives them. */
export type FieldType = string;

/** For messages and the guide. */
export const FIELD_TYPE_NAMES = [
  ...PLAIN_TYPES,
  "numeric(p,s)",
  "varchar(n)",
  "timestamp(p) with time zone",
  "timestamp(p) without time zone",
];

interface ParsedType {
  name: (typeof PLAIN_TYPES)[number] | "character varying";
  /** Digits in all, characters, or digits of a second. */
  size?: number | undefined;
  /** Of `numeric`: digits of the fraction. */
  scale?: number | undefined;
}

const NUMERIC = /^numeric\((\d{1,4})(?:,(\d{1,4}))?\)$/;
const VARCHAR = /^(?:varchar|character varying)\((\d{1,8})\)$/;
const TIMESTAMP = /^timestamp\(([0-6])\) (with|without) time zone$/;

/** As `format_type` prints it; null for what is no type of a field. */
export function canonicalType(type: string): FieldType | null {
  const text = type
    .toLowerCase()
    .replace(/ *([(,)]) */g, "$1")
    .replace(/\)(?=w)/, ") ");
  const parsed = parseType(text);
  if (parsed === null) return null;
  const { name, size, scale = 0 } = parsed;
  if (size === undefined) return name;
  if (name === "numeric") return `numeric(${size},${scale})`;
  return name === "character varying" ? `${name}(${size})` : name.replace("timestamp", `timestamp(${size})`);
}

const known = new Map<string, ParsedType | null>();

function parseType(type: string): ParsedType | null {
  const before = known.get(type);
  if (before !== undefined) return before;
  const found = parseTypeAnew(type);
  known.set(type, found);
  return found;
}

function parseTypeAnew(type: string): ParsedType | null {
  const plain = PLAIN_TYPES.find((name) => name === type);
  if (plain !== undefined) return { name: plain };
  const [, precision, scale = "0"] = NUMERIC.exec(type) ?? [];
  if (precision !== undefined) {
    const [size, digits] = [Number(precision), Number(scale)];
    return size >= 1 && size <= 1000 && digits <= size ? { name: "numeric", size, scale: digits } : null;
  }
  const [, length] = VARCHAR.exec(type) ?? [];
  if (length !== undefined) {
    const size = Number(length);
    return size >= 1 && size <= 10_485_760 ? { name: "character varying", size } : null;
  }
  const [, digits, zone] = TIMESTAMP.exec(type) ?? [];
  if (digits === undefined) return null;
  return { name: zone === "with" ? "timestamp with time zone" : "timestamp without time zone", size: Number(digits) };
}

/** Does Postgres compare values of the type as numbers or instants? */
export function ordersByMeaning(type: FieldType): boolean {
  const name = parseType(type)?.name ?? "text";
  return ["bigint", "integer", "numeric", "double precision"].includes(name) || name.startsWith("timestamp");
}

const UUID = /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;

/**
 * The value as Postgres reads it in a column of the type, exactly; null where it does not fit, also where Postgres would round
 * or cut it. Text that reads as a number fits a number's column, since many APIs send amounts so.
 * @param value not null
 */
export function fitCell(value: JsonValue, type: FieldType): string | null {
  const { name, size, scale }: ParsedType = parseType(type) ?? { name: "text" };
  switch (name) {
    case "jsonb":
      return JSON.stringify(value);
    case "text":
      return scalarText(value);
    case "character varying":
      return textWithin(value, size);
    case "boolean":
      return typeof value === "boolean" || value === "true" || value === "false" ? String(value) : null;
    case "bigint":
      return integerWithin(value, 63n);
    case "integer":
      return integerWithin(value, 31n);
    case "numeric":
      return numericWithin(value, size, scale);
    case "double precision":
      return doubleText(value);
    case "uuid":
      return typeof value === "string" && UUID.test(value) ? value : null;
    case "date":
      return typeof value === "string" && value.length === 10 && readTime(value) !== null ? value : null;
    case "timestamp with time zone":
      return timeText(value, { zoned: true, digits: size });
    case "timestamp without time zone":
      return timeText(value, { zoned: false, digits: size });
  }
}

function scalarText(value: JsonValue): string | null {
  return Array.isArray(value) || isObject(value) ? null : cellOf(value);
}

/** Characters are those of Postgres: code points. */
function textWithin(value: JsonValue, length = Number.POSITIVE_INFINITY): string | null {
  const text = scalarText(value);
  return text !== null && (text.length <= length || [...text].length <= length) ? text : null;
}

function timeText(
  value: JsonValue,
  { zoned, digits = 6 }: { zoned: boolean; digits?: number | undefined },
): string | null {
  if (typeof value !== "string") return null;
  const time = readTime(value);
  return time !== null && time.zoned === zoned && time.digits <= digits ? value : null;
}

/** The text of a number as Postgres's `numeric` takes it; null where it is none. */
function numberText(value: JsonValue): string | null {
  if (typeof value === "number") return cellOf(value);
  if (typeof value === "boolean") return null;
  const text = scalarText(value);
  return text !== null && digitsOf(text) !== null ? text : null;
}

function numericWithin(value: JsonValue, precision?: number, scale = 0): string | null {
  const text = numberText(value);
  if (text === null || precision === undefined) return text;
  const digits = digitsOf(text);
  return digits !== null && digits.fraction <= scale && digits.whole <= precision - scale ? text : null;
}

function integerWithin(value: JsonValue, bits: bigint): string | null {
  if (Number.isSafeInteger(value) && bits === 63n) return String(value);
  const text = numberText(value);
  const digits = text === null ? null : digitsOf(text);
  if (digits === null || digits.fraction > 0 || digits.whole > 20) return null;
  const integer = digits.integer();
  return integer >= -(1n << bits) && integer < 1n << bits ? integer.toString() : null;
}

function doubleText(value: JsonValue): string | null {
  const text = numberText(value);
  return text !== null && Number.isFinite(Number(text)) ? text : null;
}
