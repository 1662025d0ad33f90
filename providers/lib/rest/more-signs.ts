import { isObject, type JsonObject, type JsonValue, parseJson } from "../http/json.ts";
import { totalInRange } from "./announced-count.ts";
import { type Kind, saysMore } from "./more-words.ts";
import type { AnsweredPage } from "./paginator.ts";

/** Where APIs keep what they say of their pages, besides the objects around the records. */
const PLACES = [
  ...["meta", "metadata", "response_metadata", "page", "pages", "paging", "pagination", "pageInfo", "info"],
  ...["links", "_links", "additional_data", "hydra:view", "d", "hits"],
];

/**
 * Where an answer says, in the words that most APIs use, that there are more pages; null where it does not. It is a guess: for a
 * resource whose config says nothing of pages, or something else than the answer.
 */
export function signOfMore(
  { headers, body, items, first }: Pick<AnsweredPage, "headers" | "body" | "items" | "first">,
  kinds: readonly Kind[],
): string | null {
  const header = signInHeaders(headers, items, kinds);
  if (header !== null) return `the header ${header}`;
  // The whole body is one record, whose members say nothing of pages.
  if (!isObject(body) || first === body) return null;
  for (const [prefix, place] of placesIn(body, first)) {
    const found = Object.entries(place).find(([name, value]) =>
      kinds.some((kind) => saysMore(kind, name, value, items)),
    );
    if (found !== undefined) return `${prefix}${found[0]}`;
    if (kinds.includes("next") && Object.values(place).some(isNextLink)) return `${prefix}links`;
  }
  return null;
}

/** No API wraps its records deeper. */
const DEEPEST = 8;

type Place = [prefix: string, place: JsonObject];

/** The body, the objects in it that hold the records, and what they say of their pages. */
function* placesIn(body: JsonObject, record: JsonValue | undefined): Generator<Place, void, undefined> {
  const around: Place[] = [["", body]];
  for (const [prefix, place] of around) {
    yield [prefix, place];
    for (const [name, value] of Object.entries(place)) {
      if (!isObject(value) || value === record) continue;
      const inner: Place = [`${prefix}${name}.`, value];
      if (holds(value, record, DEEPEST)) around.push(inner);
      else if (PLACES.includes(name)) yield* nestedPlaces(inner, DEEPEST);
    }
  }
}

/** `additional_data.pagination` */
function* nestedPlaces([prefix, place]: Place, depth: number): Generator<Place, void, undefined> {
  yield [prefix, place];
  if (depth === 0) return;
  for (const [name, value] of Object.entries(place))
    if (isObject(value) && PLACES.includes(name)) yield* nestedPlaces([`${prefix}${name}.`, value], depth - 1);
}

/** Of a list the first element is enough: the record is the first of its page. */
function holds(value: JsonValue | undefined, record: JsonValue | undefined, depth: number): boolean {
  if (record === undefined) return false;
  if (value === record) return true;
  if (depth === 0) return false;
  if (Array.isArray(value)) return holds(value[0], record, depth - 1);
  return isObject(value) && Object.values(value).some((each) => holds(each, record, depth - 1));
}

/** `[{"rel": "next", "href": "..."}]` */
function isNextLink(value: JsonValue): boolean {
  return Array.isArray(value) && value.some((each) => isObject(each) && each.rel === "next" && Boolean(each.href));
}

/** Limits of requests have totals of their own. */
const X_HEADER = /^x-(?!rate|limit)(?:wp-|pagination-)?(.+)$/;

/** `X-Total-Count: 250`, `Content-Range: 0-9/250`, `X-Pagination: {"TotalCount":250}`. */
function signInHeaders(headers: Headers, items: number, kinds: readonly Kind[]): string | null {
  if (kinds.includes("next") && hasNextLink(headers)) return "Link";
  const range = headers.get("content-range");
  if (kinds.includes("count") && (totalInRange(range ?? "") ?? 0) > items) return "Content-Range";
  for (const [name, text] of headers) {
    const own = X_HEADER.exec(name)?.[1]?.replaceAll("-", "_");
    if (own === undefined) continue;
    const value = valueIn(text);
    const members: [string, JsonValue][] =
      own === "pagination" && isObject(value) ? Object.entries(value) : [[own, value]];
    if (members.some(([member, each]) => kinds.some((kind) => saysMore(kind, member, each, items)))) return name;
  }
  return null;
}

function valueIn(header: string): JsonValue {
  try {
    return parseJson(header);
  } catch (error) {
    if (error instanceof SyntaxError) return header;
    throw error;
  }
}

function hasNextLink(headers: Headers): boolean {
  return /;\s*rel\s*=\s*["']?[^"';,]*\bnext\b/i.test(headers.get("link") ?? "");
}
