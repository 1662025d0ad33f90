import { describe, expect, it } from "vitest";
import { serve } from "../lib/http/local-http.ts";
import { cellsOf, openApi } from "./open-api.ts";
import { ids, numbered, openPages, readUp } from "./open-pages.ts";

describe("what asks for the next page", () => {
  /** By POST, with the value in the body. `answers`: texts of the pages. @returns the bodies that were sent, as they were */
  async function post(paginator: object, answers: string[], resource: object = {}) {
    let requests = 0;
    const bodies: string[] = [];
    const local = await serve(({ body }, response) => {
      bodies.push(String(body));
      response.writeHead(200, { "content-type": "application/json" });
      // The plan has asked once.
      response.end(answers[requests === 0 ? 0 : Math.min(requests - 1, answers.length - 1)]);
      requests += 1;
    });
    const orders = {
      ...{ name: "orders", path: "orders", method: "POST", primaryKey: ["id"], fields: { id: "numeric" } },
      ...{ additionalFields: "keep", paginator, ...resource },
    };
    const api = await openApi({ baseUrl: local.origin, resources: [orders] });
    const read = await readUp(api);
    return { ...read, bodies: bodies.slice(2) };
  }

  it("stays a number in a body, digit for digit", async () => {
    const keyset = { type: "keyset", field: "id", param: "filter.after", in: "body" };
    const { bodies, ids: found } = await post(keyset, [
      '{"data":[{"id":1},{"id":90071992547409931234}]}',
      '{"data":[{"id":90071992547409931235}]}',
      '{"data":[]}',
    ]);
    expect(bodies).toEqual(['{"filter":{"after":90071992547409931234}}', '{"filter":{"after":90071992547409931235}}']);
    expect(found).toEqual(["1", "90071992547409931234", "90071992547409931235"]);
    const cursor = { type: "cursor", nextPath: "next", param: "after", in: "body" };
    const numbers = await post(cursor, ['{"data":[{"id":1}],"next":12345678901234567890}', '{"data":[{"id":2}]}']);
    expect(numbers.bodies).toEqual(['{"after":12345678901234567890}']);
    const texts = await post(cursor, ['{"data":[{"id":1}],"next":"007"}', '{"data":[{"id":2}]}']);
    expect(texts.bodies).toEqual(['{"after":"007"}']);
  });

  it("may be an object or an array, in a body", async () => {
    const cursor = { type: "cursor", nextPath: "LastEvaluatedKey", param: "ExclusiveStartKey", in: "body" };
    const dynamo = await post(cursor, [
      '{"items":[{"id":1}],"LastEvaluatedKey":{"id":{"N":"1.10"}}}',
      '{"items":[{"id":2}]}',
    ]);
    expect([dynamo.ids, dynamo.bodies]).toEqual([["1", "2"], ['{"ExclusiveStartKey":{"id":{"N":"1.10"}}}']]);
    const keyset = { type: "keyset", field: "sort", param: "search_after", in: "body" };
    const hits = (id: number, sort: string) =>
      `{"hits":{"total":{"value":2,"relation":"eq"},"hits":[{"_source":{"id":${id}},"sort":${sort}}]}}`;
    const elastic = await post(keyset, [hits(1, '[1.50,"a"]'), hits(2, '[2,"b"]'), '{"hits":{"hits":[]}}'], {
      recordSelector: "hits.hits[*]._source",
    });
    expect([elastic.ids, elastic.error]).toEqual([["1", "2"], null]);
    expect(elastic.bodies).toEqual(['{"search_after":[1.50,"a"]}', '{"search_after":[2,"b"]}']);
  });

  it("is never taken for absent where it is an object: rows behind it would be lost", async () => {
    const next = { href: "/orders?page=2" };
    for (const paginator of [
      { type: "json_link", nextPath: "_links.next" },
      { type: "cursor", nextPath: "_links.next", param: "after" },
    ]) {
      const api = await openPages({ paginator }, () => ({ body: { data: numbered(0, 3), _links: { next } } }));
      await expect(api.plan("orders")).rejects.toMatchObject({
        message: expect.stringMatching(/_links\.next is an object with the members href, and one text or number/),
      });
      const last = await openPages({ paginator }, () => ({ body: { data: numbered(0, 3), _links: { next: [] } } }));
      expect(await readUp(last, { removes: true })).toMatchObject({ ids: ids(3), error: null });
    }
  });

  it("of a keyset is the key of what the API pages, however many records are made of it", async () => {
    const orders = numbered(0, 25).map(({ id }) => ({ id, lines: [{ id: id * 100 }, { id: id * 100 + 1 }] }));
    const api = await openPages(
      { recordSelector: "data[*].lines[*]", paginator: { type: "keyset", field: "id", param: "after" } },
      (at) => ({ body: { data: orders.filter(({ id }) => id > at("after")).slice(0, 10) } }),
    );
    expect((await readUp(api)).ids).toHaveLength(50);
  });
});

describe("a total", () => {
  const offset = { type: "offset", limit: 10 };

  it("that is an object is refused, with its members", async () => {
    const api = await openPages(
      { paginator: { ...offset, totalPath: "hits.total" }, recordSelector: "hits.hits" },
      () => ({
        body: { hits: { total: { value: 3, relation: "eq" }, hits: numbered(0, 3) } },
      }),
    );
    await expect(api.plan("orders")).rejects.toMatchObject({
      what: expect.stringMatching(/no number at hits\.total but an object with the members value, relation\.$/),
      fix: "Name the member of it that is the number.",
    });
  });

  it("that is a lower bound ends no listing, and proves nothing", async () => {
    const paginator = { ...offset, totalPath: "hits.total.value" };
    const open = (relation: string, value: number, rows: number) =>
      openPages({ paginator, recordSelector: "hits.hits" }, (at) => ({
        body: {
          hits: {
            total: { value, relation },
            hits: numbered(at("offset"), Math.max(0, Math.min(10, rows - at("offset")))),
          },
        },
      }));
    const least = await open("gte", 20, 45);
    expect(await readUp(least)).toMatchObject({ ids: ids(45), error: null });
    expect(await readUp(least, { removes: true })).toMatchObject({ error: { reasonCode: "config_invalid" } });
    expect(await readUp(await open("gte", 20, 20), { removes: true })).toMatchObject({
      ids: ids(20),
      error: { reasonCode: "config_invalid" },
    });
    expect(await readUp(await open("gte", 30, 20))).toMatchObject({ error: { name: "TerminalError" } });
    expect(await readUp(await open("eq", 45, 45), { removes: true })).toMatchObject({ ids: ids(45), error: null });
  });
});

describe("a body", () => {
  it.each([
    ["one JSON array", "ndjson", JSON.stringify(numbered(0, 3)), "json"],
    ["a JSON object over several lines", "ndjson", JSON.stringify({ data: numbered(0, 3) }, null, 2), "json"],
    ["NDJSON", "json", '{"id":1}\n{"id":2}\n', "ndjson"],
  ])("that is %s, and not %s, is refused with what it is", async (_, format, body, other) => {
    const api = await openPages({ format }, () => ({ body }));
    await expect(api.plan("orders")).rejects.toMatchObject({
      name: "TerminalError",
      reasonCode: "source_response_invalid",
      fix: `Set the resource's format to "${other}".`,
    });
    const mended = await openPages({ format: other }, () => ({ body }));
    expect((await readUp(mended)).error).toBeNull();
  });

  it("that its Content-Type calls NDJSON by mistake can be declared JSON", async () => {
    const answer = { body: JSON.stringify(numbered(0, 3)), headers: { "content-type": "application/x-ndjson" } };
    await expect((await openPages({}, () => answer)).plan("orders")).rejects.toMatchObject({
      what: expect.stringMatching(/the answer is not NDJSON: it is one JSON document/),
    });
    expect(await readUp(await openPages({ format: "json" }, () => answer))).toMatchObject({ ids: ids(3) });
  });
});

describe("a child", () => {
  const lines = (more: object = {}) => ({
    ...{ name: "lines", path: "orders/{parent.id}/lines", primaryKey: ["id"], parent: { resource: "orders" } },
    ...more,
  });

  it("keeps a member of its own that is called as one of its parent's", async () => {
    const api = await openPages(
      {},
      (_at, { pathname }) => ({
        body: pathname.endsWith("lines")
          ? [{ id: 10, _parent_id: "mine", _own_parent_id: "also mine", _parent_name: "x" }]
          : numbered(0, 1),
      }),
      { resources: [lines()] },
    );
    const batches = await api.read(await api.plan("lines"));
    const cells = ["_parent_id", "own_parent_id", "own_own_parent_id", "_parent_name"].map((column) =>
      cellsOf(batches, column),
    );
    expect(cells).toEqual([["1"], ["mine"], ["also mine"], ["x"]]);
  });

  it.each([404, 410])("whose second page answers with %i has no more, and that proves nothing", async (status) => {
    const paginator = { type: "page", start: 1, size: 10, sizeParam: "n" };
    const api = await openPages(
      {},
      (at, { pathname }) =>
        !pathname.endsWith("lines")
          ? { body: numbered(0, 1) }
          : at("page") > 1
            ? { status }
            : { body: numbered(0, 10) },
      { resources: [lines({ paginator, fields: { id: "bigint" }, additionalFields: "keep" })] },
    );
    expect(await readUp(api, {}, "lines")).toMatchObject({ ids: ids(10), error: null });
    expect(await readUp(api, { removes: true }, "lines")).toMatchObject({ error: { reasonCode: "config_invalid" } });
  });
});
