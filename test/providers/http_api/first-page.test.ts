import { expect, it } from "vitest";
import type { EntitySchema } from "../../../providers/provider.ts";
import { numbered, openPages, type Page } from "./open-pages.ts";

const failureOf = (found: EntitySchema[]) => found[0]?.failure;

const page = { type: "page", size: 10, sizeParam: "n" };
const offset = { type: "offset", limit: 10 };
/** Page `number` of 35 records. */
const pageFrom = (number: number): Page => ({
  body: numbered(number * 10, Math.max(0, Math.min(10, 35 - number * 10))),
});

it("a resource whose page 0 has records that page 1 does not have is refused until it says where it begins", async () => {
  for (const [paginator, isRefused] of [
    [page, true],
    [{ ...page, start: 0 }, false],
    [{ ...page, start: 1 }, false],
  ] as const) {
    const api = await openPages({ paginator }, (at) => pageFrom(at("page")));
    const failure = failureOf(await api.source.discover(["orders"]));
    if (!isRefused) expect(failure).toBeUndefined();
    else
      expect(failure).toMatchObject({
        reasonCode: "config_invalid",
        what: expect.stringMatching(/orders is read from page 1 on, but page 0 has records that are not on page 1/),
        fix: expect.stringMatching(/start of its paginator to 0/),
      });
  }
});

it("also where page 0 is the only one", async () => {
  const api = await openPages({ paginator: page }, (at) => ({ body: at("page") === 0 ? numbered(0, 3) : [] }));
  expect(failureOf(await api.source.discover(["orders"]))).toMatchObject({ reasonCode: "config_invalid" });
});

it.each<[string, Page]>([
  ["page 1 again", { body: numbered(0, 10) }],
  ["page 1 with a row that came meanwhile", { body: [{ id: 99 }, ...numbered(0, 9)] }],
  ["nothing", { body: [] }],
  ["204", { status: 204 }],
  ["400", { status: 400, body: { detail: "page must be positive" } }],
  ["404", { status: 404 }],
  ["500", { status: 500 }],
  ["an error with status 200", { body: { error: "no such page" } }],
  ["a page of HTML", { body: "<html>", headers: { "content-type": "text/html" } }],
])("page 0 may answer with %s", async (_, zero) => {
  const api = await openPages({ paginator: page }, (at) => (at("page") === 0 ? zero : pageFrom(at("page") - 1)));
  expect(failureOf(await api.source.discover(["orders"]))).toBeUndefined();
  // Nothing is asked for again and again.
  expect(api.asked.filter((url) => /page=0/.test(url)).length).toBeLessThan(3);
});

it("is not looked at again once a plan has read the resource", async () => {
  const open = () => openPages({ paginator: page }, (at) => pageFrom(at("page")));
  const { spec } = await (await open()).plan("orders");
  const api = await open();
  expect(failureOf(await api.source.discover(["orders"], new Map([["orders", spec]])))).toBeUndefined();
  expect(api.asked.filter((url) => /page=0/.test(url))).toEqual([]);
});

it("of children is looked at too", async () => {
  const lines = {
    ...{ name: "lines", path: "orders/{parent.id}/lines", primaryKey: ["_parent_id", "id"], fields: { id: "bigint" } },
    ...{ additionalFields: "keep", parent: { resource: "orders" }, paginator: page },
  };
  const api = await openPages(
    {},
    (at, { pathname }) => (pathname.endsWith("lines") ? pageFrom(at("page")) : { body: numbered(0, 2) }),
    { resources: [lines] },
  );
  expect(failureOf(await api.source.discover(["lines"]))).toMatchObject({ reasonCode: "config_invalid" });
});

it("an offset that begins at 1 is refused where offset 0 has nothing, until it says so", async () => {
  const from = (at: number): Page => ({
    body: at === 0 ? [] : numbered(at - 1, Math.max(0, Math.min(10, 35 - at + 1))),
  });
  const api = await openPages({ paginator: offset }, (at) => from(at("offset")));
  expect(failureOf(await api.source.discover(["orders"]))).toMatchObject({
    what: expect.stringMatching(/offset 0 on, where it has no records, but it has some from offset 1 on/),
    fix: "Set start of its paginator to 1.",
  });
  const told = await openPages({ paginator: { ...offset, start: 1, totalPath: "total" } }, (at) => ({
    body: { data: from(at("offset")).body, total: 35 },
  }));
  expect(failureOf(await told.source.discover(["orders"]))).toBeUndefined();
  const batches = await told.read(await told.plan("orders", { removes: true }));
  expect(batches.flatMap(({ rows }) => [...rows])).toHaveLength(35);
  const empty = await openPages({ paginator: offset }, () => ({ body: [] }));
  expect(failureOf(await empty.source.discover(["orders"]))).toBeUndefined();
});

it("a resource whose paginator names no sign of the end cannot be shown to be complete, nor can its children", async () => {
  const unprovable = async (resource: object, config: object = {}) => {
    const child = {
      ...{ name: "lines", path: "orders/{parent.id}/lines", fields: { id: "bigint" }, additionalFields: "keep" },
      ...{ parent: { resource: "orders" }, paginator: { type: "single" } },
    };
    const pageOf = (at: (name: string) => number): Page => ({
      body: at("offset") > 0 || at("page") > 1 ? [] : numbered(0, 1),
    });
    const api = await openPages(resource, pageOf, { resources: [child], config });
    const found = await api.source.discover(["orders", "lines"]);
    const [orders, lines] = found.map((entity) => entity.unprovable !== undefined);
    expect(lines).toBe(orders);
    return orders;
  };
  for (const paginator of [offset, { ...page, start: 1 }]) {
    expect(await unprovable({ paginator })).toBe(true);
    expect(await unprovable({ paginator: { ...paginator, totalPath: "total" } })).toBe(false);
    expect(await unprovable({ paginator: { ...paginator, stopOnShortPage: false } })).toBe(false);
    expect(await unprovable({ paginator: { ...paginator, stopWhen: { path: "more", equals: false } } })).toBe(false);
    expect(
      await unprovable({ paginator, errorRules: [{ status: 400, contains: "window", action: "stop_resource" }] }),
    ).toBe(false);
    expect(await unprovable({}, { paginator })).toBe(true);
  }
  expect(await unprovable({})).toBe(false);
  expect(await unprovable({ paginator: { type: "keyset", field: "id", param: "after" } })).toBe(false);
});
