import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { createRedactor } from "../../../../core/redact.ts";
import type { KeyRows, TablesBatch } from "../../../../providers/batch.ts";
import type { RestChild, RestResource } from "../../../../providers/lib/rest/declaration.ts";
import { defineRestProvider } from "../../../../providers/lib/rest/define-rest-provider.ts";
import type { PlanRequest } from "../../../../providers/provider.ts";
import { createRestServer, type SeenRequest } from "../../../support/rest-server.ts";
import { createSharedConnection, LOOPBACK_EGRESS } from "../../../support/shared-connection.ts";
import { FULL_SCAN } from "../../conformance/reader.ts";

const LINES: RestChild = {
  entityKey: "lines",
  displayName: "Lines",
  description: "What an order consists of.",
  path: "lines",
  columns: { order_id: { type: "bigint", parent: "id" }, id: "bigint", price: "numeric" },
  primaryKey: ["id"],
  otherFields: "ignore",
  sizeClass: "s",
};

const declare = (child: Partial<RestChild> = {}, resource: Partial<RestResource> = {}) =>
  defineRestProvider({
    key: "redo",
    displayName: "Redo",
    connectionSchema: z.strictObject({ baseUrl: z.string() }),
    secrets: {},
    sourceInstanceKey: ({ baseUrl }) => baseUrl,
    api: ({ config: { baseUrl } }) => ({ baseUrl, auth: { type: "none" } }),
    records: "data",
    paginator: { type: "cursor", nextPath: "next", param: "after" },
    resources: [
      {
        entityKey: "orders",
        displayName: "Orders",
        description: "What customers bought.",
        path: "orders",
        columns: { id: "bigint", total: "numeric" },
        primaryKey: ["id"],
        deleted: { path: "state", equals: "deleted" },
        children: [{ ...LINES, ...child }],
        sizeClass: "s",
        ...resource,
      },
    ],
  });

type Answer = string | number | object;

/** @param answers by path and query: records, a status, or JSON text as it goes over the wire */
async function read(
  provider: ReturnType<typeof declare>,
  answers: Record<string, Answer>,
  changes: Partial<PlanRequest> = {},
) {
  const server = await createRestServer();
  onTestFinished(() => server.close());
  const pathOf = ({ path, query }: SeenRequest) => `${path}${query.size === 0 ? "" : `?${query}`}`;
  for (const [path, answer] of Object.entries(answers)) {
    const status = typeof answer === "number" ? answer : 200;
    const body = Array.isArray(answer) ? { data: answer, next: null } : typeof answer === "number" ? {} : answer;
    server.interrupt((request) => pathOf(request) === path, { status, body }, 1_000);
  }
  const source = await provider.connect({
    config: { baseUrl: server.baseUrl },
    sourceConfig: { resources: {} },
    ...{ secrets: {}, redactor: createRedactor(), shared: createSharedConnection(), egress: LOOPBACK_EGRESS },
    signal: new AbortController().signal,
  });
  onTestFinished(() => source.close());
  const plan = await source.plan({
    ...{ ...FULL_SCAN, entityKey: "orders", keyColumns: ["id"], cursorField: null },
    members: [{ entityKey: "lines", keyColumns: ["id"] }],
    ...changes,
  });
  const batches: TablesBatch[] = [];
  for (const { window } of plan.slices)
    for await (const batch of source.read({
      ...{ spec: plan.spec, window, checkpoint: null, batchRows: 100_000, batchBytes: 1e9 },
    }))
      if (batch.kind === "tables") batches.push(batch);
  const tablesOf = (key: string) => batches.flatMap(({ tables }) => tables[key] ?? []);
  const cellsOf = (key: string) =>
    tablesOf(key).flatMap(({ columns, rows }) =>
      [...rows].map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]]))),
    );
  const listed = (key: string, what: "sets" | "deletes") =>
    tablesOf(key).flatMap((table) => [...((table[what] as KeyRows | undefined)?.rows ?? [])]);
  return {
    ...{ server, plan, batches, cellsOf, tablesOf },
    orders: cellsOf("orders").map(({ id }) => id),
    lines: cellsOf("lines").map(({ id }) => id),
    sets: listed("lines", "sets").map(([id]) => id),
    deletes: listed("orders", "deletes"),
    rejects: tablesOf("lines").flatMap(({ rejects = [] }) => rejects.map(({ column, reason }) => [column, reason])),
  };
}

describe("a table inside the records of a resource", () => {
  it("gets a row for each element, exact to the last digit, and a set for each parent, also for one without any", async () => {
    const provider = declare({ keepRecord: true, columns: { ...LINES.columns, price: "numeric" } });
    const text =
      '{"data":[{"id":1,"total":19.90,"lines":[{"id":11,"price":12345678901234567890.10}]},{"id":2,"total":0.10,"lines":[]},{"id":3,"total":1,"lines":null}],"next":null}';
    const { cellsOf, sets, batches } = await read(provider, { "/orders": text });
    expect(cellsOf("orders").map(({ total, _unmapped }) => [total, _unmapped])).toEqual([
      ["19.90", null],
      ["0.10", null],
      ["1", null],
    ]);
    expect(cellsOf("lines")).toEqual([
      {
        ...{ order_id: "1", id: "11", price: "12345678901234567890.10" },
        _record: '{"id":11,"price":12345678901234567890.10}',
      },
    ]);
    expect(sets).toEqual(["1", "2", "3"]);
    expect(batches.map(({ final }) => final)).toEqual([true]);
  });

  it("claims no set of a parent of which an element was rejected: its row would be deleted", async () => {
    const { lines, sets, rejects } = await read(declare(), {
      "/orders": [
        { id: 1, lines: [{ id: 11 }, { id: 12, price: "a lot" }] },
        { id: 2, lines: [{ id: 21 }] },
      ],
    });
    expect([lines, sets]).toEqual([["11", "21"], ["2"]]);
    expect(rejects).toEqual([["price", "The value is no numeric."]]);
  });

  it("takes a record without the list for a fault, and never for an empty list, unless it is declared so", async () => {
    const answers = { "/orders": [{ id: 1, lines: [{ id: 11 }] }, { id: 2 }] };
    const { orders, sets, rejects } = await read(declare(), answers);
    expect([orders, sets]).toEqual([["1", "2"], ["1"]]);
    expect(rejects).toEqual([[null, "The parent's record has no lines."]]);
    expect((await read(declare({ missingList: "empty" }), answers)).sets).toEqual(["1", "2"]);
    await expect(read(declare(), { "/orders": [{ id: 1, items: [] }] })).rejects.toMatchObject({
      reasonCode: "source_schema_breaking_change",
      what: "redo: lines: none of the first 1 records of orders has 'lines', of which it is made; they have the members id, items.",
    });
  });

  it("makes a deletion of a record that says it is deleted, and an empty set of its children", async () => {
    const { orders, lines, sets, deletes, tablesOf } = await read(declare(), {
      "/orders": [
        { id: 1, lines: [{ id: 11 }] },
        { id: 2, state: "deleted" },
        { id: 3, state: "open", lines: [] },
      ],
    });
    expect({ orders, lines, sets, deletes }).toEqual({
      ...{ orders: ["1", "3"], lines: ["11"], sets: ["1", "2", "3"] },
      deletes: [["2"]],
    });
    expect(tablesOf("orders")[0]?.deletes?.columns).toEqual(["id"]);
  });

  it("deletes elements that say they are deleted, also where the list is not whole", async () => {
    const more = { when: { path: "has_more" } };
    const { lines, sets, tablesOf } = await read(declare({ deleted: { path: "gone" }, more }), {
      "/orders": [{ id: 1, has_more: true, lines: [{ id: 11 }, { id: 12, gone: true }] }],
    });
    expect([lines, sets]).toEqual([["11"], []]);
    expect([...(tablesOf("lines")[0]?.deletes?.rows ?? [])]).toEqual([["12"]]);
  });

  const cut = { "/orders": [{ id: 1, count: 3, next_line: "t1", lines: [{ id: 11 }] }] };

  it("reads a list that is cut from where the record's part ends, in one batch with its parent", async () => {
    const more = { when: { path: "next_line" }, path: "orders/{parent.id}/lines", after: "next_line" };
    const { orders, lines, sets, batches, server } = await read(declare({ more }), {
      ...cut,
      "/orders/1/lines?after=t1": { data: [{ id: 12 }], next: "t2" },
      "/orders/1/lines?after=t2": [{ id: 13, price: "1.50" }],
    });
    expect([orders, lines, sets, batches.length]).toEqual([["1"], ["11", "12", "13"], ["1"], 1]);
    expect(server.requests.map(({ path }) => path).filter((path) => path.endsWith("lines"))).toHaveLength(2);
  });

  it("reads it from its start where the record has no token, and leaves out what the record has", async () => {
    const more = { when: { total: "count" }, path: "orders/{parent.id}/lines" };
    const { lines, sets } = await read(declare({ more }), {
      ...cut,
      "/orders/1/lines": [{ id: 11 }, { id: 12 }, { id: 13 }],
    });
    expect([lines, sets]).toEqual([["11", "12", "13"], ["1"]]);
  });

  it("reads it anew where its token is refused, and has no element twice", async () => {
    const more = { when: { path: "next_line" }, path: "orders/{parent.id}/lines", after: "next_line" };
    const { lines, sets } = await read(declare({ more }), {
      ...cut,
      "/orders/1/lines?after=t1": 410,
      "/orders/1/lines": [{ id: 12 }, { id: 13 }],
    });
    expect([lines, sets]).toEqual([["12", "13"], ["1"]]);
  });

  it("claims no set, and says so, where the rest is no longer found; where nothing lists it, no set alone", async () => {
    const listed = { when: { total: "count" }, path: "orders/{parent.id}/lines" };
    const gone = await read(declare({ more: listed }), { ...cut, "/orders/1/lines": 404 });
    expect([gone.orders, gone.lines, gone.sets]).toEqual([["1"], ["11"], []]);
    expect(gone.rejects).toEqual([
      [null, "The source no longer finds this parent, of which the record has only some."],
    ]);
    const unlisted = await read(declare({ more: { when: { total: "count" } } }), cut);
    expect([unlisted.orders, unlisted.lines, unlisted.sets, unlisted.rejects]).toEqual([["1"], ["11"], [], []]);
    const removing = read(declare({ more: { when: { total: "count" } } }), cut, { removes: true });
    await expect(removing).rejects.toMatchObject({ reasonCode: "config_invalid" });
  });

  it("puts two versions of a parent into two batches, so that each set is whole", async () => {
    const { batches } = await read(declare(), {
      "/orders": { data: [{ id: 1, lines: [{ id: 11 }, { id: 12 }] }], next: "b" },
      "/orders?after=b": [{ id: 1, lines: [{ id: 12 }] }],
    });
    expect(batches.map(({ tables: { lines } }) => [...(lines?.rows ?? [])].map(([, id]) => id))).toEqual([
      ["11", "12"],
      ["12"],
    ]);
  });

  it("is read without its parent's rows where the parent is not stored", async () => {
    const { batches, plan } = await read(
      declare(),
      { "/orders": [{ id: 1, lines: [{ id: 11 }] }] },
      { isStored: false },
    );
    expect(plan.spec.isStored).toBe(false);
    expect(batches.map(({ tables }) => Object.keys(tables))).toEqual([["lines"]]);
  });

  it("comes out of a large answer, which threads parse, as out of a small one", async () => {
    const note = "x".repeat(700);
    const orders = Array.from({ length: 1_500 }, (_, i) => ({
      ...{ id: i, note, state: i % 100 === 5 ? "deleted" : "open", count: i === 7 ? 3 : 2 },
      lines: [
        { id: 10 * i, price: "0.10" },
        { id: 10 * i + 1, price: i === 9 ? "a lot" : "2" },
      ],
    }));
    const more = { when: { total: "count" }, path: "orders/{parent.id}/lines" };
    const provider = declare({ more }, { otherFields: "ignore" });
    const rest = { "/orders/7/lines": [{ id: 70 }, { id: 71 }, { id: 72 }] };
    const large = await read(provider, { ...rest, "/orders": orders });
    const half = (from: number) => orders.slice(from, from + 500).map(({ note: _, ...order }) => order);
    const small = await read(provider, {
      ...rest,
      "/orders": { data: half(0), next: "b" },
      "/orders?after=b": { data: half(500), next: "c" },
      "/orders?after=c": half(1000),
    });
    const sorted = ({ orders: ids, lines, sets, deletes, rejects }: typeof large) => [
      ids,
      [...lines].sort(),
      sets.toSorted(),
      deletes,
      rejects,
    ];
    expect(large.orders).toHaveLength(1_485);
    expect(large.lines).toContain("72");
    expect(sorted(large)).toEqual(sorted(small));
  });

  it.each<[string, Partial<RestChild>, Partial<RestResource>]>([
    ["no column has its parent's id, which is of the parent's key", { columns: { id: "bigint" } }, {}],
    ["its parent has no key, by which", {}, { primaryKey: [] }],
    ["names no field of the parent", { more: { when: { total: "n" }, path: "lines" } }, {}],
    ["`more` has no path", { more: { when: { path: "next" }, after: "next" } }, {}],
    ["the key 'sku' is none of its columns", { primaryKey: ["sku"] }, {}],
  ])("is refused when it is loaded: %s", (message, child, resource) => {
    expect(() => declare(child, resource)).toThrow(message);
  });

  it("is replaced with its parent, of which no set tells that it is gone", () => {
    const modesOf = (provider: ReturnType<typeof declare>) => provider.resources.map(({ loadMode }) => loadMode);
    expect(modesOf(declare({}, { loadMode: "replace" }))).toEqual(["replace", "replace"]);
    expect(modesOf(declare({ loadMode: "upsert" }, { loadMode: "replace" }))).toEqual(["replace", "upsert"]);
    expect(modesOf(declare())).toEqual(["upsert", "upsert"]);
  });

  it("is in the catalog and found by discovery, which ask the API nothing", async () => {
    const provider = declare();
    expect(provider.resources.map(({ entityKey, childOf }) => [entityKey, childOf])).toEqual([
      ["orders", undefined],
      ["lines", "orders"],
    ]);
    const { server } = await read(provider, { "/orders": [{ id: 1, lines: [] }] });
    const source = await provider.connect({
      config: { baseUrl: server.baseUrl },
      sourceConfig: { resources: {} },
      ...{ secrets: {}, redactor: createRedactor(), shared: createSharedConnection(), egress: LOOPBACK_EGRESS },
      signal: new AbortController().signal,
    });
    onTestFinished(() => source.close());
    const asked = server.requests.length;
    const [found] = await source.discover(["lines"]);
    expect(found).toMatchObject({ childOf: "orders", primaryKeyColumns: ["id"], loadMode: "upsert", dependsOn: [] });
    expect(server.requests).toHaveLength(asked);
  });
});
