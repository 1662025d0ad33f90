import type { RejectedRecord } from "../../batch.ts";
import type { HttpClient } from "../http/client.ts";
import type { JsonValue } from "../http/json.ts";
import { type ListedPage, readListing } from "./listing.ts";
import type { Demand } from "./listing-end.ts";
import type { PageToken } from "./page-token.ts";
import { listScopes, type Scope } from "./parents.ts";
import { type Position, type RecordPage, START } from "./position.ts";
import { readAhead } from "./read-ahead.ts";
import { withParent } from "./records.ts";
import { formatOf } from "./resource.ts";
import type { Resource, Resources } from "./resources.ts";
import { selectOne } from "./selector.ts";
import { createSightings, type Sightings } from "./sightings.ts";
import { boundsOf, cutSteps, type Span, spanOf } from "./steps.ts";
import { asksForStart, asksForWindow } from "./templates.ts";
import { readInstant } from "./time-format.ts";

export interface ReadContext {
  client: HttpClient;
  resources: Resources;
  /** Where pieces of an open-ended window end, in milliseconds: the plan's upper bound. */
  now: number;
  /** See `ListingOptions`; parents too have to be listed as completely as it says. */
  mayRestart: boolean;
  demand: Demand;
}

/** Every page of a resource within a span, over its parents and the pieces that the API can be asked for. */
export async function* readPages(
  context: ReadContext,
  resource: Resource,
  span: Span,
  from: Position,
): AsyncGenerator<RecordPage, void, undefined> {
  if (from.done && from.parent === null) return;
  const sightings = { ...(from.seen ?? createSightings()) };
  const scopes = readScopes(context, resource, span, from, sightings);
  for await (const page of readAhead(scopes, resource.parent?.concurrency ?? 1)) {
    yield page;
    if (page.stop) return;
  }
}

/** One reader for each parent, or one. */
async function* readScopes(context: ReadContext, resource: Resource, span: Span, from: Position, sightings: Sightings) {
  const readParents = (start: Position) => {
    const parent = context.resources.get(resource.parent?.resource ?? "");
    return readPages(context, parent, spanOf({ by: "none" }, parent.incremental), start);
  };
  const { mayRestart } = context;
  for await (const scope of listScopes(resource, { from: from === START ? null : from, mayRestart, readParents })) {
    if (scope.resumed && from.done) continue;
    const start = scope.resumed ? from : START;
    yield scope.refusal === null
      ? readScope(context, resource, { span, scope, from: start, sightings })
      : refuseScope(scope, scope.refusal);
  }
}

/** Nothing is asked about a parent that lacks what the requests need, but it is seen. */
async function* refuseScope(scope: Scope, refusal: RejectedRecord): AsyncGenerator<ScopePage, void, undefined> {
  const at: Position = { ...START, parent: scope.position };
  const next = scope.last ? null : { ...at, done: true };
  yield { records: [], refused: refusal, at, next, answeredAt: null, stop: false };
}

type ScopePage = RecordPage & { stop: boolean };

async function* readScope(
  context: ReadContext,
  resource: Resource,
  { span, scope, from, sightings }: { span: Span; scope: Scope; from: Position; sightings: Sightings },
): AsyncGenerator<ScopePage, void, undefined> {
  const steps = [...cutSteps(span, resource.incremental, context.now)].filter(
    (step) => from.step === null || (step.from ?? 0) >= from.step,
  );
  for (const [i, step] of steps.entries()) {
    const here = { parent: scope.position, step: step.from, done: false };
    const following = steps[i + 1];
    const afterListing: Position | null =
      following !== undefined
        ? { ...here, step: following.from, page: null }
        : scope.last
          ? null
          : { ...here, page: null, done: true };
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
    for await (const listed of listing) {
      const { records, end } = within(listed, resource, step, order);
      const following = listed.next === null || end ? afterListing : { ...here, page: pageAfter(listed.next) };
      const seen = { ...sightings };
      yield {
        records: records.map((record) => withParent(record, scope.parent, resource.parentFields)),
        at: { ...here, page: listed.token, seen },
        next: listed.stop || following === null ? null : { ...following, seen },
        answeredAt: listed.answeredAt,
        stop: listed.stop,
      };
      if (end) break;
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

/** A record without a cursor may be new. `end`: only older ones follow, as long as the order is the one that is declared. */
function within(
  { records }: ListedPage,
  resource: Resource,
  span: Span,
  order: Order,
): { records: JsonValue[]; end: boolean } {
  const { incremental } = resource;
  const from = asksForStart(resource) ? null : span.from;
  const to = asksForWindow(resource) ? null : span.to;
  if (incremental === undefined || (from === null && to === null)) return { records, end: false };
  const dated = records.map((record) => ({
    record,
    changed: readInstant(selectOne(record, incremental.cursorField), formatOf(incremental)),
  }));
  for (const { changed } of dated) {
    if (changed === null) continue;
    order.isDescending &&= changed.ms <= order.last;
    order.last = changed.ms;
  }
  // What changed on a day may have changed at its end.
  const reached = dated.filter(({ changed }) => changed === null || from === null || changed.ms + changed.lasts > from);
  const kept = reached.filter(({ changed }) => changed === null || to === null || changed.ms < to);
  return {
    records: kept.map(({ record }) => record),
    end: incremental.ordering === "desc" && order.isDescending && records.length > 0 && reached.length === 0,
  };
}
