import type { ProviderKey } from "../../../core/vocabulary.ts";
import { countAt, isLowerBound } from "./announced-count.ts";
import type { Doubt, Proof } from "./listing-end.ts";
import { signOfMore } from "./more-signs.ts";
import type { PageCounts } from "./page-token.ts";
import type { AnsweredPage, NextPage, PageParameters, Paginator } from "./paginator.ts";
import type { Counted, PaginatorConfig } from "./paginator-config.ts";
import type { Sightings } from "./sightings.ts";

type OffsetConfig = Extract<PaginatorConfig, { type: "offset" }>;
type PageConfig = Extract<PaginatorConfig, { type: "page" }>;

/** A source that announces more is asked for that many empty pages in a row. */
const MOST_EMPTY_PAGES = 10;

/** What differs between offsets and page numbers. */
interface Counting {
  provider: ProviderKey;
  /** Items that a page is asked to have; null: the source decides. */
  limit: number | null;
  config: Counted;
  firstAt: number;
  /** What a token of an older version says of the items before it. */
  itemsBefore(at: number): number;
  /** `at` of the page that follows one with so many items. */
  following(at: number, items: number): number;
  /** How many pages there are up to this one; null where offsets do not tell. */
  pageCount(at: number): number | null;
  /** May a page at `at` have items where the total is `total`? */
  isWithin(at: number, total: number): boolean;
}

export function byOffset(provider: ProviderKey, config: OffsetConfig): Paginator {
  const { limit, limitParam, offsetParam, start = 0 } = config;
  const counting: Counting = {
    ...{ provider, limit, config, firstAt: start },
    itemsBefore: (at) => at - start,
    following: (at, items) => at + (items === 0 ? limit : items),
    pageCount: () => null,
    isWithin: (at, total) => at - start < total,
  };
  const pageAt = (at: number | string): PageParameters => ({
    in: config.in,
    parameters: [
      [limitParam, limit],
      [offsetParam, at],
    ],
  });
  return {
    ...{ perishable: false, endsNotFound: true, provesEnd: provesEnd(config) },
    parameters: (token) => pageAt(token?.at ?? start),
    // From 0 on, rows of a source that counts from 1 are read all the same, unless it has nothing there.
    ...(config.start === undefined ? { otherStart: { at: 1, ifEmpty: true, page: pageAt(1) } } : {}),
    next: (page) => nextOf(counting, page),
  };
}

export function byNumber(provider: ProviderKey, config: PageConfig): Paginator {
  const { start = 1, pageParam, size, sizeParam } = config;
  const counting: Counting = {
    ...{ provider, limit: size ?? null, config, firstAt: start },
    itemsBefore: () => 0,
    following: (at) => at + 1,
    pageCount: (at) => at - start + 1,
    isWithin: (at, total) => size === undefined || (at - start) * size < total,
  };
  const pageAt = (at: number | string): PageParameters => ({
    in: config.in,
    parameters: [
      [pageParam, at],
      ...(size === undefined || sizeParam === undefined ? [] : [[sizeParam, size] as [string, number]]),
    ],
  });
  return {
    ...{ perishable: false, endsNotFound: true, provesEnd: provesEnd(config) },
    parameters: (token) => pageAt(token?.at ?? start),
    ...(config.start === undefined ? { otherStart: { at: 0, ifEmpty: false, page: pageAt(0) } } : {}),
    next: (page) => nextOf(counting, page),
  };
}

function provesEnd(config: Counted): boolean {
  const { totalPath, totalHeader, totalPagesPath, totalPagesHeader, stopOnShortPage } = config;
  return [totalPath, totalHeader, totalPagesPath, totalPagesHeader, stopOnShortPage].some((sign) => sign !== undefined);
}

/** A listing ends only on evidence: docs/adr/0024-when-a-listing-is-complete.md. */
function nextOf(counting: Counting, page: AnsweredPage): NextPage {
  const { items, sightings } = page;
  const { limit, config } = counting;
  const at = Number(page.token?.at ?? counting.firstAt);
  const counts = countPage(counting, page);
  const announced = compareWithAnnounced(counting, at, counts, items);
  const isGap = items === 0 && (announced === "more" || isAnnouncedPage(counting, at, counts));
  const goOn = (confirms = false): NextPage => ({
    token: { at: counting.following(at, items), counts: { ...counts, confirms } },
    end: null,
  });
  // Where the read fails although it has ended, it goes on here: what was read is not read again.
  const endBy = (proof: Proof | null, doubt = doubtOfMoves(counts)): NextPage => ({
    token: goOn().token,
    end: { proof, doubt },
    isGap,
  });

  if (limit !== null && items >= limit) sightings.fullPage = true;
  sightings.largestPage = Math.max(sightings.largestPage, items);
  if (items === 0) confirmTotal(sightings, page.token?.counts);
  const isShort = limit !== null && items < limit;
  const { stopOnShortPage } = config;
  // Some name a next page behind the last one, too, but not behind an empty one.
  const sign = signOfMore(page, items > 0 ? ["flag", "next"] : ["flag"]);

  if (announced === "more") {
    if (items > 0 || mayFollow(counting, at, counts)) return { ...goOn(), isGap };
    return endBy(null, doubtOfCount(counts));
  }
  if (announced === "met") {
    if (items === 0) return endBy("total");
    // A total may be too small, or be the size of this page: another one may follow unless pages of this size were the last before.
    const isSmall =
      items < sightings.largestPage || (items < (limit ?? items + 1) && items <= sightings.largestConfirmed);
    const isLast = (isSmall && sign === null) || (isShort && stopOnShortPage === true);
    return isLast ? endBy("total") : goOn(true);
  }
  if (items === 0) {
    if (stopOnShortPage !== undefined) return endBy("declared");
    if (sign === null) return isPageBetween(page, counts) ? goOn() : endBy(null);
    return counts.emptyPages < MOST_EMPTY_PAGES ? { ...goOn(), isGap: true } : endBy(null, doubtOfSign(sign, counts));
  }
  if (!isShort || stopOnShortPage === false) return goOn();
  if (stopOnShortPage === true && sign === null) return endBy("declared");
  return sightings.fullPage && sign === null ? endBy(null) : goOn();
}

/**
 * An empty list behind pages with items may be a page between others, so that one page more is asked for; a status or a body that
 * says that there is no such page is no list.
 */
function isPageBetween({ body }: AnsweredPage, { emptyPages, fullPages }: PageCounts): boolean {
  return body !== undefined && fullPages > 0 && emptyPages < 2;
}

function confirmTotal(sightings: Sightings, before: PageCounts | undefined): void {
  if (!before?.confirms || before.fullPages > 1) return;
  sightings.largestConfirmed = Math.max(sightings.largestConfirmed, before.items);
}

function countPage(counting: Counting, { token, items, keys, digest, ...page }: AnsweredPage): PageCounts {
  const { config, provider } = counting;
  const before = token?.counts;
  const named = countAt(provider, page, config.totalPath, config.totalHeader);
  const total = named ?? before?.total ?? null;
  const isLeast = named === null ? before?.isLeast : isLowerBound(page.body, config.totalPath);
  const pages = countAt(provider, page, config.totalPagesPath, config.totalPagesHeader) ?? before?.pages ?? null;
  const emptyPages = items === 0 ? (before?.emptyPages ?? 0) + 1 : 0;
  return {
    items: (before?.items ?? counting.itemsBefore(Number(token?.at ?? counting.firstAt))) + items,
    ...{ keys, digest, total, pages, emptyPages, ...(isLeast ? { isLeast } : {}) },
    firstTotal: before?.firstTotal ?? total,
    firstPages: before?.firstPages ?? pages,
    gaps: (before?.gaps ?? 0) + (items > 0 && (before?.emptyPages ?? 0) > 0 ? 1 : 0),
    fullPages: (before?.fullPages ?? 0) + (items > 0 ? 1 : 0),
    confirms: false,
  };
}

type Announced = "more" | "met" | "exceeded" | "unknown";

/** What was read beside what the source says there is; where it says two things, the larger one counts. */
function compareWithAnnounced(counting: Counting, at: number, counts: PageCounts, items: number): Announced {
  const pageCount = counting.pageCount(at);
  const found = [
    counts.isLeast && counts.items >= (counts.total ?? 0) ? "unknown" : compare(counts.items, counts.total),
    // An empty page does not show that there are more pages than announced.
    compare(items === 0 ? Math.min(pageCount ?? 0, counts.pages ?? 0) : (pageCount ?? 0), pageCount && counts.pages),
  ];
  return (["more", "exceeded", "met"] as const).find((each) => found.includes(each)) ?? "unknown";
}

function compare(read: number, announced: number | null): Announced {
  if (announced === null) return "unknown";
  return read < announced ? "more" : read === announced ? "met" : "exceeded";
}

/** One page is announced even where there is nothing. */
function isAnnouncedPage(counting: Counting, at: number, { pages }: PageCounts): boolean {
  const pageCount = counting.pageCount(at);
  return pageCount !== null && pages !== null && pages > 1 && pageCount <= pages;
}

/** Behind an empty page. */
function mayFollow(counting: Counting, at: number, { emptyPages, total, pages }: PageCounts): boolean {
  if (emptyPages >= MOST_EMPTY_PAGES) return false;
  const pageCount = counting.pageCount(at);
  if (pageCount !== null && pages !== null) return pageCount < pages;
  return total !== null && counting.isWithin(counting.following(at, 0), total);
}

/** Of a listing that ends although its total may say more. */
export function doubtOfTotal(counts: PageCounts | undefined): Doubt | null {
  const isShort = counts !== undefined && counts.total !== null && counts.items < counts.total;
  return isShort ? doubtOfCount(counts) : null;
}

function doubtOfCount({ items, total, pages }: PageCounts): Doubt {
  const announced = total === null ? `${pages} pages` : `a total of ${total}`;
  return { what: `announces ${announced}, but its pages have ${items} items and nothing follows`, settled: null };
}

function doubtOfSign(sign: string, { items, emptyPages }: PageCounts): Doubt {
  const what = `says that more follow (${sign}), but behind ${items} items there are ${emptyPages} empty pages in a row`;
  return { what, settled: null };
}

/**
 * A row that moves to a page that is still to be read comes twice, and one that is deleted makes the total smaller; then another row
 * has moved to a page that was read before, and is missing.
 */
function doubtOfMoves({ keys, items, firstTotal, fullPages, ...counts }: PageCounts): Doubt | null {
  const { pages, firstPages, total, gaps } = counts;
  if (pages !== null && firstPages !== null && pages < firstPages)
    return { what: `shrank from ${firstPages} to ${pages} pages while it was read`, settled: "by_repeating" };
  if (gaps > 0 && pages === null && items !== total)
    return { what: "has empty pages between others", settled: "by_merging" };
  const expected = firstTotal ?? items;
  const isOnePage = fullPages < 2 && items >= expected;
  if (isOnePage || (keys ?? items) >= expected) return null;
  const what = `changed while it was read: ${keys ?? items} different rows came of ${expected}`;
  return { what, settled: firstTotal === null ? "by_merging" : "by_repeating" };
}
