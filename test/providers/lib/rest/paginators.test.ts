import { describe, expect, it } from "vitest";
import { type PaginatorConfig, paginatorSchema } from "../../../../providers/http_api/config/paginator.ts";
import type { JsonValue } from "../../../../providers/lib/http/json.ts";
import { whyNoKeyset } from "../../../../providers/lib/rest/keyset-order.ts";
import { createLoopGuard } from "../../../../providers/lib/rest/loop-guard.ts";
import type { PageToken } from "../../../../providers/lib/rest/page-token.ts";
import type { AnsweredPage, NextPage } from "../../../../providers/lib/rest/paginator.ts";
import { createPaginator } from "../../../../providers/lib/rest/paginators.ts";
import { createSightings, type Sightings } from "../../../../providers/lib/rest/sightings.ts";

const configured = (config: object): PaginatorConfig => paginatorSchema.parse(config);

/** With records as such. */
type Page = Partial<Omit<AnsweredPage, "records"> & { records: JsonValue[] }>;

const ofRecords = (records: JsonValue[]) => ({
  records: records.length,
  ...{ first: records[0], last: records.at(-1), lastItem: records.at(-1) },
  whyNoKeyset: (field: string) => whyNoKeyset(records, field),
});

function answer(config: object, page: Page, secretParameters: string[] = []): NextPage {
  const { records = [{ id: 1 }], ...rest } = page;
  return createPaginator("http_api", configured(config), secretParameters).next({
    token: null,
    url: "https://a.test/v1/orders?page=1",
    headers: new Headers(),
    body: {},
    items: records.length,
    keys: null,
    digest: "",
    sightings: createSightings(),
    ...ofRecords(records),
    ...rest,
  });
}

/** Where it goes on, or how it was shown to end. */
function nextOf(config: object, page: Page, secretParameters: string[] = []) {
  const { token, end } = answer(config, page, secretParameters);
  return end === null ? { at: token.at } : end.proof;
}

/** The end of a listing whose pages have so many items, and say so much. `asked`: where each page was asked for. */
function walk(config: object, pages: (Page & { items: number })[]) {
  const sightings: Sightings = createSightings();
  const asked: (string | number)[] = [];
  let token: PageToken | null = null;
  for (const page of pages) {
    const next: NextPage = answer(config, { token, sightings, records: [], ...page });
    if (next.end !== null) return { asked, ...next.end };
    token = next.token;
    asked.push(token.at);
  }
  return { asked, proof: "none yet" };
}

describe("the next page", () => {
  const link = { type: "json_link", nextPath: "next" };
  it.each([
    [{ next: "/v1/orders?page=2" }, "https://a.test/v1/orders?page=2"],
    [{ next: "?page=2" }, "https://a.test/v1/orders?page=2"],
    [{ next: "https://b.test/x" }, "https://b.test/x"],
  ])("of a link is resolved against the page: %j", (body, at) => {
    expect(nextOf(link, { body })).toEqual({ at });
  });

  it("is asked for by a config that lacks a paginator, or whose path the body does not have", () => {
    const undeclared = (body: object, headers = new Headers()) =>
      createPaginator("http_api", undefined).next({
        ...{ token: null, url: "https://a.test/v1/orders", body: body as never, headers, items: 1, keys: null },
        ...ofRecords([{ id: 1 }]),
        ...{ digest: "", sightings: createSightings() },
      }).end?.proof;
    for (const body of [
      { next: "https://a.test/v1/orders?page=2" },
      { has_more: true },
      { isLast: false, meta: { total_count: 2 } },
      { "@odata.nextLink": "?$skip=1" },
      { response_metadata: { next_cursor: "abc" } },
      { _links: { next: { href: "/orders?page=2" } } },
      { page: { totalPages: 2, number: 0 } },
    ]) {
      expect(() => undeclared(body)).toThrow(/there are more pages .*no paginator/);
    }
    expect(() => undeclared([], new Headers({ link: '<?page=2>; rel="next"' }))).toThrow(/the header Link/);
    for (const body of [{ next: null, count: 1, has_more: false }, { total: 1, next: "" }, { nextSteps: "none" }, []])
      expect(undeclared(body)).toBe("single");
    expect(nextOf({ type: "single" }, { body: { has_more: true } })).toBe("single");
    const cursor = { type: "cursor", nextPath: "meta.next", param: "after" };
    expect(() => nextOf(cursor, { body: { next_cursor: "abc" } })).toThrow(/next_cursor.*meta.next names none/);
    expect(() => nextOf(cursor, { body: { meta: { next: null }, has_more: true } })).toThrow(/has_more/);
    expect(nextOf(cursor, { body: { meta: { next: null }, next_page: "/x" } })).toBe("chain");
    expect(() => nextOf({ type: "header_link" }, { body: { has_more: true } })).toThrow(/its headers name none/);
  });

  it.each([{}, { next: null }, { next: "" }, { next: false }])("is none after %j, where a chain ends", (body) => {
    expect(nextOf(link, { body })).toBe("chain");
    expect(nextOf({ type: "cursor", nextPath: "next", param: "after" }, { body })).toBe("chain");
  });

  it("of a chain is not ruled out by an answer that has no body", () => {
    expect(nextOf(link, { body: undefined, records: [] })).toBeNull();
    expect(nextOf({ type: "cursor", nextPath: "next", param: "after" }, { body: undefined, records: [] })).toBeNull();
  });

  it("of a link keeps no secret that the API has put into it", () => {
    expect(nextOf(link, { body: { next: "?page=2&api_key=s3cret" } }, ["api_key"])).toEqual({
      at: "https://a.test/v1/orders?page=2",
    });
  });

  it("goes on behind an empty page that names a next one, unless that is the end", () => {
    const empty = { body: { next: "t" }, records: [] };
    const cursor = { type: "cursor", nextPath: "next", param: "after" };
    expect(nextOf(cursor, empty)).toEqual({ at: "t" });
    expect(nextOf({ ...cursor, emptyPage: "stop" }, empty)).toBe("declared");
  });

  it("is none after an empty page that names itself", () => {
    const empty = { records: [], token: { at: "t" } };
    expect(nextOf({ type: "cursor", nextPath: "next", param: "after" }, { ...empty, body: { next: "t" } })).toBe(
      "chain",
    );
    expect(nextOf(link, { ...empty, body: { next: "?page=1" } })).toBe("chain");
    expect(nextOf(link, { ...empty, body: { next: "http://a.test/v1/orders?page=1" } })).toBe("chain");
  });

  it("is named by a header", () => {
    const config = { type: "cursor", nextHeader: "X-Next-Page", param: "page" };
    expect(nextOf(config, { headers: new Headers({ "x-next-page": "2" }) })).toEqual({ at: "2" });
    expect(nextOf(config, { headers: new Headers({ "x-next-page": "" }) })).toBe("chain");
    expect(nextOf(config, {})).toBe("chain");
    for (const wrong of [{ nextPath: "next" }, { nextHeader: undefined }]) {
      expect(paginatorSchema.safeParse({ ...config, ...wrong }).success).toBe(false);
    }
  });

  it("is none once the body says so", () => {
    const keyset = { type: "keyset", field: "id", param: "after", stopWhen: { path: "has_more", equals: false } };
    expect(nextOf(keyset, { body: { has_more: true } })).toEqual({ at: "1" });
    expect(nextOf(keyset, { body: { has_more: false } })).toBe("declared");
  });

  it("of a key needs that key", () => {
    const keyset = { type: "keyset", field: "cursor.id", param: "after" };
    expect(nextOf(keyset, { records: [{ cursor: { id: 1 } }, { cursor: { id: 2 } }] })).toEqual({ at: "2" });
    expect(() => nextOf(keyset, { records: [{ id: 1 }] })).toThrow(/no cursor.id to go on from/);
    expect(() => nextOf(keyset, { records: [], items: 3 })).toThrow(/no cursor.id to go on from/);
    expect(nextOf(keyset, { records: [] })).toBe("chain");
  });

  it("is asked for with its parameters", () => {
    const parameters = (config: object, token: PageToken | null) =>
      createPaginator("http_api", configured(config)).parameters(token).parameters;
    expect(parameters({ type: "offset", limit: 5 }, null)).toEqual([
      ["limit", 5],
      ["offset", 0],
    ]);
    expect(parameters({ type: "page", size: 9, sizeParam: "per" }, { at: 3 })).toEqual([
      ["page", 3],
      ["per", 9],
    ]);
    expect(parameters({ type: "keyset", field: "id", param: "since_id" }, { at: "7" })).toEqual([["since_id", "7"]]);
    expect(parameters({ type: "cursor", nextPath: "next", param: "after" }, null)).toEqual([]);
  });
});

describe("a listing by offset or page number", () => {
  const offset = { type: "offset", limit: 10 };
  const pages = { type: "page", size: 10, sizeParam: "n", totalPagesPath: "pages" };
  const items = (...counts: number[]) => counts.map((count) => ({ items: count }));
  const of = (body: object, ...counts: number[]) =>
    counts.map((count) => ({ items: count, body: { ...body } as never }));

  it("counts what the API counts, not the records that were made of it", () => {
    const page = { items: 10, records: Array.from({ length: 30 }, (_, id) => ({ id })) };
    expect(walk(offset, [page, page]).asked).toEqual([10, 20]);
    expect(walk(offset, [{ items: 10, records: [] }]).asked).toEqual([10]);
  });

  it("ends at its total, with one more look where the last page is as large as the others", () => {
    const total = { ...offset, totalPath: "total" };
    expect(walk(total, of({ total: 25 }, 10, 10, 5))).toEqual({ asked: [10, 20], proof: "total", doubt: null });
    expect(walk(total, of({ total: "20" }, 10, 10, 0))).toEqual({ asked: [10, 20], proof: "total", doubt: null });
    expect(walk(total, of({ total: 3 }, 3, 0))).toMatchObject({ asked: [3], proof: "total" });
    expect(walk({ ...total, stopOnShortPage: true }, of({ total: 3 }, 3))).toMatchObject({ proof: "total" });
  });

  it("goes on beyond a total that is too small, and then it is no proof", () => {
    const total = { ...offset, totalPath: "total" };
    expect(walk(total, of({ total: 10 }, 10, 10, 4))).toEqual({ asked: [10, 20], proof: null, doubt: null });
    // The size of the page for a total, and a limit of the source's own.
    expect(walk({ ...total, limit: 250 }, of({ total: 33 }, 33, 33, 7, 0, 0))).toMatchObject({
      asked: [33, 66, 73, 323],
      proof: null,
    });
    expect(walk(pages, of({ pages: 1 }, 10, 10, 4))).toMatchObject({ asked: [2, 3], proof: null });
  });

  it("goes on behind an empty page as long as more is announced, and says so when it does not come", () => {
    const total = { ...offset, totalPath: "total" };
    expect(walk(total, of({ total: 30 }, 10, 0, 10, 10, 0))).toMatchObject({
      asked: [10, 20, 30, 40],
      proof: "total",
      doubt: null,
    });
    expect(walk(total, of({ total: 40 }, 10, 0, 10, 10, 0, 0))).toMatchObject({
      proof: null,
      doubt: { settled: null },
    });
    expect(walk(pages, of({ pages: 4 }, 10, 0, 10, 5))).toEqual({ asked: [2, 3, 4], proof: "total", doubt: null });
    expect(answer(pages, { items: 0, records: [], body: { pages: 4 }, token: { at: 2 } })).toMatchObject({
      isGap: true,
    });
    const endless = walk(total, of({ total: 1e9 }, 10, ...Array.from({ length: 50 }, () => 0)));
    expect(endless).toMatchObject({ asked: { length: 10 }, doubt: { settled: null } });
  });

  it.each([null, undefined, "", -1, "-1"])(
    "does not know the total where it is %j, and reads until an empty page",
    (total) => {
      expect(walk({ ...offset, totalPath: "total" }, of({ total }, 7, 3, 0, 0))).toMatchObject({
        asked: [7, 10, 20],
        proof: null,
      });
      expect(walk({ ...pages, size: undefined }, of({ pages: total }, 7, 3, 0, 0))).toMatchObject({
        asked: [2, 3, 4],
        proof: null,
      });
    },
  );

  it.each([true, "many", 1.5, {}])("refuses a total that is no number: %j", (total) => {
    expect(() => answer({ ...offset, totalPath: "total" }, { body: { total } as never })).toThrow(/no number at total/);
  });

  it("keeps the total of the page that named it, also from a header", () => {
    const named = [{ items: 10, body: { total: 12 } }, { items: 2 }];
    expect(walk({ ...offset, totalPath: "total" }, named)).toMatchObject({ proof: "total" });
    const headers = new Headers({ "x-total-count": "12", "x-total-pages": "2" });
    const counted = [10, 2].map((count) => ({ items: count, headers }));
    expect(walk({ ...offset, totalHeader: "X-Total-Count" }, counted)).toMatchObject({ proof: "total" });
    expect(walk({ type: "page", totalPagesHeader: "X-Total-Pages" }, counted)).toMatchObject({
      asked: [2],
      proof: "total",
    });
  });

  it("without a total ends with a short page only after a full one, or where that is declared", () => {
    expect(walk(offset, items(10, 10, 3))).toEqual({ asked: [10, 20], proof: null, doubt: null });
    expect(walk(offset, items(3, 0, 0))).toMatchObject({ asked: [3, 13], proof: null });
    expect(walk({ ...offset, limit: 250 }, items(33, 33, 33, 1, 0, 0))).toMatchObject({
      asked: [33, 66, 99, 100, 350],
      proof: null,
    });
    expect(walk({ ...offset, stopOnShortPage: true }, items(3))).toMatchObject({ proof: "declared" });
    expect(walk({ ...offset, stopOnShortPage: false }, items(10, 3, 0))).toMatchObject({
      asked: [10, 13],
      proof: "declared",
    });
    expect(walk({ type: "page" }, items(10, 3, 0, 0))).toMatchObject({ asked: [2, 3, 4], proof: null });
  });

  it("without a total asks for the page behind an empty list, and doubts a listing that goes on there", () => {
    expect(walk(offset, items(10, 0, 10, 4))).toMatchObject({
      ...{ asked: [10, 20, 30], proof: null },
      doubt: { what: expect.stringMatching(/empty pages between/), settled: "by_merging" },
    });
    const [full] = items(10);
    // 204 or 404: the API says itself that there is no such page.
    expect(walk(offset, [full ?? { items: 10 }, { items: 0, body: undefined }])).toMatchObject({
      asked: [10],
      proof: null,
    });
    expect(walk(offset, items(0))).toMatchObject({ asked: [], proof: null });
    expect(walk({ ...offset, stopOnShortPage: false }, items(10, 0))).toMatchObject({ proof: "declared" });
  });

  it("doubts a number of pages that shrinks while it is read", () => {
    const shrinking = [...of({ pages: 3 }, 10, 10), ...of({ pages: 2 }, 0)];
    expect(walk(pages, shrinking)).toMatchObject({
      doubt: { what: expect.stringMatching(/shrank from 3 to 2 pages/), settled: "by_repeating" },
    });
  });

  it("knows by the keys that rows have moved while it was read", () => {
    const total = { ...offset, totalPath: "total" };
    const [first, second] = of({ total: 15 }, 10, 5);
    expect(
      walk(total, [
        { ...first, items: 10, keys: 10 },
        { ...second, items: 5, keys: 14 },
      ]),
    ).toMatchObject({
      doubt: { what: expect.stringMatching(/changed while it was read/), settled: "by_repeating" },
    });
    // More than there were when it began.
    const grown = [
      { items: 10, keys: 10, body: { total: 15 } },
      { items: 6, keys: 15, body: { total: 16 } },
    ];
    expect(walk(total, grown)).toMatchObject({ proof: "total", doubt: null });
    expect(
      walk(offset, [
        { items: 10, keys: 10 },
        { items: 5, keys: 14 },
      ]),
    ).toMatchObject({
      doubt: { settled: "by_merging" },
    });
  });

  it("is in doubt where the body says that it ends, and the total that more follows", () => {
    const stopWhen = { path: "more", equals: false };
    const config = { ...offset, totalPath: "total", stopWhen };
    const page = (total: number) => ({ items: 10, body: { total, more: false } as never });
    expect(walk(config, [page(10)])).toMatchObject({ proof: "declared", doubt: null });
    expect(walk(config, [page(40)])).toMatchObject({ proof: "declared", doubt: { settled: null } });
  });

  it("counts pages from wherever they start", () => {
    expect(walk({ ...pages, start: 0 }, of({ pages: 2 }, 10, 4))).toMatchObject({ asked: [1], proof: "total" });
    expect(walk({ ...pages, start: 0 }, of({ pages: 0 }, 0))).toMatchObject({ asked: [], proof: "total" });
  });

  it("goes on from a token of an older version", () => {
    const page = { items: 10, records: [], token: { at: 20 }, body: { total: 35 } };
    expect(answer({ ...offset, totalPath: "total" }, page)).toMatchObject({ token: { at: 30, counts: { items: 30 } } });
  });
});

describe("a source that goes round in a circle", () => {
  const page = (digest: string, at: string | null) => ({ digest, items: 1, next: at === null ? null : { at } });
  const listing = { provider: "http_api", name: "orders", maxPages: 100 } as const;

  it("is found by the same page twice in a row, also across a resume", () => {
    const guard = createLoopGuard(listing);
    guard.check(page("a", "1"));
    expect(() => guard.check(page("a", "2"))).toThrow(/same page twice/);
    expect(() => createLoopGuard(listing, "a").check(page("a", "2"))).toThrow(/same page twice/);
  });

  it("is found by a token that came before", () => {
    const guard = createLoopGuard(listing);
    guard.check(page("a", "1"));
    guard.check(page("b", "2"));
    expect(() => guard.check(page("c", "1"))).toThrow(/read before/);
  });

  it("is found by the number of pages, but the last allowed one is read", () => {
    const guard = createLoopGuard({ ...listing, maxPages: 2 });
    guard.check(page("a", "1"));
    expect(() => guard.check(page("b", "2"))).toThrow(/more than 2 pages/);
    const other = createLoopGuard({ ...listing, maxPages: 2 });
    other.check(page("a", "1"));
    expect(() => other.check(page("b", null))).not.toThrow();
  });

  it("may give empty pages that look alike", () => {
    const guard = createLoopGuard(listing);
    guard.check({ ...page("[]", "1"), items: 0 });
    expect(() => guard.check({ ...page("[]", "2"), items: 0 })).not.toThrow();
  });
});
