import { isProviderError, TerminalError } from "../../../core/errors.ts";
import type { ReasonCode } from "../../../core/result-reasons.ts";
import type { HttpClient, HttpResponse } from "../http/client.ts";
import { WRITERS_FIXES } from "../writers-fixes.ts";
import type { Listed } from "./answer.ts";
import { createClassifier, isBlank } from "./error-rules.ts";
import { holdRecords } from "./held-records.ts";
import { createKeyTally, type KeyTally } from "./key-tally.ts";
import { type Demand, type Doubt, endedBy, type ListingEnd } from "./listing-end.ts";
import { ofConfirmation, refuseDoubt, refuseEnd } from "./listing-refusals.ts";
import { createLoopGuard, digestOf, type LoopGuard } from "./loop-guard.ts";
import { openAnswer } from "./open-answer.ts";
import type { PageRecords } from "./page-records.ts";
import type { PageToken } from "./page-token.ts";
import { permissionFix } from "./permission-fix.ts";
import { buildRequest } from "./request.ts";
import type { Resource } from "./resources.ts";
import type { Sightings } from "./sightings.ts";
import type { Placeholders } from "./templates.ts";

export interface ListedPage {
  /** Of this page; null for the first. */
  token: PageToken | null;
  /** Null after the last one. `start`: the listing is read again. */
  next: PageToken | "start" | null;
  records: PageRecords;
  /** A rule says that nothing more of the resource is to be read. */
  stop: boolean;
  /** The source's clock when it answered, in milliseconds; null where it shows none. */
  answeredAt: number | null;
}

export interface ListingOptions {
  client: HttpClient;
  resource: Resource;
  values: Placeholders;
  /** Where to go on; null from the start. */
  from: PageToken | null;
  /** A listing may begin anew when its token is refused or its rows moved: rows that come twice are merged. */
  mayRestart: boolean;
  demand: Demand;
  /** Of all listings of the resource; added to. */
  sightings: Sightings;
}

/** What a source says to a token that it no longer knows. */
const REFUSALS: ReasonCode[] = ["source_rejected_request", "source_resource_not_found", "source_cursor_invalid"];

/** Tokens that live for seconds may die more than once in one listing. */
const MOST_RESTARTS = 3;

/** A listing that changes while it is read is read that often. */
const MOST_READINGS = 3;

/**
 * The pages of one listing: of one resource, in one window, of one parent. It ends when it is complete as far as `demand` asks; a
 * page whose end is refused is given first, so that its rows are loaded.
 * @throws ProviderError also where the listing cannot be shown to be complete
 */
export async function* readListing(options: ListingOptions): AsyncGenerator<ListedPage, void, undefined> {
  const { resource, mayRestart, demand } = options;
  let reading = await resumeReading(options);
  let restarts = 0;
  let before = options.from?.counts?.earlier ?? null;
  for (let number = 1, readings = 1; ; number++) {
    let page: FetchedPage;
    try {
      page = await fetchPage(options, reading, number);
      // Before it is believed that there is nothing where more was announced.
      if (page.isGap) {
        page.records.letGo();
        page = await fetchPage(options, reading, number);
      }
    } catch (error) {
      const isStale = resource.paging.perishable && reading.token !== null && isRefusal(error);
      if (!isStale || restarts === MOST_RESTARTS)
        throw reading.token?.counts?.confirms === true ? ofConfirmation(error) : error;
      if (!mayRestart) throw staleToken(resource, error);
      [reading, restarts] = [startReading(resource, null), restarts + 1];
      continue;
    }
    const { isGap: _, digest, items, added, mayBeCut, ...listed } = page;
    reading.mayBeCut ||= mayBeCut;
    if (reading.records !== null) reading.records += listed.records.count;
    const following = await withEvidence(page, reading, before);
    reading.guard.check({ digest, items, added, next: page.end === null ? following : null });
    if (page.end === null) {
      yield { ...listed, next: following };
      reading.token = following;
      continue;
    }
    const end = { ...page.end, doubt: page.end.doubt ?? doubtOfReading(reading) };
    const summary = summarise(page, reading);
    const isSettled = summary !== null && before === summary;
    if (end.doubt !== null && demand !== "nothing" && mayRestart && !isSettled && readings < MOST_READINGS) {
      yield { ...listed, next: "start" };
      before = summary;
      readings += 1;
      reading = startReading(resource, null);
      continue;
    }
    const refusal = refuseEnd(resource, end, { demand, isSettled, mayRestart });
    if (refusal === null) return yield { ...listed, next: null };
    // Only a page that has a following one can end with rows and be refused.
    if (following !== null && listed.records.count > 0) yield { ...listed, next: following };
    throw refusal;
  }
}

/** One way through the listing, from its first page or from where it was resumed. */
interface Reading {
  token: PageToken | null;
  guard: LoopGuard;
  tally: KeyTally;
  /** One of its answers may have broken off. */
  mayBeCut: boolean;
  /** How many there were; null where it was resumed. */
  records: number | null;
}

function startReading(resource: Resource, token: PageToken | null): Reading {
  return {
    token,
    guard: createLoopGuard(resource, token?.counts?.digest),
    tally: createKeyTally(resource, token === null ? null : token.counts?.tally),
    mayBeCut: false,
    records: token === null ? 0 : null,
  };
}

/**
 * Where it stopped; or from its first page on where rows without keys have moved meanwhile, so that the page before is another one now.
 * @throws TerminalError source_response_invalid where they cannot be read twice
 */
async function resumeReading(options: ListingOptions): Promise<Reading> {
  const { resource, from, demand, mayRestart, sightings } = options;
  const last = from?.counts?.last;
  if (last === undefined || demand === "nothing") return startReading(resource, from);
  const token = last.at === null ? null : { at: last.at };
  const looking = { ...options, sightings: { ...sightings } };
  const { records } = await fetchPage(looking, startReading(resource, token), 1);
  const digest = (await records.digest()) ?? digestOf("");
  records.letGo();
  if (digest === last.digest) return startReading(resource, from);
  if (mayRestart) return startReading(resource, null);
  throw refuseDoubt(resource, { what: "changed while its read was interrupted", settled: "by_repeating" }, mayRestart);
}

/** What a reading that is resumed behind the page has to know of it and of those before it. */
async function withEvidence(
  { following, records }: FetchedPage,
  { token, tally }: Reading,
  earlier: string | null,
): Promise<PageToken | null> {
  if (following?.counts === undefined) return following;
  const state = tally.state();
  const evidence = {
    ...(state === undefined
      ? { last: { at: token?.at ?? null, digest: (await records.digest()) ?? digestOf("") } }
      : { tally: state }),
    ...(earlier === null ? {} : { earlier }),
  };
  return { ...following, counts: { ...following.counts, ...evidence } };
}

/**
 * Rows that move while pages are read by a number come twice or not at all, which shows only in all of their keys. What breaks off is
 * seldom broken off at the same place again.
 */
function doubtOfReading({ token, tally, mayBeCut }: Reading): Doubt | null {
  if (mayBeCut) return { what: "came without its length, and may have broken off", settled: "by_repeating" };
  if (token?.counts === undefined || tally.isWhole()) return null;
  return { what: "was read in parts, and its rows may have moved meanwhile", settled: "by_repeating" };
}

/** Equal for two readings that found the same; null where that cannot be told of them. */
function summarise({ following }: FetchedPage, { tally, records }: Reading): string | null {
  const { items, total, pages } = following?.counts ?? {};
  const found = tally.state() === undefined ? records : tally.digest();
  return found === null ? null : JSON.stringify([items, total, pages, found]);
}

interface FetchedPage extends Omit<ListedPage, "next"> {
  /** Where a page would follow; null behind the end of a chain. */
  following: PageToken | null;
  end: ListingEnd | null;
  isGap: boolean;
  digest: string;
  items: number;
  /** Records whose key had not come before; null where they have none. */
  added: number | null;
  mayBeCut: boolean;
}

interface AnsweredRequest {
  response: HttpResponse;
  classifier: ReturnType<typeof createClassifier>;
  options: ListingOptions;
  reading: Reading;
}

/** One request; what it means is decided by the resource's rules first. */
async function fetchPage(options: ListingOptions, reading: Reading, number: number): Promise<FetchedPage> {
  const { client, resource, values } = options;
  const { paging, permission } = resource;
  const { token } = reading;
  const classifier = createClassifier(resource, values, { isFirst: token === null });
  const response = await client.send({
    ...buildRequest(resource, values, paging.parameters(token)),
    doing: `page ${number} of ${resource.name}`,
    ...(permission === undefined ? {} : { fixes: { source_permission_denied: permissionFix(permission) } }),
    classify: classifier.classify,
  });
  try {
    return await judgePage({ response, classifier, options, reading });
  } catch (error) {
    response.letGo();
    throw error;
  }
}

async function judgePage({ response, classifier, options, reading }: AnsweredRequest): Promise<FetchedPage> {
  const { resource, sightings } = options;
  const { token, guard, tally } = reading;
  const { outcome } = classifier;
  const isPage = outcome === "page" && !isBlank(response);
  const answer = isPage ? (classifier.answer ?? (await openAnswer(response, resource, []))) : null;
  const listed = answer?.list() ?? NOTHING;
  const added = await tally.add(listed.keys);
  // Around records that came before the source may write a number of the request, or the time.
  const isKnown = added === 0 && listed.records.count > 0;
  const digest = (isKnown ? await listed.records.digest() : null) ?? answer?.digest() ?? digestOf(response.body);
  const { mayBeCut } = response;
  const fetched = { token, digest, added, mayBeCut, answeredAt: dateOf(response), stop: outcome === "stop_resource" };
  // Behind the last page some give that page again.
  const isRepeated = token?.counts?.confirms === true && (isKnown || guard.isRepeated(digest));
  const isEmpty = answer === null || isRepeated;
  if (isEmpty) response.letGo();
  const { records, items, first, last, lastItem, whyNoKeyset } = isEmpty ? NOTHING : listed;
  const isDeclaredEnd = outcome === "stop_resource" || (outcome === "ignore" && token === null);
  if (isDeclaredEnd) return { ...fetched, records, items, following: null, isGap: false, end: endedBy("declared") };
  const headers = outcome === "page" ? response.headers : new Headers();
  const keys = addKeys(added === null ? null : newItems(added, listed.records.count, items), token);
  const next = resource.paging.next({
    ...{ token, url: response.url, headers, body: isEmpty ? undefined : answer.body },
    ...{ records: records.count, items, first, last, lastItem, whyNoKeyset, keys, digest, sightings },
  });
  return { ...fetched, records, items, following: next.token, isGap: next.isGap ?? false, end: next.end };
}

/** What an answer has that is no page. */
const NOTHING: Listed = {
  ...{ records: holdRecords([]), items: 0, first: undefined, last: undefined, lastItem: undefined },
  keys: new Float64Array(),
  whyNoKeyset: () => null,
};

/** Items, of which each may hold several records: a page on which a record came again has an item less that is new. */
function newItems(added: number, records: number, items: number): number {
  return added === records ? items : Math.max(0, Math.min(added, items - 1));
}

function addKeys(added: number | null, token: PageToken | null): number | null {
  const before = token === null ? 0 : (token.counts?.keys ?? null);
  return added === null || before === null ? null : before + added;
}

function dateOf({ headers }: HttpResponse): number | null {
  const date = Date.parse(headers.get("date") ?? "");
  return Number.isNaN(date) ? null : date;
}

function isRefusal(error: unknown): boolean {
  return isProviderError(error) && error instanceof TerminalError && REFUSALS.includes(error.reasonCode);
}

function staleToken({ name, provider }: Resource, cause: unknown): TerminalError {
  return new TerminalError(
    "source_cursor_invalid",
    `${provider}: the source no longer knows the page where the read of ${name} stopped, and rows without a key cannot be read twice.`,
    { fix: WRITERS_FIXES.keyless.written, cause },
  );
}
