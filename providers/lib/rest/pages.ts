import type { RejectedRecord } from "../../batch.ts";
import type { HttpClient } from "../http/client.ts";
import { ListingFullError, placeOf, stepsFrom, watchFullness } from "./full-listings.ts";
import { holdRecords } from "./held-records.ts";
import { type ListedPage, readListing } from "./listing.ts";
import type { Demand } from "./listing-end.ts";
import type { DatedView, PageRecords, View } from "./page-records.ts";
import type { PageToken } from "./page-token.ts";
import { listScopes, type Scope } from "./parents.ts";
import { type Position, type RecordPage, START } from "./position.ts";
import { readAhead } from "./read-ahead.ts";
import { formatOf } from "./resource.ts";
import type { Resource, Resources } from "./resources.ts";
import { createSightings, type Sightings } from "./sightings.ts";
import { boundsOf, cutSteps, type Span, spanOf } from "./steps.ts";
import { asksForStart, asksForWindow } from "./templates.ts";

export interface ReadContext {
  client: HttpClient;
  resources: Resources;
  /** Where pieces of an open-ended window end, in milliseconds: the plan's upper bound. */
  now: number;
  /** See `ListingOptions`; parents too have to be listed as completely as it says. */
  mayRestart: boolean;
  demand: Demand;
}

/**
 * What is taken of each page at once, before the next one is asked for: of a large one it is all that stays in memory.
 * @throws ProviderError
 */
export type Take<Taken> = (records: PageRecords, view: View) => Promise<Taken>;

/** Every page of a resource within a span, over its parents and the pieces that the API can be asked for. */
export async function* readPages<Taken>(
  context: ReadContext,
  resource: Resource,
  span: Span,
  from: Position,
  take: Take<Taken>,
): AsyncGenerator<RecordPage<Taken>, void, undefined> {
  if (from.done && from.parent === null) return;
  const sightings = { ...(from.seen ?? createSightings()) };
  const scopes = readScopes(context, resource, { span, from, sightings, take });
  for await (const page of readAhead(scopes, resource.parent?.concurrency ?? 1)) {
    yield page;
    if (page.stop) return;
  }
}

/** One reader for each parent, or one. */
async function* readScopes<Taken>(
  context: ReadContext,
  resource: Resource,
  { span, from, sightings, take }: { span: Span; from: Position; sightings: Sightings; take: Take<Taken> },
) {
  const readParents = (start: Position) => {
    const parent = context.resources.get(resource.parent?.resource ?? "");
    const wanted = { most: Number.POSITIVE_INFINITY, all: true, keep: resource.parentFields };
    return readPages(context, parent, spanOf({ by: "none" }, parent.incremental), start, (records, view) =>
      records.take(view, wanted),
    );
  };
  const { mayRestart } = context;
  for await (const scope of listScopes(resource, { from: from === START ? null : from, mayRestart, readParents })) {
    if (scope.resumed && from.done) continue;
    const start = scope.resumed ? from : START;
    yield scope.refusal === null
      ? readScope(context, resource, { span, scope, from: start, sightings, take })
      : refuseScope(scope, scope.refusal, take);
  }
}

/** Nothing is asked about a parent that lacks what the requests need, but it is seen. */
async function* refuseScope<Taken>(
  scope: Scope,
  refusal: RejectedRecord,
  take: Take<Taken>,
): AsyncGenerator<ScopePage<Taken>, void, undefined> {
  const at: Position = { ...START, parent: scope.position };
  const next = scope.last ? null : { ...at, done: true };
  const taken = await take(holdRecords([]), { dated: null, parent: null });
  yield { taken, refused: refusal, at, next, answeredAt: null, stop: false };
}

type ScopePage<Taken> = RecordPage<Taken> & { stop: boolean };

async function* readScope<Taken>(
  context: ReadContext,
  resource: Resource,
  reading: { span: Span; scope: Scope; from: Position; sightings: Sightings; take: Take<Taken> },
): AsyncGenerator<ScopePage<Taken>, void, undefined> {
  const { span, scope, from, sightings, take } = reading;
  const steps = stepsFrom([...cutSteps(span, resource.incremental, context.now)], from);
  for (const [i, step] of steps.entries()) {
    const here = { parent: scope.position, ...placeOf(step), done: false };
    const following = steps[i + 1];
    const afterListing: Position | null =
      following !== undefined
        ? { ...here, ...placeOf(following), page: null }
        : scope.last
          ? null
          : { ...here, page: null, done: true };
    const full = watchFullness(resource, step, { listed: i === 0 ? from.listed : undefined, now: context.now });
    const bounds = boundsOf(step, resource.incremental, context.now);
    const listing = readListing({
      client: context.client,
      resource,
      values: { ...bounds, parent: scope.parent },
      from: i === 0 ? from.page : null,
      mayRestart: context.mayRestart,
      demand: context.demand,
      sightings,
    });
    const order = { isDescending: true, last: Number.POSITIVE_INFINITY };
    try {
      for await (const listed of listing) {
        const { dated, end } = await lookWithin(listed, resource, step, order);
        const smaller = await full.afterPage(listed, context.mayRestart);
        const { parent } = scope;
        const ofParent = parent === null ? null : { record: parent, fields: resource.parentFields };
        const taken = await take(listed.records, { dated, parent: ofParent });
        listed.records.letGo();
        if (smaller !== null) steps.splice(i + 1, 0, ...smaller);
        const next =
          listed.next === null || end ? afterListing : { ...here, ...full.said(), page: pageAfter(listed.next) };
        const following = smaller?.[0] === undefined ? next : { ...here, ...placeOf(smaller[0]), page: null };
        const seen = { ...sightings };
        yield {
          taken,
          at: { ...here, page: listed.token, seen },
          next: listed.stop || following === null ? null : { ...following, seen },
          answeredAt: listed.answeredAt,
          stop: listed.stop,
        };
        if (end || smaller !== null) break;
      }
    } catch (error) {
      if (!(error instanceof ListingFullError)) throw error;
      steps.splice(i + 1, 0, ...full.afterRefusal(error, context.mayRestart));
    }
  }
}

function pageAfter(next: PageToken | "start"): PageToken | null {
  return next === "start" ? null : next;
}

/** Of the records of a listing so far. */
interface Order {
  isDescending: boolean;
  last: number;
}

/** Which records of a page are within the span. `end`: only older ones follow, as long as the order is the one that is declared. */
async function lookWithin(
  { records }: ListedPage,
  resource: Resource,
  span: Span,
  order: Order,
): Promise<{ dated: DatedView | null; end: boolean }> {
  const { incremental } = resource;
  // An API whose start is exclusive is asked from a step earlier, see `boundsOf`.
  const asksExactly = asksForStart(resource) && incremental?.startStep === undefined;
  const from = asksExactly ? null : span.from;
  const to = asksForWindow(resource) ? null : span.to;
  if (incremental === undefined || (from === null && to === null)) return { dated: null, end: false };
  const dated = { from, to, field: incremental.cursorField, format: formatOf(incremental) };
  if (incremental.ordering !== "desc") return { dated, end: false };
  const { ends, isDescending, reached } = await records.datesWithin(dated);
  order.isDescending &&= isDescending && (ends === null || ends.first <= order.last);
  order.last = ends?.last ?? order.last;
  return { dated, end: order.isDescending && records.count > 0 && reached === 0 };
}
