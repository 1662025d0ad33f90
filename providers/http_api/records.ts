import { TransientError } from "../../core/errors.ts";
import { isObject, type JsonObject, type JsonValue } from "../lib/http/json.ts";
import { parentColumnPath, type Resource } from "./resources.ts";
import { selectAll, selectOne } from "./selector.ts";

/** Where records are when the resource does not say. */
const USUAL_PLACES = ["data", "items", "results", "value"];

/** @throws TransientError source_response_invalid where the answer has no records at the place */
export function recordsIn(
  body: JsonValue,
  resource: Pick<Resource, "name" | "recordSelector" | "missingRecords">,
): JsonValue[] {
  const { name, recordSelector, missingRecords } = resource;
  const found = recordSelector === undefined ? usualRecords(body) : selectAll(body, recordSelector);
  if (found !== null) return found.flatMap((place) => place ?? []).map(asRecord);
  if (missingRecords === "empty") return [];
  const where = recordSelector === undefined ? "in its usual places" : `at ${recordSelector}`;
  throw new TransientError(
    "source_response_invalid",
    `http_api: an answer for ${name} has no records ${where}. Correct its recordSelector, or set missingRecords to "empty".`,
  );
}

/** The record with what it is to know of its parent. */
export function withParent(record: JsonValue, parent: JsonObject | null, fields: readonly string[]): JsonValue {
  if (parent === null || fields.length === 0 || !isObject(record)) return record;
  const kept = fields.map((field) => [parentColumnPath(field), selectOne(parent, field) ?? null]);
  return { ...record, ...Object.fromEntries(kept) };
}

/** Lists of bare values get a column. */
function asRecord(value: JsonValue): JsonValue {
  return typeof value === "object" ? value : { value };
}

/** One array, or none. */
function usualRecords(body: JsonValue): JsonValue[] | null {
  const places = isObject(body) ? USUAL_PLACES.map((name) => body[name]) : [body];
  const list = places.find((place) => Array.isArray(place));
  return list === undefined ? null : [list];
}
