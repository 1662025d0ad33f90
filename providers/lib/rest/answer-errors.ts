import { isObject, type JsonObject, type JsonValue, plainOf } from "../http/json.ts";
import { itemsOf } from "./page-items.ts";
import { recordsIn } from "./records.ts";
import type { Resource } from "./resources.ts";

/**
 * Does an answer with status 200 or the like report an error? Some sources do so beside an empty list, or beside half of the data (GraphQL):
 * without an error rule that says what it means, such an answer is no page.
 */
export function reportsError(body: JsonValue, resource: Resource): boolean {
  if (!isObject(body)) return false;
  const places = [body, ...PLACES.map((name) => body[name]).filter(isObject)];
  if (!places.some(tellsError)) return false;
  const isGraphql = isObject(body.data) && Array.isArray(body.errors) && body.errors.length > 0;
  const records = recordsIn(body, { ...resource, missingRecords: "empty" });
  return isGraphql || itemsOf(body, resource, records).length === 0;
}

/** Where an answer speaks of itself, besides its root. */
const PLACES = ["meta", "metadata", "status", "header", "response_metadata"];

function tellsError(place: JsonObject): boolean {
  return Object.entries(place).some(([name, value]) => isFailed(name, plainOf(value)));
}

const ERROR = /^(errors?|fault|exception|error_?(messages?|msg|description))$/i;
const ERROR_CODE = /^(err|error)_?(code|no)$/i;
const STATUS = /^(status|(http_?)?(status_?)?code)$/i;

function isReported(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null || value === false || value === "" || value === 0) return false;
  return !(Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0);
}

/** `{"success": false}`, `{"status": "error"}`, `{"errcode": 40001}`, `{"code": 500}` */
function isFailed(name: string, value: JsonValue | undefined): boolean {
  if (ERROR.test(name)) return isReported(value);
  if (ERROR_CODE.test(name)) return isReported(value) && value !== "0";
  // A list of exact numbers has no text, and an object may have a `toString` of its own.
  if (typeof value === "object") return false;
  if (/^(is_?)?(success|successful|succeeded|ok)$/i.test(name)) return /^false$/i.test(String(value));
  if (STATUS.test(name) && Number(value) >= 400 && Number(value) < 600) return true;
  return /^(status|result)$/i.test(name) && typeof value === "string" && /^(error|fail|failed|failure)$/i.test(value);
}

/** 202: the source is still at it (statistics, exports), and has no records yet. */
export function isNotReady(body: JsonValue | undefined, resource: Resource): boolean {
  if (body === undefined) return true;
  const records = recordsIn(body, { ...resource, missingRecords: "empty" });
  return records.every((each) => isObject(each) && Object.keys(each).length === 0);
}
