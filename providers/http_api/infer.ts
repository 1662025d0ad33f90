import { isRawNumber, type JsonObject, type JsonValue } from "../lib/http/json.ts";
import { type FieldType, fitCell, readTime } from "./field-types.ts";

type Kind = "boolean" | "integer" | "number" | "time" | "string" | "nested";

/** Postgres keeps microseconds: times with finer ones stay text. */
const FINER = /\.\d{6}\d*[1-9]/;

/**
 * A type that holds every sampled value of each top-level field as it is, in the order in which fields appear. Fields of
 * which the sample says nothing (null, or not there) are absent.
 */
export function inferTypes(records: readonly JsonObject[]): Map<string, FieldType> {
  const kinds = new Map<string, Set<Kind>>();
  for (const record of records) {
    for (const [field, value] of Object.entries(record)) {
      if (value === null) continue;
      const seen = kinds.get(field) ?? new Set();
      kinds.set(field, seen.add(kindOf(value)));
    }
  }
  return new Map([...kinds].map(([field, seen]) => [field, typeOf(seen)]));
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
      return typeof value === "string" && !FINER.test(value);
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

/** `number` is whatever `bigint` cannot hold. */
function kindOf(value: JsonValue): Kind {
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "string") return kindOfText(value);
  if (typeof value !== "number" && !isRawNumber(value)) return "nested";
  if (fitCell(value, "bigint") !== null) return "integer";
  return fitCell(value, "numeric") === null ? "nested" : "number";
}

function kindOfText(text: string): Kind {
  return readTime(text)?.zoned && !FINER.test(text) ? "time" : "string";
}
