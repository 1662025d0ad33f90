import { TerminalError, TransientError } from "../../../core/errors.ts";
import { isObject, isRawNumber, type JsonObject, type JsonValue } from "../http/json.ts";
import { WRITERS_FIXES } from "../writers-fixes.ts";
import { parentColumnPath } from "./column-names.ts";
import type { Resource } from "./resources.ts";
import { describeMembers } from "./sample-check.ts";
import { memberOf, selectAll, selectOne } from "./selector.ts";

/** Where records are when the resource does not say. */
export const USUAL_PLACES = ["data", "items", "results", "value"];

/** @throws ProviderError source_response_invalid where the answer has no records at the place, or in more places than one */
export function recordsIn(
  body: JsonValue,
  resource: Pick<Resource, "provider" | "name" | "recordSelector" | "missingRecords">,
): JsonValue[] {
  const { provider, name, recordSelector, missingRecords } = resource;
  const rivals = recordSelector === undefined ? findRivals(body) : [];
  if (rivals.length > 0) {
    throw new TerminalError(
      "source_response_invalid",
      `${provider}: an answer for ${name} has a list at each of ${rivals.join(", ")}, and only the first one is empty.`,
      { fix: WRITERS_FIXES.rivals.written },
    );
  }
  const found = recordSelector === undefined ? usualRecords(body) : selectAll(body, recordSelector);
  if (found !== null) return found.flatMap((place) => place ?? []).map(asRecord);
  if (missingRecords === "empty") return [];
  const where = recordSelector === undefined ? "in its usual places" : `at ${recordSelector}`;
  throw new TransientError(
    "source_response_invalid",
    `${provider}: an answer for ${name} has no records ${where}: ${describeBody(body, recordSelector)}.`,
    { fix: WRITERS_FIXES.selector.written },
  );
}

/** As far as the path leads. */
function describeBody(body: JsonValue, path = ""): string {
  if (Array.isArray(body)) return "its body is an array";
  if (!isObject(body)) return "its body is no object";
  const first = path.split(".")[0]?.replace("[*]", "") ?? "";
  const within = memberOf(body, first);
  const isInside = path.includes(".") && (isObject(within) || Array.isArray(within));
  return isInside
    ? `${first} has ${describeMembers(Array.isArray(within) ? within : [within])}`
    : `its body has ${describeMembers([body])}`;
}

/**
 * The record with what it is to know of its parent. Members of its own that have these names are kept as `_own_parent_<field>`, so
 * that neither value is lost.
 */
export function withParent(record: JsonValue, parent: JsonObject | null, fields: readonly string[]): JsonValue {
  if (parent === null || fields.length === 0 || !isObject(record)) return record;
  const names = fields.map(parentColumnPath);
  const own = Object.entries(record).map(([name, value]) => [isTaken(name, names) ? ownNameOf(name) : name, value]);
  const kept = fields.map((field, i) => [names[i], selectOne(parent, field) ?? null]);
  return Object.fromEntries([...own, ...kept]);
}

/** The record as it was before `withParent`. */
export function withoutParent(record: JsonObject, fields: readonly string[]): JsonObject {
  if (fields.length === 0) return record;
  const names = fields.map(parentColumnPath);
  const own = Object.entries(record).filter(([name]) => !names.includes(name));
  return Object.fromEntries(
    own.map(([name, value]) => [isTaken(name, names) ? name.slice("_own".length) : name, value]),
  );
}

/** Also a member that is called as another one is renamed to. */
function isTaken(name: string, names: readonly string[]): boolean {
  return name.startsWith("_") && names.includes(name.replace(/^(_own)+(?=_parent_)/, ""));
}

function ownNameOf(name: string): string {
  return `_own${name}`;
}

/** Lists of bare values get a column. */
export function asRecord(value: JsonValue): JsonValue {
  return typeof value === "object" && !isRawNumber(value) ? value : { value };
}

/** One array, or none. */
function usualRecords(body: JsonValue): JsonValue[] | null {
  const [list] = usualLists(body);
  return list === undefined ? null : [list[1]];
}

function usualLists(body: JsonValue): [name: string, list: JsonValue[]][] {
  if (Array.isArray(body)) return [["the root", body]];
  if (!isObject(body)) return [];
  return USUAL_PLACES.flatMap((name): [string, JsonValue[]][] => {
    const list = memberOf(body, name);
    return Array.isArray(list) ? [[name, list]] : [];
  });
}

/** The first one is empty and another one is not: either may be the records. */
function findRivals(body: JsonValue): string[] {
  const [first, ...others] = usualLists(body);
  if (first === undefined || first[1].length > 0) return [];
  const rivals = others.filter(([, list]) => list.length > 0).map(([name]) => name);
  return rivals.length === 0 ? [] : [first[0], ...rivals];
}
