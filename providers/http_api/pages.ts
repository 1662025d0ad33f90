import type { HttpClient } from "../lib/http/client.ts";
import type { JsonValue } from "../lib/http/json.ts";
import { type ListedPage, readListing } from "./listing.ts";
import { listScopes, type Scope } from "./parents.ts";
import { type Position, type RecordPage, START } from "./position.ts";
import { readAhead } from "./read-ahead.ts";
import { withParent } from "./records.ts";
import type { Resource, Resources } from "./resources.ts";
import { selectOne } from "./selector.ts";
import { boundsOf, cutSteps, type Span, spanOf } from "./steps.ts";
import { asksForStart, asksForWindow } from "./templates.ts";
import { parseInstant } from "./time-format.ts";

export interface ReadContext {
  client: HttpClient;
  resources: Resources;
  /** Where pieces of an open-ended window end, in milliseconds: the plan's upper bound. */
  now: number;
  /** See `ListingOptions`. */
  mayRestart: boolean;
}

/** Every page of a resource within a span, over its parents and the pieces that the API can be asked for. */
export async function* readPages(
  context: ReadContext,
  resource: Resource,
  span: Span,
  from: Position,
): AsyncGenerator<RecordPage, void, undefined> {
  if (from.done && from.parent === null) return;
  const scopes = readScopes(context, resource, span, from);
  for await (const page of readAhead(scopes, resource.parent?.concurrency ?? 1)) {
    yield page;
    if (page.stop) return;
  }
}

/** One reader for each parent, or one. */
async function* readScopes(context: ReadContext, resource: Resource, span: Span, from: Position) {
  const readParents = (start: Position) => {
    const parent = context.resources.get(resource.parent?.resource ?? "");
    return readPages(context, parent, spanOf({ by: "none" }, parent.incremental), start);
  };
  const { mayRestart } = context;
  for await (const scope of listScopes(resource, { from: from === START ? null : from, mayRestart, readParents })) {
    if (scope.resumed && from.done) continue;
    yield readScope(context, resource, span, scope, scope.resumed ? from : START);
  }
}

async function* readScope(
  context: ReadContext,
  resource: Resource,
  span: Span,
  scope: Scope,
  from: Position,
): AsyncGenerator<RecordPage & { stop: boolean }, void, undefined> {
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
    });
    for await (const listed of listing) {
      const { records, end } = within(listed, resource, step);
      yield {
        records: records.map((record) => withParent(record, scope.parent, resource.parentFields)),
        at: { ...here, page: listed.token },
        next: listed.stop ? null : listed.next === null || end ? afterListing : { ...here, page: listed.next },
        answeredAt: listed.answeredAt,
        stop: listed.stop,
      };
      if (end) break;
    }
  }
}

/** A record without a cursor may be new. `end`: only older ones follow. */
function within({ records }: ListedPage, resource: Resource, span: Span): { records: JsonValue[]; end: boolean } {
  const { incremental } = resource;
  const from = asksForStart(resource) ? null : span.from;
  const to = asksForWindow(resource) ? null : span.to;
  if (incremental === undefined || (from === null && to === null)) return { records, end: false };
  const dated = records.map((record) => ({
    record,
    changedAt: parseInstant(selectOne(record, incremental.cursorField), incremental.format),
  }));
  const reached = dated.filter(({ changedAt }) => changedAt === null || from === null || changedAt >= from);
  const kept = reached.filter(({ changedAt }) => changedAt === null || to === null || changedAt < to);
  return {
    records: kept.map(({ record }) => record),
    end: incremental.ordering === "desc" && records.length > 0 && reached.length === 0,
  };
}
