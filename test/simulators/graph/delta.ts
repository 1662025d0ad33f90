import type { Store } from "../store.ts";
import type { VendorAnswer, VendorTools } from "../vendor.ts";
import { badRequest, graphError, guidOf, numberOf } from "./errors.ts";
import { project, type QueryOptions } from "./options.ts";
import { hasGoneAlong, isIn } from "./tree.ts";

/** What a feed makes life hard with. All of it is documented, and may be switched on and off. */
export interface FeedQuirks {
  /** Pages are as long as they like, up to the limit. */
  movingPages: boolean;
  /** Some have nothing but the address of the next one. */
  emptyPages: boolean;
  /** The same item comes again, at first in an older state. */
  duplicates: boolean;
  /** What changed while everything was enumerated comes in the same round; otherwise, in the next one. */
  catchesUp: boolean;
  /** Of a folder that is deleted it tells the folder, and nothing of what was in it. */
  foldersAlone: boolean;
}

/** A drive or a list whose changes are told. */
export interface Feed {
  table: string;
  /** Ids in the store begin here. */
  base: number;
  /** The address of its delta, without options. */
  url: string;
  present(store: Store, id: number, options: QueryOptions): object | null;
  tombstone(id: number): object;
  stale(item: object): object;
  /** What comes along with an item that changed: the folders above it. */
  above(store: Store, id: number, options: QueryOptions): object[];
  /** What an enumeration begins with. */
  top(store: Store): object[];
}

/** What a token stands for, and the options of the request that began: they need not be said again. */
interface FeedState {
  feed: string;
  options: Pick<QueryOptions, "select" | "top"> & { expand: [string, string[] | null][]; excludesParents: boolean };
  /** All that comes after an id, and where the changes begin that the next round tells; or the changes from a place in the log on. */
  at: { all: number; since: number } | { changesFrom: number };
  /** The page before was empty. */
  afterEmpty?: true;
}

export interface FeedRequest {
  options: QueryOptions;
  excludesParents: boolean;
  quirks: FeedQuirks;
  /** Most items of a page. */
  pageLimit: number;
  /** How many tokens were refused so far. */
  resyncs: number;
}

/** A timestamp as token reaches back so far, in days. */
const REACH_DAYS = 120;

/** https://learn.microsoft.com/graph/api/driveitem-delta and listitem-delta. @returns null in place of an answer: the token is refused */
export function answerDelta(feed: Feed, request: FeedRequest, tools: VendorTools): VendorAnswer | null {
  const { options, excludesParents } = request;
  const own: FeedState["options"] = {
    ...{ select: options.select, top: options.top, expand: [...options.expand], excludesParents },
  };
  const { token } = options;
  const begin = { all: 0, since: tools.store.changes.length };
  if (token === null) return page(feed, { feed: feed.url, options: own, at: begin }, request, tools);
  if (token === "latest")
    return ended(feed, [], { feed: feed.url, options: own, at: { changesFrom: begin.since } }, tools);
  if (/^\d{4}-\d\d-\d\dT/.test(token)) {
    const from = Date.parse(token);
    if (Number.isNaN(from)) return badRequest("The timestamp is not valid.");
    if (from < tools.clock.now() - REACH_DAYS * 86_400_000) return null;
    const first = tools.store.changes.findIndex(({ at }) => at >= from);
    const changesFrom = first === -1 ? begin.since : first;
    return page(feed, { feed: feed.url, options: own, at: { changesFrom } }, request, tools);
  }
  const state = tools.cursors.read(token) as FeedState | null;
  if (state === null) return null;
  if (state.feed !== feed.url) return badRequest("The token belongs to another resource.");
  return page(feed, state, request, tools);
}

/** 410 with the address where a fresh enumeration begins. */
export function refuseToken(
  feed: Feed,
  { resyncs, options, excludesParents }: FeedRequest,
  tools: VendorTools,
): VendorAnswer {
  const own = { select: options.select, top: options.top, expand: [...options.expand], excludesParents };
  const at = { all: 0, since: tools.store.changes.length };
  const location = `${feed.url}?token=${tools.cursors.make({ feed: feed.url, options: own, at } satisfies FeedState)}`;
  const code = resyncs % 2 === 0 ? "resyncChangesApplyDifferences" : "resyncChangesUploadDifferences";
  const nested = resyncs % 3 === 2 ? { outer: "resyncRequired", innerCode: code } : { outer: code };
  return graphError(410, nested.outer, "Resync required. The sync token is no longer valid.", {
    headers: { location },
    ...("innerCode" in nested ? { innerCode: code } : {}),
  });
}

function page(feed: Feed, state: FeedState, request: FeedRequest, tools: VendorTools): VendorAnswer {
  const place = JSON.stringify(state);
  const { quirks } = request;
  if (quirks.emptyPages && state.afterEmpty === undefined && numberOf(`empty ${place}`, 4) === 0)
    return goesOn(feed, [], { ...state, afterEmpty: true }, tools);
  const most = Math.min(request.pageLimit, state.options.top ?? request.pageLimit);
  const size = quirks.movingPages ? 1 + numberOf(`size ${place}`, most) : most;
  const { afterEmpty: _, ...next } = state;
  return "all" in state.at
    ? enumerate(feed, { ...next, at: state.at }, { size, quirks }, tools)
    : tellChanges(feed, { ...next, at: state.at }, { size, quirks }, tools);
}

interface PageShape {
  size: number;
  quirks: FeedQuirks;
}

function enumerate(
  feed: Feed,
  state: FeedState & { at: { all: number; since: number } },
  { size, quirks }: PageShape,
  tools: VendorTools,
): VendorAnswer {
  const { store } = tools;
  const options = optionsOf(state);
  const { all: after, since } = state.at;
  const ids = store.rows(feed.table).flatMap(({ id }) => (isIn(feed, id) ? id : []));
  const left = ids.filter((id) => id > after);
  const listed = left.slice(0, size);
  const again = quirks.duplicates && after > 0 && store.find(feed.table, after) !== undefined ? [after] : [];
  const items = [...again, ...listed].flatMap((id) => statesOf(feed, id, { options, quirks }, tools));
  const value = after === 0 ? [...feed.top(store), ...items] : items;
  const last = listed.at(-1) ?? after;
  if (left.length > listed.length) return goesOn(feed, value, { ...state, at: { all: last, since } }, tools);
  const changed = { ...state, at: { changesFrom: since } };
  const isMore = quirks.catchesUp && store.changes.length > since;
  return isMore ? goesOn(feed, value, changed, tools) : ended(feed, value, changed, tools);
}

function tellChanges(
  feed: Feed,
  state: FeedState & { at: { changesFrom: number } },
  { size, quirks }: PageShape,
  tools: VendorTools,
): VendorAnswer {
  const { store } = tools;
  const options = optionsOf(state);
  const isSilent = (id: number): boolean =>
    quirks.foldersAlone && hasGoneAlong(store, id) && store.find(feed.table, id) === undefined;
  const own = store.changes.flatMap(({ table, id }, at) =>
    table === feed.table && isIn(feed, id) && !isSilent(id) ? { id, at } : [],
  );
  const left = own.filter(({ at }) => at >= state.at.changesFrom);
  const listed = left.slice(0, size);
  // The latest state of each item, once: not each change.
  const ids = [...new Set(listed.map(({ id }) => id))];
  const above = state.options.excludesParents ? [] : ids.flatMap((id) => feed.above(store, id, options));
  const value = [...above, ...ids.flatMap((id) => statesOf(feed, id, { options, quirks }, tools))];
  const isMore = left.length > listed.length;
  const changesFrom = isMore ? (listed.at(-1)?.at ?? 0) + 1 : store.changes.length;
  const next = { ...state, at: { changesFrom } };
  return isMore ? goesOn(feed, value, next, tools) : ended(feed, value, next, tools);
}

/** The item as it is now, which may be gone; where the feed repeats itself, older states come before it. */
function statesOf(
  feed: Feed,
  id: number,
  { options, quirks }: { options: QueryOptions; quirks: FeedQuirks },
  { store }: VendorTools,
): object[] {
  const present = feed.present(store, id, options);
  if (present === null) return [feed.tombstone(id)];
  return quirks.duplicates && numberOf(`stale ${id}`, 7) === 0 ? [feed.stale(present), present] : [present];
}

function optionsOf({ options: { select, top, expand } }: FeedState): QueryOptions {
  return { ...{ select, top, expand: new Map(expand) }, skipToken: null, token: null, search: null };
}

/** There is more: in the form `delta(token='...')`. */
function goesOn(feed: Feed, value: object[], state: FeedState, tools: VendorTools): VendorAnswer {
  const link = `${feed.url}(token='${tools.cursors.make(state)}')`;
  return { status: 200, body: { value: shown(value, state), "@odata.nextLink": link } };
}

/** That was all: in the form `delta?token=...`. */
function ended(feed: Feed, value: object[], state: FeedState, tools: VendorTools): VendorAnswer {
  const link = `${feed.url}?token=${tools.cursors.make(state)}`;
  const context = `${tools.apiUrl}/v1.0/$metadata#Collection(${guidOf(feed.url)})`;
  return { status: 200, body: { "@odata.context": context, value: shown(value, state), "@odata.deltaLink": link } };
}

function shown(value: object[], { options: { select, expand } }: FeedState): object[] {
  const named = select === null ? null : [...select, ...expand.map(([name]) => name)];
  return value.map((item) => project(item, named));
}
