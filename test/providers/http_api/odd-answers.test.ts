import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { cellsOf, openApi, rejectsOf } from "./open-api.ts";
import { ids, numbered, openPages, type Page, readUp } from "./open-pages.ts";

/** A server that answers each request with these bytes; the connection is closed behind them. */
async function openRaw(answer: (request: number, head: string) => Buffer | string, resource: object = {}) {
  let requests = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("data", (head) => socket.end(answer(requests++, String(head))));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const orders = {
    ...{ name: "orders", path: "orders", primaryKey: ["id"], fields: { id: "bigint" }, additionalFields: "keep" },
    ...resource,
  };
  return openApi({ baseUrl: `http://127.0.0.1:${port}`, resources: [orders], retry: { maxAttempts: 2 } });
}

const head = (more: string[]) => ["HTTP/1.1 200 OK", ...more, "connection: close", "", ""].join("\r\n");
const JSON_TYPE = "content-type: application/json";
const LINES_TYPE = "content-type: application/x-ndjson";

describe("a body that is cut off is no answer", () => {
  const text = JSON.stringify(numbered(0, 3));
  const lines = '{"id":1}\n{"id":2}\n';
  it.each<[string, Buffer | string]>([
    ["JSON with a longer Content-Length", head([JSON_TYPE, `content-length: ${text.length + 5}`]) + text],
    ["JSON with a shorter Content-Length", head([JSON_TYPE, `content-length: ${text.length - 5}`]) + text],
    ["chunked JSON without its last chunk", `${head([JSON_TYPE, "transfer-encoding: chunked"])}5\r\n[{"id\r\n`],
    ["NDJSON with a longer Content-Length", head([LINES_TYPE, "content-length: 90"]) + lines],
    ["chunked NDJSON without its last chunk", `${head([LINES_TYPE, "transfer-encoding: chunked"])}12\r\n${lines}\r\n`],
    [
      "compressed NDJSON without its end",
      Buffer.concat([Buffer.from(head([LINES_TYPE, "content-encoding: gzip"])), gzipSync(lines).subarray(0, -8)]),
    ],
    [
      "a part of NDJSON that nobody asked for",
      `HTTP/1.1 206 Partial Content\r\n${LINES_TYPE}\r\ncontent-range: bytes 0-17/900\r\ncontent-length: 18\r\nconnection: close\r\n\r\n${lines}`,
    ],
  ])("%s", async (_, answer) => {
    const api = await openRaw(() => answer);
    await expect(api.plan("orders")).rejects.toMatchObject({ name: expect.stringMatching(/^T/) });
  });

  it.each<[string, Buffer | string]>([
    ["JSON that only the end of the connection ends", head([JSON_TYPE]) + text],
    [
      "gzip with something behind its end",
      Buffer.concat([
        Buffer.from(head([JSON_TYPE, "content-encoding: gzip"])),
        gzipSync(text),
        Buffer.from([0, 0, 0, 0]),
      ]),
    ],
    [
      "gzip in two members",
      Buffer.concat([
        Buffer.from(head([JSON_TYPE, "content-encoding: gzip"])),
        gzipSync(text.slice(0, 7)),
        gzipSync(text.slice(7)),
      ]),
    ],
    [
      "compressed NDJSON with its end",
      Buffer.concat([
        Buffer.from(head([LINES_TYPE, "content-encoding: gzip"])),
        gzipSync('{"id":1}\n{"id":2}\n{"id":3}'),
      ]),
    ],
  ])("but is one where it is whole: %s", async (_, answer) => {
    const api = await openRaw(() => answer);
    expect(await readUp(api)).toMatchObject({ ids: ids(3), error: null });
  });
});

it("NDJSON that only the end of its connection ends is believed where it comes again", async () => {
  const lines = (count: number) => numbered(0, count).map((record) => `${JSON.stringify(record)}\n`);
  const cut = await openRaw((request) => head([LINES_TYPE]) + lines(request === 1 ? 2 : 3).join(""));
  const { ids: found, error } = await readUp(cut, { removes: true });
  expect([[...new Set(found)], error]).toEqual([ids(3), null]);
  const keyless = await openRaw(() => head([LINES_TYPE]) + lines(3).join(""));
  expect((await readUp(keyless, { keyColumns: [] })).error).toMatchObject({
    message: expect.stringMatching(/may have broken off/),
  });
});

it.each<[string, string, (whole: boolean) => string]>([
  ["nothing at all", JSON_TYPE, (whole) => (whole ? JSON.stringify(numbered(0, 3)) : "")],
  [
    "NDJSON that is labelled as gzip and is none",
    `${LINES_TYPE}\r\ncontent-encoding: gzip`,
    (whole) =>
      numbered(0, whole ? 3 : 2)
        .map((record) => `${JSON.stringify(record)}\n`)
        .join(""),
  ],
])("that only the end of its connection ends is believed where it comes again: %s", async (_, type, body) => {
  const cut = await openRaw((request) => head([type]) + body(request !== 1));
  const { ids: found, error } = await readUp(cut);
  expect([[...new Set(found)], error]).toEqual([ids(3), null]);
});

describe("text", () => {
  const record = '[{"id":1,"name":"Größe € 東"}]';
  const latin = Buffer.from('[{"id":1,"name":"Gr\xf6\xdfe"}]', "latin1");
  const utf16be = Buffer.from(record, "utf16le").swap16();
  it.each<[string, Buffer, string, string]>([
    ["UTF-8 with a byte order mark", Buffer.from(`\ufeff${record}`), "application/json", "Größe € 東"],
    ["UTF-16 with a byte order mark", Buffer.from(`\ufeff${record}`, "utf16le"), "application/json", "Größe € 東"],
    ["big-endian UTF-16 by its label", utf16be, "application/json; charset=utf-16be", "Größe € 東"],
    ["UTF-16 without mark and label", Buffer.from(record, "utf16le"), "application/json", "Größe € 東"],
    ["Latin-1 by its label", latin, "application/json; charset=iso-8859-1", "Größe"],
    ["UTF-8 that is labelled Latin-1", Buffer.from(record), "application/json; charset=latin1", "Größe € 東"],
  ])("in %s is read", async (_, body, type, name) => {
    const api = await openRaw(
      () => Buffer.concat([Buffer.from(head([`content-type: ${type}`, `content-length: ${body.length}`])), body]),
      { fields: {}, additionalFields: "infer" },
    );
    const batches = await api.read(await api.plan("orders"));
    expect(cellsOf(batches, "name")).toEqual([name]);
  });

  it("in a charset that nobody names is an error, and no guess", async () => {
    const api = await openRaw(() => Buffer.concat([Buffer.from(head([JSON_TYPE])), latin]));
    await expect(api.plan("orders")).rejects.toMatchObject({ reasonCode: "source_response_invalid" });
  });
});

const graphql = (pageInfo: object) => ({ data: { shop: { orders: { edges: [{ node: { id: 1 } }], pageInfo } } } });

describe("an answer that says that there is more", () => {
  it.each<[string, Page]>([
    ["X-Total-Count", { headers: { "x-total-count": "250" } }],
    ["X-Total", { headers: { "X-Total": "250" } }],
    ["X-Total-Pages", { headers: { "x-total-pages": "3" } }],
    ["X-Next-Page", { headers: { "x-next-page": "2" } }],
    ["Content-Range, as PostgREST does it", { status: 206, headers: { "content-range": "0-9/250" } }],
    ["Content-Range with its unit", { headers: { "content-range": "items 0-9/250" } }],
    ["X-Pagination, as ASP.NET does it", { headers: { "x-pagination": '{"TotalCount":250,"HasNext":true}' } }],
  ])("in %s is no single page", async (_, page) => {
    const api = await openPages({}, () => ({ body: numbered(0, 10), ...page }));
    await expect(api.plan("orders")).rejects.toMatchObject({
      reasonCode: "config_invalid",
      message: expect.stringMatching(/says that there are more pages/),
    });
    const single = await openPages({ paginator: { type: "single" } }, () => ({ body: numbered(0, 10), ...page }));
    expect(await readUp(single)).toMatchObject({ ids: ids(10), error: null });
  });

  it.each<[string, object]>([
    ["HubSpot", { paging: { next: { after: "10" } } }],
    ["Jira", { isLast: false }],
    ["Salesforce", { done: false, nextRecordsUrl: "/q/01g-2000" }],
    ["Zendesk", { end_of_stream: false }],
    ["NetSuite", { links: [{ rel: "next", href: "https://a.example/?offset=10" }] }],
    ["Airtable", { offset: "itrX/recY" }],
    ["DynamoDB", { LastEvaluatedKey: { id: { S: "x" } } }],
    ["a scroll", { _scroll_id: "abc" }],
    ["numbers as text", { totalResults: "25" }],
    ["flags as text", { hasMore: "true" }],
    ["Pipedrive", { additional_data: { pagination: { more_items_in_collection: true } } }],
    ["Intercom", { pages: { next: { page: 2, starting_after: "x" } } }],
  ])("in the way of %s is no single page", async (_, body) => {
    const api = await openPages({}, () => ({ body: { data: numbered(0, 10), ...body } }));
    await expect(api.plan("orders")).rejects.toMatchObject({ reasonCode: "config_invalid" });
  });

  it.each<[string, object]>([
    ["d.results", { d: { results: numbered(0, 10), __next: "https://a.example/?$skiptoken=10" } }],
    ["hits.hits[*]._source", { hits: { total: { value: 25 }, hits: [{ _source: { id: 1 } }] } }],
    ["data.shop.orders.edges[*].node", graphql({ hasNextPage: true })],
  ])("around the records at %s is no single page", async (recordSelector, body) => {
    const api = await openPages({ recordSelector }, () => ({ body }));
    await expect(api.plan("orders")).rejects.toMatchObject({ reasonCode: "config_invalid" });
  });

  it("is no end of a chain, a count or a keyset", async () => {
    const error = { reasonCode: "source_response_invalid", message: expect.stringMatching(/says that more/) };
    const cursor = { type: "cursor", nextPath: "nextPageToken", param: "token" };
    const chain = await openPages({ paginator: cursor }, () => ({ body: { items: numbered(0, 10), isLast: false } }));
    await expect(chain.plan("orders")).rejects.toMatchObject(error);
    const keyset = { type: "keyset", field: "id", param: "after" };
    const keys = await openPages({ paginator: keyset }, (at) => ({
      body: { data: at("after") === 0 ? numbered(0, 10) : [], has_more: true },
    }));
    expect(await readUp(keys)).toMatchObject({ ids: ids(10), error });
    // The cap of the second page is no short page.
    const counted = await openPages({ paginator: { type: "offset", limit: 10 } }, (at) => {
      const [from, most] = [at("offset"), at("offset") === 0 ? 10 : 6];
      return { body: { items: numbered(from, Math.min(most, 22 - from)), isLast: from + most >= 22 } };
    });
    expect(await readUp(counted)).toMatchObject({ ids: ids(22), error: null });
  });

  it("of something else than its pages says nothing", async () => {
    const body = {
      ...{ data: numbered(0, 3), done: true, isLast: true, _scroll_id: null, offset: 0, links: [{ rel: "self" }] },
      ...{ facets: { brand: { total: 30, has_more: true } }, nextReview: "2026-12-01", LastEvaluatedKey: {} },
    };
    expect(await readUp(await openPages({}, () => ({ body })))).toMatchObject({ ids: ids(3), error: null });
  });

  it.each(["[1.10]", '{"toString":1,"valueOf":2}', '[{"toString":1}]'])(
    "is none in what has no text, whatever its name is: %s",
    async (value) => {
      const names = ["bbox", "success", "status", "code", "has_more", "done", "total", "count", "next", "offset"];
      const text = `{"data":[{"id":1}],${names.map((name) => `"${name}":${name === "next" ? "null" : value}`).join(",")}}`;
      const empty = text.replace('{"id":1}', "");
      expect(await readUp(await openPages({}, () => ({ body: text })))).toMatchObject({ ids: ids(1), error: null });
      expect(await readUp(await openPages({}, () => ({ body: empty })))).toMatchObject({ ids: [], error: null });
    },
  );

  it("no more than these is one", async () => {
    const headers = {
      ...{ "x-total-count": "10", "x-total-pages": "1", "x-next-page": "", "content-range": "0-9/10" },
      "x-pagination": '{"TotalCount":10,"HasNext":false}',
    };
    const api = await openPages({}, () => ({ body: numbered(0, 10), headers }));
    expect(await readUp(api, { removes: true })).toMatchObject({ ids: ids(10), error: null });
  });

  it("has its total behind the slash of Content-Range", async () => {
    const paginator = { type: "offset", limit: 10, totalHeader: "Content-Range" };
    const open = (total: string, rows = 35) =>
      openPages({ paginator }, (at) => {
        const body = numbered(at("offset"), Math.max(0, Math.min(10, rows - at("offset"))));
        const range = body.length === 0 ? "*" : `${at("offset")}-${at("offset") + body.length - 1}`;
        return { status: 206, headers: { "content-range": `${range}/${total}` }, body };
      });
    expect(await readUp(await open("35"), { removes: true })).toMatchObject({ ids: ids(35), error: null });
    expect(await readUp(await open("*"))).toMatchObject({ ids: ids(35), error: null });
    expect((await readUp(await open("45"))).error).toMatchObject({ reasonCode: "source_response_invalid" });
  });
});

it("a refusal of the page behind the announced last one names the rule that makes it the end", async () => {
  const open = (resource: object) =>
    openPages({ paginator: { type: "page", size: 10, totalPath: "total" }, ...resource }, (at) =>
      at("page") > 2
        ? { status: 400, body: { code: "invalid_page_number" } }
        : { body: { total: 20, items: numbered(at("page") * 10 - 10, 10) } },
    );
  expect((await readUp(await open({}))).error).toMatchObject({
    reasonCode: "source_rejected_request",
    fix: expect.stringContaining("errorRules"),
  });
  const errorRules = [{ status: 400, contains: "invalid_page_number", action: "ignore" }];
  expect(await readUp(await open({ errorRules }), { removes: true })).toMatchObject({ ids: ids(20), error: null });
});

describe("a status of 200", () => {
  it.each([
    { success: false, message: "backend down", data: [] },
    { ok: false, data: [] },
    { status: "error", message: "no", data: [] },
    { Success: false, data: [] },
    { success: "false", data: [] },
    { errcode: 40001, errmsg: "invalid credential", data: [] },
    { error_message: "backend down", data: [] },
    { errorMessages: ["bad jql"], data: [] },
    { fault: { faultstring: "x" }, data: [] },
    { status: 500, data: [] },
    { status: { error_code: "1001" }, data: [] },
    { meta: { error: "x" }, data: [] },
  ])("does not make an empty page of %j", async (body) => {
    const api = await openPages({}, () => ({ body }), { config: { retry: { maxAttempts: 1 } } });
    await expect(api.plan("orders")).rejects.toMatchObject({ reasonCode: "source_response_invalid" });
  });

  it("or 201 is as good", async () => {
    const api = await openPages({}, () => ({ status: 201, body: { error: "boom", data: [] } }));
    await expect(api.plan("orders")).rejects.toMatchObject({ reasonCode: "source_response_invalid" });
  });

  it.each([[{}], [[]], [undefined]])("is awaited where 202 says that there is nothing yet: %j", async (body) => {
    let asked = 0;
    const api = await openPages({}, () => {
      asked += 1;
      return asked === 1 ? { status: 202, body } : { body: numbered(0, 3) };
    });
    expect(await readUp(api)).toMatchObject({ ids: ids(3), error: null });
    const told = await openPages({}, () => ({ status: 202, body: numbered(0, 3) }));
    expect(await readUp(told)).toMatchObject({ ids: ids(3), error: null });
  });

  it("is a page where it has records, or says that all is well", async () => {
    for (const body of [
      { success: true, status: "ok", code: 200, errcode: 0, error_code: "0", errorMessages: [], data: numbered(0, 3) },
      { status: "error", data: numbered(0, 3) },
    ])
      expect(await readUp(await openPages({}, () => ({ body })))).toMatchObject({ ids: ids(3), error: null });
    const fine = { status: "success", code: 200, errcode: 0, error_code: "0", error_message: "", errorMessages: [] };
    const empty = await openPages({}, () => ({ body: { ...fine, meta: { error: null }, data: [] } }));
    expect(await readUp(empty)).toMatchObject({ ids: [], error: null });
  });

  it("whose usual places disagree is no empty page", async () => {
    const api = await openPages({}, () => ({ body: { data: [], results: numbered(0, 3) } }));
    await expect(api.plan("orders")).rejects.toMatchObject({
      message: expect.stringMatching(/data, results.*recordSelector/),
    });
    const told = await openPages({ recordSelector: "results" }, () => ({
      body: { data: [], results: numbered(0, 3) },
    }));
    expect(await readUp(told)).toMatchObject({ ids: ids(3), error: null });
  });
});

describe("a Link header", () => {
  it.each([
    '</orders?page=2>; rel=next, </orders?page=1>; rel="first"',
    '</orders?page=2>; title="a, b; c"; rel="prefetch next"',
    '</orders?page=2>; REL="Next"',
    "<?page=2>;rel='next'",
  ])("is read as a browser reads it: %s", async (link) => {
    const api = await openPages({ paginator: { type: "header_link" } }, (at) =>
      at("page") === 2 ? { body: numbered(3, 2) } : { body: numbered(0, 3), headers: { link } },
    );
    expect(await readUp(api)).toMatchObject({ ids: ids(5), error: null });
  });
});

describe("a source that goes round", () => {
  it("is noticed by its keys, although every page differs", async () => {
    let requests = 0;
    const api = await openPages({ paginator: { type: "offset", limit: 10 } }, () => ({
      body: numbered(0, 10).map((record) => ({ ...record, seenAt: requests++ })),
    }));
    const { error } = await readUp(api);
    expect(error).toMatchObject({
      reasonCode: "source_response_invalid",
      message: expect.stringMatching(/listing of orders/),
    });
    expect(api.asked.length).toBeLessThan(200);
  });

  it("is noticed by a token that comes again", async () => {
    const api = await openPages({ paginator: { type: "cursor", nextPath: "next", param: "after" } }, (at) => ({
      body: { data: numbered(at("after") * 10, 10), next: at("after") === 2 ? "1" : String(at("after") + 1) },
    }));
    expect((await readUp(api)).error).toMatchObject({ message: expect.stringMatching(/read before/) });
  });
});

describe("keys", () => {
  it("that differ by case, by a blank or are empty are keys of their own, and numbers keep their digits", async () => {
    const body =
      '[{"id":"a"},{"id":"A"},{"id":"a "},{"id":""},{"id":"é"},{"id":"e\u0301"},{"id":null},{"id":"x","n":1e2},{"id":"y","n":-0},{"id":"z","n":12345678901234567890}]';
    const api = await openPages({ fields: {}, additionalFields: "infer" }, () => ({ body }));
    const batches = await api.read(await api.plan("orders"));
    expect(cellsOf(batches, "id")).toEqual(["a", "A", "a ", "", "é", "e\u0301", "x", "y", "z"]);
    expect(cellsOf(batches, "n").slice(-3)).toEqual(["1e2", "-0", "12345678901234567890"]);
    expect(rejectsOf(batches)).toMatchObject([{ column: "id", reason: "The key is empty." }]);
  });
});

describe("a primaryKey that several records share", () => {
  const lines = (primaryKey: string[]) => ({
    ...{ name: "lines", path: "orders/{parent.id}/lines", primaryKey, parent: { resource: "orders" } },
  });
  const discover = async (resource: object, pageOf: Parameters<typeof openPages>[1]) => {
    const api = await openPages({ fields: {}, additionalFields: "infer" }, pageOf, { resources: [resource] });
    const [found] = await api.source.discover(["lines"]);
    return found?.failure;
  };

  it("is refused where their rows would take each other's place", async () => {
    const numberedByOrder = (_at: unknown, { pathname }: URL): Page => {
      const order = Number(pathname.split("/")[2] ?? 0);
      const body = [1, 2, 3].map((number) => ({ number, sku: `sku ${order * number}` }));
      return { body: pathname.endsWith("lines") ? body : numbered(0, 3) };
    };
    expect(await discover(lines(["number"]), numberedByOrder)).toMatchObject({
      reasonCode: "config_invalid",
      what: expect.stringMatching(/6 of the 9 records .* the primaryKey \(number\) of another record/),
      fix: expect.stringMatching(/such as _parent_id/),
    });
    expect(await discover(lines(["_parent_id", "number"]), numberedByOrder)).toBeUndefined();
  });

  it("is none where a record comes twice, or in several versions", async () => {
    const shared = (_at: unknown, { pathname }: URL): Page => ({
      body: pathname.endsWith("lines") ? [{ number: 7, sku: "s" }] : numbered(0, 3),
    });
    expect(await discover(lines(["number"]), shared)).toBeUndefined();
    const body = [1, 2, 3, 4].map((n) => ({ id: 1, note: `note ${n}`, at: `2026-01-0${n}T00:00:00Z` }));
    const versions = { fields: {}, additionalFields: "infer", incremental: { cursorField: "at" } };
    const api = await openPages(versions, () => ({ body }));
    expect((await api.source.discover(["orders"]))[0]?.failure).toBeUndefined();
  });
});

describe("a listing by key", () => {
  const keyset = { type: "keyset", field: "id", param: "after" };

  it.each([
    ["share", /several records of a page have the same id/, [1, 2, 2]],
    ["are not sorted by", /not sorted by id/, [1, 3, 2]],
  ])("is refused where records %s the key: some would be skipped", async (_, message, keys) => {
    const api = await openPages({ paginator: keyset, primaryKey: ["n"] }, () => ({
      body: keys.map((id, n) => ({ id, n })),
    }));
    await expect(api.plan("orders")).rejects.toMatchObject({ message: expect.stringMatching(message) });
  });

  it("may go downwards", async () => {
    const rows = numbered(0, 25).reverse();
    const api = await openPages({ paginator: { ...keyset, param: "before" } }, (at) => ({
      body: rows.filter(({ id }) => at("before") === 0 || id < at("before")).slice(0, 10),
    }));
    expect((await readUp(api, { removes: true })).ids).toEqual(ids(25).reverse());
  });
});

describe("a flag that says that more follow", () => {
  /** Pages of varying sizes. */
  const sizes = [10, 7, 10, 0, 3];
  const open = (flag: (page: number) => object, paginator: object = {}) =>
    openPages({ paginator: { type: "page", start: 1, size: 10, sizeParam: "n", ...paginator } }, (at) => {
      const page = at("page") - 1;
      const before = sizes.slice(0, page).reduce((sum, size) => sum + size, 0);
      return { body: { data: numbered(before, sizes[page] ?? 0), ...flag(page) } };
    });

  it("is believed behind a short page, and behind an empty one", async () => {
    for (const flag of [
      (page: number) => ({ has_more: page < sizes.length - 1 }),
      (page: number) => ({ next: page < 2 ? "/orders?page=9" : null }),
    ]) {
      const { ids: found, error } = await readUp(await open(flag));
      // The empty page between others is a doubt, so that the listing is read again.
      expect([[...new Set(found)], error]).toEqual([ids(30), null]);
    }
  });

  it("is a doubt where nothing follows", async () => {
    const lying = await open(() => ({ has_more: true }));
    expect((await readUp(lying)).error).toMatchObject({
      name: "TerminalError",
      message: expect.stringMatching(/says that more follow \(has_more\)/),
    });
  });
});

it("a total may be written as any number", async () => {
  for (const total of ["3", "3.0", "3e0", '"3"']) {
    const api = await openPages({ paginator: { type: "offset", limit: 10, totalPath: "total" } }, (at) => ({
      body: `{"data":${JSON.stringify(at("offset") === 0 ? numbered(0, 3) : [])},"total":${total}}`,
    }));
    expect(await readUp(api, { removes: true })).toMatchObject({ ids: ids(3), error: null });
  }
});

it("a page of which a flag says that more follow is not the last, although it is short and a declaration says so", async () => {
  const paginator = { type: "offset", limit: 250, stopOnShortPage: true };
  const open = (flag: (at: number) => boolean) =>
    openPages({ paginator }, (at) => ({
      body: {
        data: numbered(at("offset"), Math.max(0, Math.min(33, 100 - at("offset")))),
        has_more: flag(at("offset")),
      },
    }));
  expect(await readUp(await open((at) => at < 99), { removes: true })).toMatchObject({ ids: ids(100), error: null });
  expect(await readUp(await open(() => true), { removes: true })).toMatchObject({ ids: ids(100), error: null });
});

it("a number or a token at nextPath is no link", async () => {
  for (const next of [2, "eyJpZCI6MX0="]) {
    const api = await openPages(
      { paginator: { type: "json_link", nextPath: "next" }, missingRecords: "empty" },
      () => ({
        body: { data: numbered(0, 3), next },
      }),
    );
    await expect(api.plan("orders")).rejects.toMatchObject({
      message: expect.stringMatching(/next is no link but a token or a number/),
    });
  }
});

it("a parameter of the page wins over the resource's own of that name", async () => {
  const api = await openPages(
    { paginator: { type: "offset", limit: 10 }, query: { limit: 3, offset: 0, sort: "id" } },
    (at) => ({ body: numbered(at("offset"), Math.max(0, Math.min(10, 25 - at("offset")))) }),
  );
  expect(await readUp(api)).toMatchObject({ ids: ids(25), error: null });
  expect(api.asked.at(-1)).toBe("/orders?sort=id&limit=10&offset=20");
});

it("a key that no record has is refused by discovery, also where columns need no sample", async () => {
  for (const additionalFields of ["keep", "infer"]) {
    const api = await openPages({ primaryKey: ["uuid"], additionalFields }, () => ({ body: numbered(0, 3) }));
    expect((await api.source.discover(["orders"]))[0]?.failure).toMatchObject({
      reasonCode: "config_invalid",
      what: expect.stringMatching(/primaryKey 'uuid' has no value/),
    });
  }
});

describe("a value that is nested 20,000 deep", () => {
  const deep = `${"[".repeat(20_000)}1${"]".repeat(20_000)}`;

  it.each<[string, object, string]>([
    [
      "a cursor for a body",
      { type: "cursor", nextPath: "next", param: "after", in: "body" },
      `{"items":[{"id":1}],"next":${deep}}`,
    ],
    [
      "a cursor for a query",
      { type: "cursor", nextPath: "next", param: "after" },
      `{"items":[{"id":1}],"next":${deep}}`,
    ],
    ["a key", { type: "keyset", field: "key", param: "after" }, `{"items":[{"id":1,"key":${deep}}]}`],
    ["a total", { type: "offset", limit: 10, totalPath: "total" }, `{"items":[{"id":1}],"total":${deep}}`],
  ])("is not %s", async (_, paginator, body) => {
    const method = "in" in paginator ? { method: "POST", idempotent: true, json: {} } : {};
    const api = await openPages({ ...method, paginator }, () => ({ body }));
    const error = await readUp(api).then(
      (read) => read.error,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ reasonCode: "source_response_invalid", fix: expect.stringMatching(/./) });
  });
});
