import { describe, expect, it } from "vitest";
import { type PaginatorConfig, paginatorSchema } from "../../../providers/http_api/config/paginator.ts";
import { createLoopGuard } from "../../../providers/http_api/loop-guard.ts";
import { type AnsweredPage, createPaginator, type PageToken } from "../../../providers/http_api/paginators.ts";

const configured = (config: object): PaginatorConfig => paginatorSchema.parse(config);

function nextOf(config: object, page: Partial<AnsweredPage>, secretParameters: string[] = []): PageToken | null {
  const answered = {
    token: null,
    url: "https://a.test/v1/orders?page=1",
    headers: new Headers(),
    body: {},
    records: [{ id: 1 }],
  };
  return createPaginator(configured(config), secretParameters).next({ ...answered, ...page });
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

  it.each([{}, { next: null }, { next: "" }, { next: false }])("is none after %j", (body) => {
    expect(nextOf(link, { body })).toBeNull();
    expect(nextOf({ type: "cursor", nextPath: "next", param: "after" }, { body })).toBeNull();
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
    expect(nextOf({ ...cursor, emptyPage: "stop" }, empty)).toBeNull();
  });

  it("is none once the body says so", () => {
    const keyset = { type: "keyset", field: "id", param: "after", stopWhen: { path: "has_more", equals: false } };
    expect(nextOf(keyset, { body: { has_more: true } })).toEqual({ at: "1" });
    expect(nextOf(keyset, { body: { has_more: false } })).toBeNull();
  });

  it("of an offset counts records, to the total or to a short page", () => {
    const offset = { type: "offset", limit: 2 };
    const records = [{ id: 1 }, { id: 2 }];
    expect(nextOf(offset, { records })).toEqual({ at: 2 });
    expect(nextOf(offset, { records, token: { at: 2 } })).toEqual({ at: 4 });
    expect(nextOf(offset, { records: [{ id: 1 }] })).toBeNull();
    expect(nextOf({ ...offset, stopOnShortPage: false }, { records: [{ id: 1 }] })).toEqual({ at: 1 });
    const total = { ...offset, totalPath: "total" };
    expect(nextOf(total, { records: [{ id: 1 }], body: { total: 3 } })).toEqual({ at: 1 });
    expect(nextOf(total, { records, body: { total: 2 } })).toBeNull();
    expect(nextOf(total, { records: [], body: { total: 9 } })).toBeNull();
    expect(() => nextOf(total, { records, body: {} })).toThrow(/no number at total/);
  });

  it("of an API that gives fewer records than asked for is not taken for the last", () => {
    const page = (count: number) => ({ records: Array.from({ length: count }, (_, id) => ({ id })) });
    for (const cap of [10, 25, 50, 64, 100, 250, 500, 512]) {
      expect(nextOf({ type: "offset", limit: 1000 }, page(cap))).toEqual({ at: cap });
      expect(nextOf({ type: "page", size: 1000, sizeParam: "n" }, page(cap))).toEqual({ at: 2 });
    }
    for (const rest of [1, 2, 5, 8, 11, 99, 499]) {
      expect(nextOf({ type: "offset", limit: 1000 }, page(rest))).toBeNull();
      expect(nextOf({ type: "page", size: 1000, sizeParam: "n" }, page(rest))).toBeNull();
    }
  });

  it("of a page number counts pages, from wherever they start", () => {
    const page = { type: "page", start: 0, totalPagesPath: "pages" };
    expect(nextOf(page, { body: { pages: 2 } })).toEqual({ at: 1 });
    expect(nextOf(page, { body: { pages: 2 }, token: { at: 1 } })).toBeNull();
    expect(nextOf({ type: "page", size: 2, sizeParam: "n" }, { records: [{ id: 1 }] })).toBeNull();
    expect(nextOf({ type: "page" }, { records: [{ id: 1 }] })).toEqual({ at: 2 });
  });

  it("of a key needs that key", () => {
    const keyset = { type: "keyset", field: "cursor.id", param: "after" };
    expect(nextOf(keyset, { records: [{ cursor: { id: 1 } }, { cursor: { id: 2 } }] })).toEqual({ at: "2" });
    expect(() => nextOf(keyset, { records: [{ id: 1 }] })).toThrow(/no cursor.id to go on from/);
  });

  it("is asked for with its parameters", () => {
    const parameters = (config: object, token: PageToken | null) =>
      createPaginator(configured(config)).parameters(token).parameters;
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

describe("a source that goes round in a circle", () => {
  const page = (text: string, at: string | null) => ({
    body: Buffer.from(text),
    records: 1,
    next: at === null ? null : { at },
  });

  it("is found by the same page twice in a row", () => {
    const guard = createLoopGuard("the listing of orders", 100);
    guard(page("a", "1"));
    expect(() => guard(page("a", "2"))).toThrow(/same page twice/);
  });

  it("is found by a token that came before", () => {
    const guard = createLoopGuard("the listing of orders", 100);
    guard(page("a", "1"));
    guard(page("b", "2"));
    expect(() => guard(page("c", "1"))).toThrow(/read before/);
  });

  it("is found by the number of pages, but the last allowed one is read", () => {
    const guard = createLoopGuard("the listing of orders", 2);
    guard(page("a", "1"));
    expect(() => guard(page("b", "2"))).toThrow(/more than 2 pages/);
    const other = createLoopGuard("the listing of orders", 2);
    other(page("a", "1"));
    expect(() => other(page("b", null))).not.toThrow();
  });

  it("may give empty pages that look alike", () => {
    const guard = createLoopGuard("the listing of orders", 100);
    guard({ ...page("[]", "1"), records: 0 });
    expect(() => guard({ ...page("[]", "2"), records: 0 })).not.toThrow();
  });
});
