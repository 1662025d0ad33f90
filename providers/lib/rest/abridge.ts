import { isObject, type JsonValue } from "../http/json.ts";

interface Most {
  characters: number;
  members: number;
  elements: number;
  depth: number;
}

/** What shows of which kind each value is. */
const OF_RECORD: Most = { characters: 1024, members: 10_000, elements: 10, depth: 5 };

/** What a paginator may look at is whole: no name, link or token is longer, and no path deeper. */
const OF_FRAME: Most = { characters: 256 * 1024, members: Number.POSITIVE_INFINITY, elements: 100, depth: 300 };

/** A body without most of its records, of which the rest is whole. */
export function abridgeFrame(body: JsonValue): JsonValue {
  return abridge(body, OF_FRAME);
}

/** @param paths what they lead to is kept whole */
export function abridgeRecord(record: JsonValue, paths: readonly string[]): JsonValue {
  if (!isObject(record)) return abridge(record, OF_RECORD);
  const whole = new Set(paths.flatMap((path) => [path, path.replace(/^\$\./, "").split(".")[0] ?? path]));
  const members = Object.entries(record);
  const kept = members.filter(([name], i) => i < OF_RECORD.members || whole.has(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, whole.has(name) ? value : abridge(value, OF_RECORD)]));
}

function abridge(value: JsonValue, most: Most): JsonValue {
  if (typeof value === "string") return value.length > most.characters ? `${value.slice(0, most.characters)}…` : value;
  const inner = { ...most, depth: most.depth - 1 };
  if (Array.isArray(value))
    return most.depth === 0 ? [] : value.slice(0, most.elements).map((each) => abridge(each, inner));
  if (!isObject(value)) return value;
  const members = most.depth === 0 ? [] : Object.entries(value).slice(0, most.members);
  return Object.fromEntries(members.map(([name, each]) => [name, abridge(each, inner)]));
}
