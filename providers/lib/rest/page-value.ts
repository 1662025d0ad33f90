import { cellOf, isObject, isRawNumber, type JsonValue, jsonOf, parseJson } from "../http/json.ts";
import type { PageToken } from "./page-token.ts";
import { describeMembers } from "./sample-check.ts";

/** What asks for the next page, as the source gave it: text, or the JSON of a number, an object or an array. */
export type PageValue = Pick<PageToken, "at" | "json">;

/** Null where there is nothing: an empty text, object or array, null and false say so. */
export function pageValueOf(value: JsonValue | undefined): PageValue | null {
  if (value === undefined || value === null || value === false || value === "" || value === "false") return null;
  if (typeof value === "string") return { at: value };
  if (!isNested(value)) return { at: cellOf(value) ?? "", ...(value === true ? {} : { json: true }) };
  return Object.keys(value).length === 0 ? null : { at: JSON.stringify(value), json: true };
}

/** As a parameter of the next request: JSON stays what it is in a body, digit for digit. */
export function parameterOf({ at, json }: PageToken, place: "query" | "body"): JsonValue {
  return json === true && place === "body" ? parseJson(String(at)) : at;
}

/** Why a value cannot be a parameter there, or a link; null where it can. */
export function whyNoParameter(path: string, value: JsonValue | undefined, place: "query" | "body"): string | null {
  if (!isNested(value) || Object.keys(value).length === 0) return null;
  if (place === "body") return jsonOf(value) === null ? `${path} is nested too deeply to be sent back` : null;
  return `${path} is ${describeNested(value)}, and one text or number is needed`;
}

export function describeNested(value: JsonValue): string {
  return isObject(value) ? `an object with ${describeMembers([value])}` : "an array";
}

function isNested(value: JsonValue | undefined): value is JsonValue[] | { [name: string]: JsonValue } {
  return Array.isArray(value) || (isObject(value) && !isRawNumber(value));
}
