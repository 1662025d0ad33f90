import { describe, expect, it } from "vitest";
import { TerminalError, TransientError } from "../../../core/errors.ts";
import { serve } from "../lib/http/local-http.ts";
import { cellsOf, openApi, rejectsOf } from "./open-api.ts";
import { ids, numbered, openPages, readUp } from "./open-pages.ts";

const thrown = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

const offset = (more: object = {}) => ({ paginator: { type: "offset", limit: 10, ...more } });
const withTotal = offset({ totalPath: "total" });

describe("a listing is complete", () => {
  it("when the offset counts what the API pages, however many records are made of it", async () => {
    const nested = { ...offset({ totalPath: "total" }), recordSelector: "data[*].lines[*]" };
    const api = await openPages(nested, (at) => {
      const orders = numbered(at("offset"), Math.max(0, Math.min(10, 30 - at("offset"))));
      const data = orders.map(({ id }) => ({ lines: [{ id: id * 10 }, { id: id * 10 + 1 }, { id: id * 10 + 2 }] }));
      return { body: { data, total: 30 } };
    });
    const { ids: found, error } = await readUp(api);
    expect([new Set(found).size, error]).toEqual([90, null]);
  });

  it("when pages without any records lie between others", async () => {
    const nested = { ...withTotal, recordSelector: "data[*].lines[*]", missingRecords: "empty" };
    const api = await openPages(nested, (at) => {
      const orders = numbered(at("offset"), Math.max(0, Math.min(10, 30 - at("offset"))));
      const hasLines = at("offset") !== 10;
      return { body: { data: orders.map((order) => (hasLines ? { lines: [order] } : {})), total: 30 } };
    });
    expect(await readUp(api)).toMatchObject({ ids: { length: 20 }, error: null });
  });

  it("when a page is empty for a moment, or for good although the number of pages says more", async () => {
    const paginator = { type: "page", size: 10, sizeParam: "n", totalPagesPath: "pages" };
    let empty = 0;
    const api = await openPages({ paginator }, (at) => {
      const isEmpty = at("page") > 4 || (at("page") === 2 && empty++ === 0);
      return { body: { data: isEmpty ? [] : numbered(at("page") * 10 - 10, 10), pages: 4 } };
    });
    expect(await readUp(api, { removes: true })).toMatchObject({ ids: ids(40), error: null });
    const gap = await openPages({ paginator }, (at) => ({
      body: { data: at("page") === 2 || at("page") > 4 ? [] : numbered(at("page") * 10 - 10, 10), pages: 4 },
    }));
    expect(await readUp(gap)).toMatchObject({ ids: { length: 30 }, error: null });
  });

  it("when the source has a smaller limit of its own, or a total that is too small", async () => {
    const page = (at: number, size: number, count: number) => numbered(at, Math.max(0, Math.min(size, count - at)));
    const capped = await openPages({ paginator: { type: "offset", limit: 250 } }, (at) => ({
      body: page(at("offset"), 33, 100),
    }));
    expect(await readUp(capped)).toMatchObject({ ids: ids(100), error: null });
    const lying = await openPages(withTotal, (at) => ({ body: { data: page(at("offset"), 10, 40), total: 20 } }));
    expect(await readUp(lying)).toMatchObject({ ids: ids(40), error: null });
  });

  it.each([
    ["204", { status: 204 }],
    ["an empty body", { status: 200 }],
    ["404, as Django REST framework does it", { status: 404, body: { detail: "Invalid page." } }],
    ["416", { status: 416 }],
  ])("when the page after the last answers with %s", async (_, last) => {
    const paginator = { type: "page", size: 10, sizeParam: "n" };
    const api = await openPages({ paginator }, (at) =>
      at("page") > 3 ? last : { body: { results: numbered(at("page") * 10 - 10, 10) } },
    );
    expect(await readUp(api)).toMatchObject({ ids: ids(30), error: null });
    expect(api.asked.at(-1)).toMatch(/page=4/);
  });

  it("when an empty list lies between pages and nothing is announced", async () => {
    let empty = 0;
    const api = await openPages(offset(), (at) => ({
      body:
        at("offset") === 20 && empty++ === 0
          ? []
          : numbered(at("offset"), Math.max(0, Math.min(10, 45 - at("offset")))),
    }));
    const { ids: found, error } = await readUp(api);
    expect([[...new Set(found)].sort(), error]).toEqual([ids(45).sort(), null]);
  });

  it("when the page behind the last one is that page again, with the number of the request around it", async () => {
    const paginator = { type: "page", size: 10, sizeParam: "n", totalPath: "total" };
    let requests = 0;
    const api = await openPages({ paginator }, (at) => ({
      body: { request: requests++, data: numbered(Math.min(4, at("page")) * 10 - 10, 10), total: 40 },
    }));
    expect(await readUp(api, { removes: true })).toMatchObject({ ids: ids(40), error: null });
    const endless = await openPages({ paginator: { ...paginator, totalPath: undefined } }, () => ({
      body: { request: requests++, data: numbered(0, 10) },
    }));
    expect(await readUp(endless)).toMatchObject({ error: { message: expect.stringMatching(/same page twice/) } });
    expect(endless.asked.length).toBeLessThan(10);
  });

  it("when a row was deleted while it was read and the number of pages shrank: it is read again", async () => {
    let rows = numbered(0, 41);
    let requests = 0;
    const api = await openPages(
      { paginator: { type: "page", size: 10, sizeParam: "n", totalPagesPath: "pages" } },
      (at) => {
        requests += 1;
        if (requests === 4) rows = rows.slice(1);
        const page = rows.slice(at("page") * 10 - 10, at("page") * 10);
        return { body: { data: page, pages: Math.ceil(rows.length / 10) } };
      },
    );
    const { ids: found, error } = await readUp(api, { removes: true });
    expect([
      ids(41)
        .slice(1)
        .filter((id) => !found.includes(id)),
      error,
    ]).toEqual([[], null]);
  });

  it("when a row moved while it was read: it is read again", async () => {
    let rows = numbered(0, 40);
    let requests = 0;
    const api = await openPages(withTotal, (at) => {
      requests += 1;
      // The plan has asked once.
      if (requests === 3) rows = [...rows.slice(1), ...rows.slice(0, 1)];
      return { body: { data: rows.slice(at("offset"), at("offset") + 10), total: rows.length } };
    });
    const { ids: found, error } = await readUp(api, { removes: true });
    expect([[...new Set(found)].sort(), error]).toEqual([ids(40).sort(), null]);
  });

  it("when it is resumed after any page: the evidence is in the checkpoint", async () => {
    const api = await openPages({ paginator: { type: "offset", limit: 10 } }, (at) => ({
      body: numbered(at("offset"), Math.max(0, Math.min(10, 35 - at("offset")))),
    }));
    const plan = await api.plan("orders");
    const [first, second, third] = await api.read(plan, { batchRows: 1 });
    for (const before of [first, second, third]) {
      api.asked.length = 0;
      const rest = await api.read(plan, { batchRows: 1, checkpoint: before?.checkpoint ?? null });
      expect(rest.at(-1)?.final).toBe(true);
      // A full page was seen before the crash: the short one is the last.
      expect(api.asked.at(-1)).toMatch(/offset=30/);
    }
  });

  it("when a checkpoint and a plan of an older version are taken up", async () => {
    const api = await openPages(withTotal, (at) => ({
      body: { data: numbered(at("offset"), Math.max(0, Math.min(10, 35 - at("offset")))), total: 35 },
    }));
    const plan = await api.plan("orders");
    const { removes: _, ...source } = plan.spec.source;
    const checkpoint = { parent: null, step: null, page: { at: 20 }, done: false };
    const rest = await api.read({ ...plan, spec: { ...plan.spec, source } }, { checkpoint });
    // What moved before is not known, so that the listing is read again.
    expect(cellsOf(rest, "id").slice(0, 50)).toEqual([...ids(35).slice(20), ...ids(35)]);
  });
});

describe("a listing that cannot be shown to be complete", () => {
  it("loads what it read and fails where the total says that more must follow", async () => {
    const api = await openPages(withTotal, (at) => ({
      body: { data: at("offset") === 10 || at("offset") > 30 ? [] : numbered(at("offset"), 10), total: 50 },
    }));
    const { ids: found, error } = await readUp(api);
    expect(new Set(found).size).toBe(30);
    expect(error).toBeInstanceOf(TerminalError);
    expect(error).toMatchObject({
      reasonCode: "source_response_invalid",
      message: expect.stringMatching(/announces a total of 50, but its pages have 30 items/),
    });
  });

  it("fails where its rows keep moving", async () => {
    let requests = 0;
    const api = await openPages(withTotal, (at) => {
      requests += 1;
      const rows = numbered(0, 40);
      const turned = [...rows.slice(requests % 40), ...rows.slice(0, requests % 40)];
      return { body: { data: turned.slice(at("offset"), at("offset") + 10), total: 40 } };
    });
    const { error } = await readUp(api);
    expect(error).toBeInstanceOf(TransientError);
    expect(error).toMatchObject({ message: expect.stringMatching(/changed while it was read/) });
  });

  it("removes nothing: a load that would says what to declare", async () => {
    const shorter = (at: (name: string) => number) => ({
      body: numbered(at("offset"), Math.max(0, Math.min(10, 25 - at("offset")))),
    });
    const api = await openPages(offset(), shorter);
    expect(await readUp(api)).toMatchObject({ ids: ids(25), error: null });
    const { ids: found, batches, error } = await readUp(api, { removes: true });
    expect([found, batches.some(({ final }) => final)]).toEqual([ids(25), false]);
    expect(error).toMatchObject({
      name: "TerminalError",
      reasonCode: "config_invalid",
      message: expect.stringMatching(/totalPath.*stopOnShortPage/),
    });
    for (const stopOnShortPage of [true, false]) {
      const declared = await openPages(offset({ stopOnShortPage }), shorter);
      expect(await readUp(declared, { removes: true })).toMatchObject({ ids: ids(25), error: null });
    }
  });

  it("removes nothing where a chain of tokens ends with an answer without a body", async () => {
    const paginator = { type: "cursor", nextPath: "next", param: "after" };
    const api = await openPages({ paginator }, (at) =>
      at("after") === 0 ? { body: { data: numbered(0, 10), next: "1" } } : { status: 204 },
    );
    expect(await readUp(api)).toMatchObject({ ids: ids(10), error: null });
    expect(await readUp(api, { removes: true })).toMatchObject({
      ids: ids(10),
      error: { reasonCode: "config_invalid" },
    });
  });

  it("of parents fails their children too", async () => {
    const child = {
      ...{ name: "lines", path: "orders/{parent.id}/lines", primaryKey: ["id"], fields: { id: "bigint" } },
      ...{ additionalFields: "keep", parent: { resource: "orders" } },
    };
    const api = await openPages(
      withTotal,
      (at, { pathname }) =>
        pathname.endsWith("lines")
          ? { body: [{ id: Number(pathname.split("/")[2]) * 10 }] }
          : { body: { data: at("offset") === 0 ? numbered(0, 10) : [], total: 15 } },
      { resources: [child] },
    );
    const { ids: found, error } = await readUp(api, {}, "lines");
    expect(new Set(found).size).toBe(10);
    expect(error).toMatchObject({ message: expect.stringMatching(/the listing of orders announces/) });
  });
});

describe("an answer", () => {
  it("with status 200 that reports an error is no empty page", async () => {
    for (const body of [
      { error: "backend down", data: [] },
      { errors: [{ message: "no" }], data: { orders: null } },
    ]) {
      const selector = Array.isArray(body.data) ? "data" : "data.orders";
      const api = await openPages({ recordSelector: selector }, () => ({ body }), {
        config: { retry: { maxAttempts: 1 } },
      });
      expect(await thrown(api.plan("orders"))).toMatchObject({ reasonCode: "source_response_invalid" });
    }
    const fine = await openPages({}, () => ({ body: { error: null, errors: [], data: numbered(0, 3) } }));
    expect(await readUp(fine)).toMatchObject({ ids: ids(3), error: null });
  });

  it("of NDJSON has a record in each line", async () => {
    const body = '{"id":1}\n{"id":2}\n';
    const typed = await openPages({}, () => ({ body, headers: { "content-type": "application/x-ndjson" } }));
    expect(await readUp(typed, { removes: true })).toMatchObject({ ids: ids(2), error: null });
    const declared = await openPages({ format: "ndjson" }, () => ({ body }));
    expect(await readUp(declared)).toMatchObject({ ids: ids(2), error: null });
    const cut = await openPages({ format: "ndjson" }, () => ({ body: body.slice(0, -4) }));
    expect(await thrown(cut.plan("orders"))).toMatchObject({ message: expect.stringMatching(/line 2 is not JSON/) });
  });
});

describe("an address", () => {
  it("has the parameters of baseUrl, and links of the same server are followed whatever their scheme", async () => {
    const paginator = { type: "json_link", nextPath: "next" };
    const local = await serve(({ url, headers }, response) => {
      const isFirst = !url.includes("page=2");
      const next = isFirst ? `https://${headers.host}/v1/orders?page=2&api-version=7` : null;
      response.end(JSON.stringify({ data: numbered(isFirst ? 0 : 10, 10), next }));
    });
    const resource = { name: "orders", path: "orders", paginator, fields: { id: "bigint" }, additionalFields: "keep" };
    const api = await openApi({ baseUrl: `${local.origin}/v1?api-version=7`, resources: [resource] });
    expect((await readUp(api, { keyColumns: [] })).ids).toEqual(ids(20));
    expect([...new Set(local.received.map(({ url }) => url))]).toEqual([
      "/v1/orders?api-version=7",
      "/v1/orders?page=2&api-version=7",
    ]);
  });

  it("of a lookback never begins before initial", async () => {
    const incremental = { cursorField: "at", startParam: "since", initial: "2026-01-01" };
    const api = await openPages({ incremental, fields: { id: "bigint", at: "timestamp with time zone" } }, () => ({
      body: [{ id: 1, at: "2026-01-02T00:00:00Z" }],
    }));
    const changes = { scan: "incremental", cursorField: "at", lookbackSeconds: 31_536_000 } as const;
    const plan = await api.plan("orders", { ...changes, cursorState: "2026-01-02T00:00:00.000Z" });
    expect(plan.slices[0]?.window).toMatchObject({ from: "2026-01-01T00:00:00.000Z" });
    const full = await api.plan("orders", { ...changes, scan: "full", catchUp: true });
    expect(full.slices[1]?.window).toMatchObject({ from: "2026-01-01T00:00:00.000Z" });
  });
});

describe("a parent", () => {
  const children = (request: object = { path: "orders/{parent.id}/lines" }) => ({
    ...{ name: "lines", primaryKey: ["id"], fields: { id: "bigint" }, additionalFields: "keep" },
    ...{ parent: { resource: "orders" }, ...request },
  });
  const lines = (pathname: string) => ({ body: [{ id: Number(/\d+/.exec(pathname)?.[0] ?? 0) * 10 }] });

  it.each([
    ["no id", null],
    ["an empty one", ""],
    ["one that stands for the folder above", ".."],
    ["one that stands for this folder", "."],
    ["half a character", "\ud800"],
  ])("that has %s is shown among the rejected records, and the others are read", async (_, id) => {
    const api = await openPages(
      { fields: {} },
      (_at, { pathname }) =>
        pathname.endsWith("lines") ? lines(pathname) : { body: [{ id: "1" }, { id }, { id: "3" }] },
      { resources: [children()] },
    );
    const [found] = await api.source.discover(["lines"]);
    expect(found?.failure).toBeUndefined();
    const { ids: read, batches, error } = await readUp(api, {}, "lines");
    expect([read, error]).toEqual([["10", "30"], null]);
    expect(rejectsOf(batches)).toMatchObject([{ column: null, reason: expect.stringMatching(/parent.*lines/i) }]);
    expect(api.asked.filter((url) => !/^\/orders(\/[13]\/lines)?$/.test(url))).toEqual([]);
  });

  it("without a value for a parameter is not asked about: the answer would be the records of all parents", async () => {
    const api = await openPages(
      { fields: {} },
      (_at, { pathname }) => (pathname === "/lines" ? { body: [{ id: 10 }] } : { body: [{ id: "1" }, { id: null }] }),
      { resources: [children({ path: "lines", query: { order: "{parent.id}" } })] },
    );
    const { batches } = await readUp(api, {}, "lines");
    expect(rejectsOf(batches)).toMatchObject([
      { reason: expect.stringMatching(/no id, which the requests of lines need/) },
    ]);
    expect(api.asked).not.toContain("/lines");
  });

  it("has its value encoded into one segment of the path", async () => {
    const api = await openPages(
      { fields: {} },
      (_at, { pathname }) => (pathname === "/orders" ? { body: [{ id: "a/../b?c#%2e%2e" }] } : { body: [{ id: 1 }] }),
      { resources: [children()] },
    );
    await readUp(api, {}, "lines");
    expect(api.asked.at(-1)).toBe("/orders/a%2F..%2Fb%3Fc%23%252e%252e/lines");
  });

  it("that is gone with 410 is skipped as with 404", async () => {
    const api = await openPages(
      {},
      (_at, { pathname }) =>
        pathname === "/orders/2/lines"
          ? { status: 410 }
          : pathname === "/orders"
            ? { body: numbered(0, 3) }
            : lines(pathname),
      { resources: [children()] },
    );
    expect(await readUp(api, { removes: true }, "lines")).toMatchObject({ ids: ["10", "30"], error: null });
  });
});
