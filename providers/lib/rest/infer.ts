import { isRawNumber, isStorable, type JsonObject, type JsonValue } from "../http/json.ts";
import { type FieldType, fitCell } from "./field-types.ts";
import { readTime } from "./times.ts";

type Kind = "boolean" | "integer" | "number" | "time" | "string" | "nested";

/** Postgres keeps microseconds: times with finer ones stay text. */
const MOST_DIGITS = 6;

/**
 * Top-level members of which the sample says something (not only null), in the order in which they appear; not those whose names a
 * plan could not hold.
 */
export function memberNames(records: readonly JsonObject[]): string[] {
  const names = new Set<string>();
  for (const record of records) {
    for (const name of Object.keys(record)) if (record[name] !== null) names.add(name);
  }
  return [...names].filter((name) => isStorable(name, name));
}

/**
 * A type that holds every sampled value of a field as it is.
 * @param values not null
 * @returns null where there are none
 */
export function inferType(values: readonly JsonValue[]): FieldType | null {
  return values.length === 0 ? null : typeOf(new Set(values.map(kindOf)));
}

/**
 * The cell of an inferred column, which takes a value only as what it is, and not as text that could be read so; null where it
 * does not fit.
 */
export function fitInferred(value: JsonValue, type: FieldType): string | null {
  return isOfKind(value, type) ? fitCell(value, type) : null;
}

function isOfKind(value: JsonValue, type: FieldType): boolean {
  switch (type) {
    case "jsonb":
      return true;
    case "text":
      return typeof value === "string";
    case "boolean":
      return typeof value === "boolean";
    case "bigint":
    case "numeric":
      return typeof value === "number" || isRawNumber(value);
    default:
      return typeof value === "string";
  }
}

function typeOf(kinds: Set<Kind>): FieldType {
  const only = (...allowed: Kind[]): boolean => [...kinds].every((kind) => allowed.includes(kind));
  if (only("boolean")) return "boolean";
  if (only("integer")) return "bigint";
  if (only("integer", "number")) return "numeric";
  if (only("time")) return "timestamp with time zone";
  if (only("time", "string")) return "text";
  return "jsonb";
}

/** `number` is whatever `bigint` cannot hold as it is written: 1.0 is one. */
function kindOf(value: JsonValue): Kind {
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "string") return kindOfText(value);
  if (typeof value !== "number" && !isRawNumber(value)) return "nested";
  const hasFraction = isRawNumber(value) && value.rawJSON.includes(".");
  if (!hasFraction && fitCell(value, "bigint") !== null) return "integer";
  return fitCell(value, "numeric") === null ? "nested" : "number";
}

function kindOfText(text: string): Kind {
  const time = readTime(text);
  return time?.zoned && time.digits <= MOST_DIGITS ? "time" : "string";
}
