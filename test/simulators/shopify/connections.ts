import { GraphQLError, type GraphQLField } from "graphql";
import type { Stored } from "../store.ts";
import type { ShopContext } from "./context.ts";
import { filtersOf } from "./schema.ts";
import { compareBy, parseSearch, type Term } from "./search.ts";

export interface Page {
  nodes: Stored[];
  cursors: string[];
  hasNextPage: boolean;
  hasPreviousPage: boolean;
}

interface PageArguments {
  first?: number | null;
  last?: number | null;
  after?: string | null;
  before?: string | null;
  query?: string | null;
  sortKey?: string | null;
  reverse?: boolean | null;
}

type Place = [value: string | number, id: number];

interface CursorState {
  list: string;
  place: Place;
}

/**
 * A page of the records, as the arguments of a connection ask for it.
 * @param options.isSearched the list comes from the search index, so it lags
 * @throws GraphQLError
 */
export function pageOf(
  context: ShopContext,
  records: readonly Stored[],
  args: PageArguments,
  { field, table, isSearched }: { field: GraphQLField<unknown, unknown>; table: string; isSearched: boolean },
): Page {
  const { settings } = context;
  const list = [field.name, args.sortKey ?? "ID", args.query ?? "", args.reverse ?? false].join("|");
  const listed = sorted(search(context, records, args, { field, table, isSearched }), args);
  if (context.isBulk) return { ...whole(listed), hasNextPage: false, hasPreviousPage: false };
  const { first = null, last = null } = args;
  if (first === null && last === null) throw refused("you must provide one of first or last", "BAD_REQUEST");
  const size = first ?? last ?? 0;
  if (size < 0 || size > settings.pageSize)
    throw refused(`${field.name}: a page has at most ${settings.pageSize} objects`, "BAD_REQUEST");
  const from = args.after == null ? 0 : behind(listed, placeAt(context, args.after, list));
  const to = args.before == null ? listed.length : before(listed, placeAt(context, args.before, list));
  const start = first === null ? Math.max(from, to - size) : from;
  const end = Math.min(first === null ? to : Math.min(to, from + size), settings.cap);
  if (start >= settings.cap && settings.pastCap === "error")
    throw refused(`Pagination is limited to ${settings.cap} objects. Use filters to narrow the list.`, "BAD_REQUEST");
  const nodes = listed.slice(start, end);
  const reachable = settings.pastCap === "error" ? to : Math.min(to, settings.cap);
  return {
    nodes: nodes.map(({ record }) => record),
    cursors: nodes.map(({ place }) => context.tools.cursors.make({ list, place } satisfies CursorState)),
    hasNextPage: end < reachable,
    hasPreviousPage: start > 0,
  };
}

interface Listed {
  record: Stored;
  place: Place;
}

function whole(listed: readonly Listed[]): Pick<Page, "nodes" | "cursors"> {
  return { nodes: listed.map(({ record }) => record), cursors: listed.map(() => "") };
}

/** The sort looks at what the search sees, so that a page does not fall apart while a change is under way. */
function sorted(seen: { record: Stored; seen: Stored }[], args: PageArguments): Listed[] {
  const by = ORDER[args.sortKey ?? "ID"] ?? (() => 0);
  const sign = args.reverse ? -1 : 1;
  return seen
    .map(({ record, seen: version }): Listed => ({ record, place: [by(version), record.id] }))
    .sort((a, b) => sign * compare(a.place, b.place));
}

/** Sort keys that nothing here needs fall back to the id. */
const ORDER: Record<string, (record: Stored) => string | number> = {
  ID: () => 0,
  UPDATED_AT: ({ updated_at: at }) => String(at),
  CREATED_AT: ({ created_at: at, updated_at: changed }) => String(at ?? changed),
  PROCESSED_AT: ({ created_at: at, updated_at: changed }) => String(at ?? changed),
  TITLE: ({ title }) => String(title ?? ""),
};

function compare(a: Place, b: Place): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1] - b[1];
}

/** The place of the first record behind the one that the cursor names, whether that is still there or not. */
function behind(listed: readonly Listed[], { place, sign }: { place: Place; sign: number }): number {
  const at = listed.findIndex((each) => sign * compare(each.place, place) > 0);
  return at === -1 ? listed.length : at;
}

function before(listed: readonly Listed[], { place, sign }: { place: Place; sign: number }): number {
  const at = listed.findIndex((each) => sign * compare(each.place, place) >= 0);
  return at === -1 ? listed.length : at;
}

function placeAt({ tools }: ShopContext, cursor: string, list: string): { place: Place; sign: number } {
  const state = tools.cursors.read(cursor) as CursorState | null;
  if (state?.list !== list) throw refused("Invalid cursor for current pagination sort.", "BAD_REQUEST");
  return { place: state.place, sign: list.endsWith("|true") ? -1 : 1 };
}

function search(
  context: ShopContext,
  records: readonly Stored[],
  { query }: PageArguments,
  { field, table, isSearched }: { field: GraphQLField<unknown, unknown>; table: string; isSearched: boolean },
): { record: Stored; seen: Stored }[] {
  const known = filtersOf(field);
  const seen = records.flatMap((record) => {
    const version = isSearched ? context.index.seen(table, record) : record;
    return version === null ? [] : [{ record, seen: version }];
  });
  if (query == null || query.trim() === "") return seen;
  const { terms, matches } = parseSearch(query);
  const ignored = terms.filter(({ field: name }) => name !== null && !known.has(name));
  const now = context.clock.now();
  const wrong = terms.filter((term) => compareBy(known.get(term.field ?? "") ?? "", term, "2026-01-01", now) === null);
  for (const term of [...ignored, ...wrong])
    context.warn({
      path: [field.name],
      query,
      field: term.field,
      code: ignored.includes(term) ? "invalid_field" : "invalid_value",
    });
  return seen.filter(({ seen: version }) => matches((term) => accepts(version, term, known, now)));
}

/** A filter that the search does not know, or whose value is none, does not count: the API warns and answers without it. */
function accepts(record: Stored, term: Term, known: ReadonlyMap<string, string>, now: number): boolean {
  const type = known.get(term.field ?? "");
  if (term.field === null) return Object.values(record).some((value) => String(value).includes(term.value));
  if (type === undefined) return true;
  const camel = term.field.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  return compareBy(type, term, record[term.field] ?? record[camel], now) ?? true;
}

export function refused(message: string, code: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } });
}
