import { isObject, type JsonValue, plainOf } from "../http/json.ts";

const NEXT =
  /^(@|__|hydra:|(@?odata\.))?next(_?(page|url|uri|link|href|cursor|key|token|marker|offset|start|records|continuation))*$/i;
const MORE = /^(is_?truncated|(has_?)?more(_?(pages?|results|items|records|rows|data|entries))?(_?in_?collection)?)$/i;
const HAS_NEXT = /^has_?next(_?(pages?|results|items|records))?$/i;
/** Words that say `false` where more follow. */
const LAST = /^((is_?)?last(_?page)?|done|(is_?)?(at_?)?end_?of_?(stream|list|results|data|records))$/i;
const TOTAL =
  /^((@?odata\.|__|hydra:)?(total(_?(count|results|items|records|elements|size|rows|hits))?|count)|num_?found|nb_?hits)$/i;
const PAGES = /^(total_?pages|pages?_?count|last_?page|num_?pages|nb_?pages)$/i;
/** Keys from which a source goes on; their last page has none. */
const KEY = /^last_?evaluated_?key$/i;
/** A scroll is read until it is empty. */
const SCROLL = /^_?scroll_?id$/i;

/** `flag`: `has_more` is true. `next`: a next page is named. `count`: there are more items or pages than these. */
export type Kind = "flag" | "next" | "count";

/** Does a member say, as APIs commonly do, that more follows a page of `items`? */
export function saysMore(kind: Kind, name: string, value: JsonValue | undefined, items: number): boolean {
  const plain = plainOf(value);
  switch (kind) {
    case "flag": {
      // A list of exact numbers is no text, and an object may have a `toString` of its own.
      const isSet = typeof plain === "object" ? "" : String(plain).toLowerCase();
      return isSet === "true" ? MORE.test(name) || HAS_NEXT.test(name) : isSet === "false" && LAST.test(name);
    }
    case "next":
      return (NEXT.test(name) && namesPage(plain)) || namesNextKey(name, plain);
    case "count": {
      const size = TOTAL.test(name) ? items : PAGES.test(name) ? 1 : Number.POSITIVE_INFINITY;
      const isOpen = SCROLL.test(name) && typeof plain === "string" && items > 0;
      return isOpen || (countOf(plain) ?? 0) > size;
    }
  }
}

type Plain = ReturnType<typeof plainOf>;

/** Elasticsearch has `{"value": 25, "relation": "eq"}`. */
function countOf(value: Plain): number | null {
  const count = isObject(value) ? plainOf(value.value) : value;
  if (typeof count === "string") return /^\d{1,15}$/.test(count) ? Number(count) : null;
  return typeof count === "number" ? count : null;
}

/** `{"href": "..."}`, and `{"after": "10"}`: where it is, or what it is asked for by. */
function namesPage(value: Plain): boolean {
  if (isObject(value)) return Object.values(value).some((each) => !isObject(each) && namesPage(plainOf(each)));
  return typeof value === "number" ? value > 0 : typeof value === "string" && value !== "";
}

/** Airtable's `offset` is a token, and those of others are numbers; Kubernetes says `continue`. */
function namesNextKey(name: string, value: Plain): boolean {
  if (KEY.test(name)) return isObject(value) ? Object.keys(value).length > 0 : namesPage(value);
  return /^(offset|continue)$/.test(name) && typeof value === "string" && /[a-z]/i.test(value);
}
