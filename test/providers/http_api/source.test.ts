import { describe, expect, it } from "vitest";
import { TerminalError, TransientError } from "../../../core/errors.ts";
import type { RestServer } from "../../support/rest-server.ts";
import { cellsOf, knownFrom, openApi, rejectsOf } from "./open-api.ts";

const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
const numbered = (count: number) => Array.from({ length: count }, (_, i) => ({ id: i + 1, updated_at: at(i) }));
const ids = (from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, i) => String(from + i));
const orders = (count: number) => (server: RestServer) => void server.collections.set("orders", numbered(count));

const CURSOR = { type: "cursor", nextPath: "next", param: "cursor" };
const OFFSET = { type: "offset", limit: 20, totalPath: "total" };
const CHANGES = { cursorField: "updated_at", startParam: "updated_since", endParam: "updated_until" };
const thrown = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

describe("pages", () => {
  const config = { resources: [{ name: "orders", path: "cursor/orders", primaryKey: ["id"], paginator: CURSOR }] };

  it("a refused token begins the listing anew, since rows with a key may come twice", async () => {
    const api = await openApi(config, { prepare: orders(60) });
    const plan = await api.plan("orders");
    const [first] = await api.read(plan, { batchRows: 20, stopAfter: 1 });
    api.server.expireCursors();
    const rest = await api.read(plan, { batchRows: 20, checkpoint: first?.checkpoint ?? null });
    expect(cellsOf(rest, "id")).toEqual(ids(1, 60));
  });

  it("a refused token of rows without a key is an error that says what to do", async () => {
    const api = await openApi(config, { prepare: orders(60) });
    const plan = await api.plan("orders", { keyColumns: [] });
    const [first] = await api.read(plan, { batchRows: 20, stopAfter: 1 });
    api.server.expireCursors();
    const error = await thrown(api.read(plan, { checkpoint: first?.checkpoint ?? null }));
    expect(error).toBeInstanceOf(TerminalError);
    expect(error).toMatchObject({ reasonCode: "source_cursor_invalid", message: expect.stringMatching(/primaryKey/) });
  });

  it("a token that is refused again is an error, not a circle", async () => {
    const api = await openApi(config, { prepare: orders(60) });
    const plan = await api.plan("orders");
    api.server.interrupt(({ query }) => query.has("cursor"), { status: 400, body: { error: "no" } });
    expect(await thrown(api.read(plan))).toMatchObject({ reasonCode: "source_rejected_request" });
  });

  it("a source that ignores the paging parameters is found out", async () => {
    const paginator = { ...OFFSET, offsetParam: "skip", totalPath: undefined };
    const api = await openApi(
      { resources: [{ name: "orders", path: "offset/orders", paginator, additionalFields: "keep" }] },
      { prepare: orders(60) },
    );
    const error = await thrown(api.read(await api.plan("orders")));
    expect(error).toMatchObject({ reasonCode: "source_response_invalid", message: expect.stringMatching(/paginator/) });
  });

  it("a link to a foreign host is not followed", async () => {
    const api = await openApi(
      {
        resources: [
          {
            name: "orders",
            path: "link/orders",
            paginator: { type: "json_link", nextPath: "next" },
            additionalFields: "keep",
          },
        ],
      },
      { prepare: orders(60) },
    );
    const plan = await api.plan("orders");
    api.server.interrupt(() => true, {
      status: 200,
      body: { data: [{ id: 1 }], next: "http://169.254.169.254/latest" },
    });
    expect(await thrown(api.read(plan))).toMatchObject({ reasonCode: "source_address_refused" });
  });

  it("what was read before the source asks to wait is kept", async () => {
    const api = await openApi(config, { prepare: orders(60) });
    const plan = await api.plan("orders");
    const pages: string[] = [];
    api.server.interrupt(({ query }) => query.has("cursor") && pages.push("") > 1, {
      status: 429,
      headers: { "retry-after": "60" },
    });
    const batches = api.source.read({
      spec: plan.spec,
      window: { by: "none" },
      checkpoint: null,
      batchRows: 1000,
      batchBytes: 2 ** 30,
    });
    const first = await batches.next();
    expect(first.value).toMatchObject({ kind: "rows", final: false, rows: { length: 40 } });
    expect(await thrown(batches.next())).toMatchObject({ reasonCode: "source_rate_limited" });
  });

  it("an answer that breaks off in the middle is asked for again", async () => {
    const api = await openApi(config, { prepare: orders(60) });
    const plan = await api.plan("orders");
    api.server.cutOnce();
    expect(cellsOf(await api.read(plan), "id")).toEqual(ids(1, 60));
  });

  it("GraphQL: token in the body, nodes by path, errors inside 200", async () => {
    const api = await openApi(
      {
        resources: [
          {
            name: "orders",
            path: "graphql/orders",
            method: "POST",
            json: { query: "query($after: String) { list { edges { node { id } } } }", variables: { first: 20 } },
            idempotent: true,
            recordSelector: "data.list.edges[*].node",
            primaryKey: ["id"],
            paginator: {
              type: "cursor",
              nextPath: "data.list.pageInfo.endCursor",
              param: "variables.after",
              in: "body",
            },
            errorRules: [
              { status: 200, path: "errors", action: "fail", reasonCode: "source_cursor_invalid", message: "stale" },
            ],
          },
        ],
      },
      { prepare: orders(45) },
    );
    const plan = await api.plan("orders");
    const batches = await api.read(plan, { batchRows: 20 });
    expect(cellsOf(batches, "id")).toEqual(ids(1, 45));
    expect(api.server.requests.at(-1)?.body).toMatchObject({ variables: { first: 20, after: expect.any(String) } });
    api.server.expireCursors();
    // The rule says that the token is stale: the listing is read again.
    const again = await api.read(plan, { checkpoint: batches[0]?.checkpoint ?? null });
    expect(cellsOf(again, "id")).toEqual(ids(1, 45));
  });
});

describe("error rules", () => {
  const resource = (errorRules: object[]) => ({
    resources: [
      {
        name: "orders",
        path: "offset/orders",
        primaryKey: ["id"],
        paginator: OFFSET,
        additionalFields: "keep",
        errorRules,
      },
    ],
  });
  const second = ({ query }: { query: URLSearchParams }) => query.get("offset") === "20";

  it("retry a 200 that is none", async () => {
    const api = await openApi(resource([{ path: "error.code", equals: "BUSY", action: "retry", afterSeconds: 0 }]), {
      prepare: orders(30),
    });
    const plan = await api.plan("orders");
    api.server.interrupt(second, { status: 200, body: { error: { code: "BUSY" } } }, 2);
    expect(cellsOf(await api.read(plan), "id")).toHaveLength(30);
  });

  it("take an answer for an empty page, or for the end of the resource", async () => {
    const rules = [
      { status: 410, action: "ignore" },
      { contains: "no more", action: "stop_resource" },
    ];
    const [config] = resource(rules).resources;
    const uncounted = { resources: [{ ...config, paginator: { type: "offset", limit: 20 } }] };
    const api = await openApi(uncounted, { prepare: orders(60) });
    const plan = await api.plan("orders");
    const undo = api.server.interrupt(second, { status: 410, body: {} });
    expect(cellsOf(await api.read(plan), "id")).toHaveLength(20);
    undo();
    api.server.interrupt(second, { status: 404, body: { error: "no more" } });
    const batches = await api.read(plan);
    expect(cellsOf(batches, "id")).toHaveLength(20);
    expect(batches.at(-1)?.final).toBe(true);
  });

  it("fail with the reason that they give, in order", async () => {
    const api = await openApi(
      resource([
        {
          status: [400, 403],
          contains: "plan",
          action: "fail",
          reasonCode: "source_permission_denied",
          message: "Your plan has no API.",
        },
        { status: 403, action: "ignore" },
      ]),
      { prepare: orders(60) },
    );
    const plan = await api.plan("orders");
    api.server.interrupt(second, { status: 403, body: { error: "not in your plan" } });
    const error = await thrown(api.read(plan));
    expect(error).toBeInstanceOf(TerminalError);
    expect(error).toMatchObject({
      reasonCode: "source_permission_denied",
      message: expect.stringMatching(/Your plan has no API/),
    });
  });
});

describe("only what changed", () => {
  const resource = (more: object = {}, incremental: object = {}) => ({
    resources: [
      {
        name: "orders",
        path: "offset/orders",
        primaryKey: ["id"],
        paginator: OFFSET,
        incremental: { ...CHANGES, ...incremental },
        ...more,
      },
    ],
  });
  const changes = { scan: "incremental", cursorField: "updated_at" } as const;

  it("is asked for from the state on, inclusive and with lookback; the bound is the source's clock less the lag", async () => {
    const api = await openApi(resource(), { prepare: orders(60) });
    const plan = await api.plan("orders", { ...changes, cursorState: at(50), lookbackSeconds: 60 });
    expect(plan.slices.map(({ window }) => window)).toEqual([
      { by: "time", column: "updated_at", from: at(49), to: null },
    ]);
    expect(plan.evidence).toMatchObject({ by: "cursor", from: at(49), clock: "source", firstPage: 11 });
    expect(Date.now() - Date.parse(plan.upperBound ?? "")).toBeGreaterThanOrEqual(59_000);
    expect(cellsOf(await api.read(plan), "id")).toEqual(ids(50, 60));
  });

  it.each([
    ["iso8601", ":12:34.567Z", ":12:34.000Z"],
    ["epoch_s", ":12:34.567Z", ":12:34.000Z"],
    ["%Y-%m-%d %H:%M", ":12:34.567Z", ":12:00.000Z"],
  ])(
    "reads the unit of the state again, since a record may carry it without its fraction: %s",
    async (format, state, from) => {
      const api = await openApi(resource({}, { format }), { prepare: orders(1) });
      const plan = await api.plan("orders", { ...changes, cursorState: `2026-01-01T00${state}`, safetyLagSeconds: 0 });
      expect(plan.evidence).toMatchObject({ from: `2026-01-01T00${from}` });
      const unitMs = format.includes("%") ? 60_000 : 1_000;
      expect(Date.parse(plan.upperBound ?? "") % unitMs).toBe(0);
    },
  );

  it("is sifted here by what a cursor means, in whichever format", async () => {
    const changed = ["31/12/2025", "02/01/2026", "15/06/2025", "15/01/2026"];
    const api = await openApi(
      {
        resources: [
          {
            name: "orders",
            path: "all/orders",
            primaryKey: ["id"],
            incremental: { cursorField: "changed", format: "%d/%m/%Y" },
          },
        ],
      },
      {
        prepare: (server) =>
          server.collections.set(
            "orders",
            changed.map((text, i) => ({ id: i + 1, changed: text })),
          ),
      },
    );
    const plan = await api.plan("orders", {
      scan: "incremental",
      cursorField: "changed_instant",
      cursorState: "2025-12-31T00:00:00.000Z",
    });
    expect(plan.slices.map(({ window }) => window)).toMatchObject([{ by: "time", column: "changed_instant" }]);
    const batches = await api.read(plan);
    expect(cellsOf(batches, "changed")).toEqual(["31/12/2025", "02/01/2026", "15/01/2026"]);
    expect(cellsOf(batches, "changed_instant")[0]).toBe("2025-12-31T00:00:00.000000Z");
  });

  it("counts the bytes that the API sent", async () => {
    const api = await openApi(resource(), { prepare: orders(60) });
    const batches = await api.read(await api.plan("orders"));
    const bytes = batches.reduce((sum, batch) => sum + (batch.bytesRead ?? 0), 0);
    expect(bytes).toBeGreaterThan(JSON.stringify(numbered(60)).length);
  });

  it("never moves the cursor back, whatever the clocks say", async () => {
    const api = await openApi(resource(), { prepare: orders(1) });
    const plan = await api.plan("orders", { ...changes, cursorState: "2999-01-01T00:00:00.000Z" });
    expect(plan.upperBound).toBe("2999-01-01T00:00:00.000Z");
  });

  it("does not go beyond the present when the source's clock runs ahead", async () => {
    const api = await openApi(resource(), { prepare: orders(60) });
    const body = { data: numbered(3), total: 3 };
    api.server.interrupt(() => true, { status: 200, body, headers: { date: "Fri, 01 Jan 2999 00:00:00 GMT" } });
    const plan = await api.plan("orders", { ...changes, cursorState: at(1) });
    expect(Date.parse(plan.upperBound ?? "")).toBeLessThan(Date.now());
  });

  it("shows its fields also where neither the newest step nor the first one has a record", async () => {
    const day = 86_400_000;
    const daysAgo = (days: number) => new Date(Math.floor(Date.now() / day - days) * day).toISOString();
    const api = await openApi(resource({}, { initial: daysAgo(60), windowStep: "P7D" }), {
      prepare: (server) => server.collections.set("orders", [{ id: 1, note: "x", updated_at: daysAgo(30) }]),
    });
    const plan = await api.plan("orders", { cursorField: "updated_at" });
    expect(plan.spec.columns.map(({ name }) => name)).toContain("note");
  });

  it("is read step by step where the API allows no more at once, from any checkpoint", async () => {
    const steps = { initial: at(0), windowStep: "PT10M" };
    const api = await openApi(resource({}, steps), { prepare: orders(60) });
    const plan = await api.plan("orders", { cursorField: "updated_at" });
    api.server.requests.length = 0;
    const batches = await api.read(plan, { batchRows: 1, stopAfter: 4 });
    const windows = api.server.requests
      .filter(({ query }) => query.get("offset") === "0")
      .map(({ query }) => [query.get("updated_since"), query.get("updated_until")]);
    expect(windows).toEqual([
      [at(0), at(10)],
      [at(10), at(20)],
      [at(20), at(30)],
      [at(30), at(40)],
    ]);
    const rest = await api.read(
      { ...plan, slices: [] },
      {
        window: { by: "time", column: "updated_at", from: at(0), to: at(60) },
        checkpoint: batches[3]?.checkpoint ?? null,
      },
    );
    expect([...cellsOf(batches, "id"), ...cellsOf(rest, "id")]).toEqual(ids(1, 60));
  });

  it("is cut into windows that together are everything", async () => {
    const api = await openApi(resource({}, { initial: at(0) }), { prepare: orders(60) });
    const plan = await api.plan("orders", { cursorField: "updated_at", windows: true, windowSize: "P30D" });
    expect(plan.slices.length).toBeGreaterThan(5);
    expect(plan.slices.at(-1)?.window).toMatchObject({ to: null });
    expect(cellsOf(await api.read(plan), "id").sort()).toEqual(ids(1, 60).sort());
  });

  it("is sifted here where the API cannot be asked, and ends early where the newest come first", async () => {
    const api = await openApi(resource({}, { startParam: undefined, endParam: undefined, ordering: "desc" }), {
      prepare: (server) => server.collections.set("orders", numbered(200).reverse()),
    });
    const plan = await api.plan("orders", { ...changes, cursorState: at(190), windows: true });
    expect(plan.slices).toHaveLength(1);
    api.server.requests.length = 0;
    expect(cellsOf(await api.read(plan), "id").sort()).toEqual(ids(191, 200));
    expect(api.server.requests).toHaveLength(2);
  });

  it("does not end early where the newest come last, whatever is declared", async () => {
    const api = await openApi(resource({}, { startParam: undefined, endParam: undefined, ordering: "desc" }), {
      prepare: orders(200),
    });
    const plan = await api.plan("orders", { ...changes, cursorState: at(190) });
    expect(cellsOf(await api.read(plan), "id").sort()).toEqual(ids(191, 200));
  });

  it("of a number that is no time cannot have its windows replaced", async () => {
    const api = await openApi(resource({}, { cursorField: "id", startParam: undefined, endParam: undefined }), {
      prepare: orders(3),
    });
    const request = { ...changes, cursorField: "id", cursorState: at(2), removes: true };
    expect(await thrown(api.plan("orders", request))).toMatchObject({
      reasonCode: "config_invalid",
      message: expect.stringContaining("makes no time of numbers"),
    });
  });

  it.each([
    ["sifted here", { startParam: undefined, endParam: undefined }],
    ["asked for", {}],
  ])("with dates that is %s has the whole day, since a record may have changed at its end", async (_, incremental) => {
    const api = await openApi(resource({}, incremental), {
      prepare: (server) =>
        server.collections.set("orders", [
          { id: 1, updated_at: "2026-01-30" },
          { id: 2, updated_at: "2026-01-31" },
        ]),
    });
    const state = { ...changes, cursorField: "updated_at_instant", cursorState: "2026-01-31T14:00:00.000Z" };
    const plan = await api.plan("orders", state);
    expect(plan.evidence).toMatchObject({ from: "2026-01-31T00:00:00.000Z" });
    expect(cellsOf(await api.read(plan), "id")).toEqual(["2"]);
  });

  it.each([
    ["is asked for with both ends", {}],
    ["is sifted here where the API cannot be asked for its end", { endParam: undefined }],
    ["is sifted here where the API cannot be asked at all", { startParam: undefined, endParam: undefined }],
    ["ends early where the newest come first", { startParam: undefined, endParam: undefined, ordering: "desc" }],
  ])("a backfill's window %s", async (_, incremental) => {
    const descending = "ordering" in incremental;
    const api = await openApi(resource({}, incremental), {
      prepare: (server) => server.collections.set("orders", descending ? numbered(60).reverse() : numbered(60)),
    });
    const window = { cursorField: "updated_at", between: { from: at(10), to: at(20) } };
    const plan = await api.plan("orders", { ...window, cursorState: at(50), windows: true, windowSize: "PT4M" });
    expect(plan.slices.length).toBe(Object.keys(incremental).length === 0 ? 3 : 1);
    expect(plan.slices.at(-1)?.window).toMatchObject({ to: at(20) });
    expect(plan.upperBound).toBeNull();
    expect(cellsOf(await api.read(plan), "id").sort()).toEqual(ids(11, 20));
  });

  it("a backfill's window without an end is up to the present, and that of the future is empty", async () => {
    const api = await openApi(resource(), { prepare: orders(60) });
    const plan = await api.plan("orders", { cursorField: "updated_at", between: { from: at(50), to: null } });
    expect(plan.slices).toMatchObject([{ window: { to: expect.any(String) } }]);
    expect(cellsOf(await api.read(plan), "id")).toEqual(ids(51, 60));
    const later = await api.plan("orders", { cursorField: "updated_at", between: { from: "2999-01-01", to: null } });
    expect([later.slices, later.evidence.count]).toEqual([[], 0]);
  });

  it("gives nothing to do when the only page is empty, with the evidence", async () => {
    const api = await openApi(resource(), { prepare: orders(60) });
    const plan = await api.plan("orders", { ...changes, cursorState: at(61) });
    expect(plan.slices).toEqual([]);
    expect(plan.evidence).toMatchObject({ count: 0, from: at(61), clock: "source" });
  });

  it("a complete scan that is swapped in ends with what changed meanwhile", async () => {
    const api = await openApi(resource(), { prepare: orders(60) });
    const plan = await api.plan("orders", { cursorField: "updated_at", catchUp: true });
    expect(plan.slices.map(({ stage }) => stage)).toEqual([0, 1]);
    expect(plan.slices[1]?.window).toMatchObject({ by: "time", from: plan.upperBound, to: null });
  });

  it.each([
    ["another column than the config's as cursor", { cursorField: "id" }, "config_invalid", /updated_at/],
    [
      "a window of numbers",
      { cursorField: "updated_at", between: { from: "1", to: "2" } },
      "config_invalid",
      /instants/,
    ],
    ["a window of what has no cursor", { between: { from: "2026-01-01", to: null } }, "config_invalid", /incremental/],
    ["a state that is no instant", { ...changes, cursorState: "yesterday" }, "source_cursor_invalid", /full_refresh/],
  ])("refuses %s", async (_, request, reasonCode, message) => {
    const api = await openApi(resource(), { prepare: orders(1) });
    expect(await thrown(api.plan("orders", request))).toMatchObject({
      reasonCode,
      message: expect.stringMatching(message),
    });
  });

  it("the sync's own settings win: start and parameters", async () => {
    const api = await openApi(resource({ query: { status: "any", kind: "x" } }), {
      prepare: orders(60),
      sourceConfig: { resources: { orders: { initial: at(55), query: { status: "paid" } } } },
    });
    expect(cellsOf(await api.read(await api.plan("orders", { cursorField: "updated_at" })), "id")).toEqual(ids(56, 60));
    const { query } = api.server.requests.at(-1) ?? { query: new URLSearchParams() };
    expect([query.get("status"), query.get("kind")]).toEqual(["paid", "x"]);
  });

  it("settings for a resource that is not there are refused", async () => {
    const opening = openApi(resource(), { sourceConfig: { resources: { invoices: {} } } });
    expect(await thrown(opening)).toMatchObject({
      reasonCode: "config_invalid",
      message: expect.stringMatching(/invoices/),
    });
  });
});

describe("children", () => {
  const resources = [
    { name: "customers", path: "cursor/customers", primaryKey: ["id"], paginator: CURSOR },
    {
      name: "orders",
      path: "offset/customers/{parent.id}/orders",
      primaryKey: ["_parent_id", "id"],
      paginator: { ...OFFSET, limit: 3 },
      parent: { resource: "customers", fields: ["name"] },
    },
  ];
  /** 45 customers on three pages; customer n has n % 5 orders. */
  function shop(server: RestServer): void {
    server.collections.set(
      "customers",
      Array.from({ length: 45 }, (_, i) => ({ id: i + 1, name: `c${i + 1}`, updated_at: at(i) })),
    );
    const all = Array.from({ length: 45 }, (_, i) =>
      Array.from({ length: (i + 1) % 5 }, (_, n) => ({ id: n + 1, customers_id: i + 1, updated_at: at(n) })),
    );
    server.collections.set("orders", all.flat());
  }
  const keyColumns = ["_parent_id", "id"];
  const expected = Array.from({ length: 45 }, (_, i) =>
    Array.from({ length: (i + 1) % 5 }, (_, n) => `${i + 1}/${n + 1}`),
  ).flat();
  const pairs = (batches: Parameters<typeof cellsOf>[0]) => {
    const own = cellsOf(batches, "id");
    return cellsOf(batches, "_parent_id").map((parent, i) => `${parent}/${own[i]}`);
  };

  it("are read for each parent, with what they need of it; discovery says what they depend on", async () => {
    const api = await openApi({ resources }, { prepare: shop });
    const plan = await api.plan("orders", { keyColumns });
    const batches = await api.read(plan);
    expect(pairs(batches)).toEqual(expected);
    expect(cellsOf(batches, "_parent_name")[0]).toBe("c1");
    expect(batches.at(-1)?.final).toBe(true);
    const [found] = await api.source.discover(["orders"]);
    expect(found).toMatchObject({ dependsOn: ["customers"], primaryKeyColumns: keyColumns });
  });

  it("are asked for several parents at once, but come in order", async () => {
    const api = await openApi({ resources }, { prepare: shop });
    const plan = await api.plan("orders", { keyColumns });
    api.server.delayMs = 50;
    expect(pairs(await api.read(plan))).toEqual(expected);
    // `concurrency` is 4.
    expect(api.server.mostAtOnce).toBe(4);
  });

  it("go on from any checkpoint", async () => {
    const api = await openApi({ resources }, { prepare: shop });
    const plan = await api.plan("orders", { keyColumns });
    const batches = await api.read(plan, { batchRows: 1 });
    for (const [i, { checkpoint }] of batches.entries()) {
      if (i % 7 !== 0 && i < batches.length - 1) continue;
      const rest = await api.read(plan, { checkpoint });
      expect([...pairs(batches.slice(0, i + 1)), ...pairs(rest)], `after batch ${i + 1}`).toEqual(expected);
    }
  });

  it("go on at the same parent when its page has changed", async () => {
    const api = await openApi({ resources }, { prepare: shop });
    const plan = await api.plan("orders", { keyColumns });
    const [first] = await api.read(plan, { batchRows: 30, stopAfter: 1 });
    const customers = api.server.collections.get("customers") ?? [];
    customers.splice(2, 1);
    const rest = await api.read(plan, { checkpoint: first?.checkpoint ?? null });
    const all = new Set([...(first ? pairs([first]) : []), ...pairs(rest)]);
    expect([...all]).toEqual(expected);
  });

  it("without a key do not come twice when the parent where the read stopped is gone: an error says what to do", async () => {
    const keyless = resources.map((each) => ({ ...each, primaryKey: each.parent ? [] : each.primaryKey }));
    const api = await openApi({ resources: keyless }, { prepare: shop });
    const plan = await api.plan("orders", { keyColumns: [] });
    const [first] = await api.read(plan, { batchRows: 7, stopAfter: 1 });
    const customers = api.server.collections.get("customers") ?? [];
    customers.splice(0, 10);
    expect(await thrown(api.read(plan, { checkpoint: first?.checkpoint ?? null }))).toMatchObject({
      reasonCode: "source_cursor_invalid",
      message: expect.stringMatching(/primaryKey/),
    });
  });

  it("of a parent that is gone are skipped, or fail when they must not be missing", async () => {
    const gone = (request: { path: string }) => request.path.includes("/customers/7/");
    const answer = { status: 404, body: { error: "gone" } };
    const api = await openApi({ resources }, { prepare: shop });
    api.server.interrupt(gone, answer);
    expect(pairs(await api.read(await api.plan("orders", { keyColumns })))).toEqual(
      expected.filter((pair) => !pair.startsWith("7/")),
    );
    const strict = resources.map((each) =>
      each.parent ? { ...each, parent: { ...each.parent, missing: "fail" } } : each,
    );
    const other = await openApi({ resources: strict }, { prepare: shop });
    other.server.interrupt(gone, answer);
    const reading = other.plan("orders", { keyColumns }).then((plan) => other.read(plan));
    expect(await thrown(reading)).toMatchObject({ reasonCode: "source_resource_not_found" });
  });

  it("without a single parent there is nothing, and the cursor stays", async () => {
    const [customers, child] = resources;
    const api = await openApi(
      { resources: [{ ...customers }, { ...child, incremental: CHANGES }] },
      { prepare: (server) => server.collections.set("customers", []).set("orders", []) },
    );
    const plan = await api.plan("orders", {
      keyColumns,
      scan: "incremental",
      cursorField: "updated_at",
      cursorState: at(0),
    });
    expect(plan).toMatchObject({ slices: [], upperBound: at(0), evidence: { count: 0 } });
  });
});

describe("discovery", () => {
  it("keeps what an earlier plan inferred, and adds what is new", async () => {
    const config = { resources: [{ name: "orders", path: "all/orders", primaryKey: ["id"] }] };
    const api = await openApi(config, {
      prepare: (server) => server.collections.set("orders", [{ id: 1, zip: 12345 }]),
    });
    const plan = await api.plan("orders");
    api.server.collections.set("orders", [{ id: 1, zip: "00123", note: "new" }]);
    const other = await openApi(config, {
      prepare: (server) => server.collections.set("orders", [{ id: 1, zip: "00123", note: "new" }]),
    });
    const [found] = await other.source.discover(["orders"], knownFrom(plan));
    expect(found?.columns.map(({ name, type }) => [name, type])).toEqual([
      ["id", "bigint"],
      ["zip", "bigint"],
      ["note", "text"],
      ["_unmapped", "jsonb"],
    ]);
    const batches = await other.read(await other.plan("orders"));
    expect(batches[0]?.rows).toEqual([["1", null, "new", '{"zip":"00123"}']]);
    expect(rejectsOf(batches)).toEqual([]);
  });

  it("keeps a field whose column is not asked for with the others that have none, if those are asked for", async () => {
    const config = { resources: [{ name: "orders", path: "all/orders", primaryKey: ["id"] }] };
    const records = [{ id: 1, note: "a", extra: "x" }];
    const api = await openApi(config, { prepare: (server) => server.collections.set("orders", records) });
    const kept = await api.read(await api.plan("orders", { columns: ["id", "note", "_unmapped"] }));
    expect(kept[0]).toMatchObject({ columns: ["id", "note", "_unmapped"], rows: [["1", "a", '{"extra":"x"}']] });
    const left = await api.read(await api.plan("orders", { columns: ["id", "note"] }));
    expect(left[0]).toMatchObject({ columns: ["id", "note"], rows: [["1", "a"]] });
  });

  it("says which resource cannot be read, and reads the others", async () => {
    const api = await openApi(
      {
        resources: [
          { name: "orders", path: "all/orders" },
          { name: "invoices", path: "all/invoices" },
        ],
      },
      { prepare: orders(3) },
    );
    const [found, failed] = await api.source.discover(null);
    expect(found).toMatchObject({
      entityKey: "orders",
      loadMode: "replace",
      columns: [{ name: "id" }, { name: "updated_at" }, { name: "_unmapped" }],
    });
    expect(found?.failure).toBeUndefined();
    expect(failed).toMatchObject({ entityKey: "invoices", failure: { reasonCode: "source_resource_not_found" } });
  });

  it.each([
    [
      "a primaryKey that no record has",
      { primaryKey: ["uid"] },
      /primaryKey 'uid' has no value in all 3 records of orders .* id, updated_at/,
    ],
    [
      "a cursorField that no record has",
      { incremental: { cursorField: "changed" } },
      /cursorField 'changed' is missing .* id, updated_at/,
    ],
    [
      "a cursor that is no time",
      { incremental: { cursorField: "note" } },
      /'note' .* format iso8601\. Set incremental.cursorFormat/,
    ],
    [
      "a placeholder that no parent has",
      { path: "all/orders/{parent.uid}/refunds", parent: { resource: "good" } },
      /\{parent.uid\} is missing .* of good/,
    ],
    [
      "a recordSelector that leads nowhere",
      { path: "offset/orders", recordSelector: "items.list" },
      /no records at items.list: items has the members id, updated_at, note/,
    ],
    ["no usual place", { path: "whole" }, /its body has the members body of one, total\./],
  ])("refuses %s, says what there is, and finds the other resources", async (_, more, message) => {
    const resources = [
      { name: "orders", path: "all/orders", ...more },
      { name: "good", path: "all/orders", primaryKey: ["id"] },
    ];
    const api = await openApi(
      { resources },
      {
        prepare: (server) => {
          server.collections.set(
            "orders",
            numbered(3).map((record) => ({ ...record, note: "x" })),
          );
          server.interrupt(({ path }) => path === "/whole", { status: 200, body: { "body of one": {}, total: 1 } });
        },
      },
    );
    const [bad, good] = await api.source.discover(null);
    expect(bad?.failure).toBeInstanceOf(TerminalError);
    expect(bad?.failure?.message).toMatch(message);
    expect(good?.failure).toBeUndefined();
    expect(good?.columns.map(({ name }) => name)).toContain("id");
  });

  it("refuses a key that no record has also where nothing is sampled, before anything is loaded", async () => {
    const resources = [{ name: "orders", path: "all/orders", primaryKey: ["uid"], additionalFields: "keep" }];
    const api = await openApi({ resources }, { prepare: orders(3) });
    expect(await thrown(api.plan("orders", { keyColumns: ["uid"] }))).toMatchObject({ reasonCode: "config_invalid" });
  });

  it("rejects one odd record of a resource that was read before, instead of the whole resource", async () => {
    const resources = [{ name: "orders", path: "all/orders", primaryKey: ["id"] }];
    const api = await openApi({ resources }, { prepare: orders(3) });
    const plan = await api.plan("orders");
    const other = await openApi(
      { resources },
      { prepare: (server) => server.collections.set("orders", [{ note: "x" }]) },
    );
    const [found] = await other.source.discover(["orders"], knownFrom(plan));
    expect(found?.failure).toBeUndefined();
    expect(rejectsOf(await other.read(await other.plan("orders")))).toMatchObject([{ reason: "The key is empty." }]);
  });

  it("names a cursor that orders by what it means, and takes the one that people know for it", async () => {
    const incremental = { cursorField: "changed", format: "%d/%m/%Y" };
    const records = [{ id: 1, changed: "31/12/2025" }];
    const api = await openApi(
      { resources: [{ name: "orders", path: "all/orders", primaryKey: ["id"], incremental }] },
      { prepare: (server) => server.collections.set("orders", records) },
    );
    const [found] = await api.source.discover(["orders"]);
    expect(found?.cursorFields).toEqual(["changed_instant", "changed"]);
    expect(found?.cursorAliases?.get("changed")).toBe("changed_instant");
    expect(found?.slicing).toMatchObject({ by: "time", column: "changed_instant" });
  });

  it("gives every column the name that it had, also where types are inferred anew", async () => {
    const config = { resources: [{ name: "orders", path: "all/orders" }] };
    const open = (record: object) =>
      openApi(config, { prepare: (server) => server.collections.set("orders", [{ ...record }]) });
    const [first] = await (await open({ ID: "upper" })).source.discover(["orders"]);
    const named = new Map([["orders", { names: first?.columnNames ?? {} }]]);
    const [second] = await (await open({ id: "lower" })).source.discover(["orders"], new Map(), named);
    expect(second?.columns[0]?.name).toMatch(/^id_[0-9a-f]{8}$/);
    expect(second?.columnNames).toMatchObject({ "value:ID": "id", "value:id": second?.columns[0]?.name });
  });

  it("asks nothing where everything is declared", async () => {
    const api = await openApi({
      resources: [
        {
          name: "orders",
          path: "all/orders",
          fields: { id: "bigint" },
          additionalFields: "ignore",
          primaryKey: ["id"],
        },
      ],
    });
    const [found] = await api.source.discover(["orders"]);
    expect(found?.columns).toEqual([{ name: "id", type: "bigint", nullable: false }]);
    expect(api.server.requests).toEqual([]);
  });
});

describe("credentials", () => {
  const resources = [{ name: "orders", path: "all/orders", primaryKey: ["id"] }];

  it("a token that ends while running is renewed once, and the rotated refresh token is stored", async () => {
    const api = await openApi(
      {
        resources,
        auth: {
          type: "oauth2_refresh",
          tokenUrl: "http://here/oauth/token",
          clientId: "sluice",
          refreshTokenSecret: "refresh",
        },
      },
      {
        secrets: { refresh: "refresh-0" },
        prepare: (server) => {
          orders(3)(server);
          server.tokens.add("none yet");
        },
      },
    );
    const plan = await api.plan("orders");
    expect(api.shared.now.secrets).toEqual({ refresh: "refresh-1" });
    api.server.tokens = new Set(["another"]);
    expect(cellsOf(await api.read(plan), "id")).toEqual(ids(1, 3));
    expect(api.shared.now.secrets).toEqual({ refresh: "refresh-2" });
    expect(api.server.requests.filter(({ path }) => path === "/oauth/token")).toHaveLength(2);
  });

  it("a refresh token that is over says that the connection has to be made anew", async () => {
    const api = await openApi(
      {
        resources,
        auth: {
          type: "oauth2_refresh",
          tokenUrl: "http://here/oauth/token",
          clientId: "sluice",
          refreshTokenSecret: "refresh",
        },
      },
      { secrets: { refresh: "an-old-one" }, prepare: orders(3) },
    );
    const [check] = await api.source.check();
    expect(check).toMatchObject({ ok: false, fix: expect.stringMatching(/./) });
    expect(check?.message).not.toContain("an-old-one");
    expect(await thrown(api.plan("orders"))).toMatchObject({ reasonCode: "source_auth_expired" });
  });

  it.each([
    [{ type: "basic", username: "me", passwordSecret: "pw" }, `Basic ${Buffer.from("me:s3cret").toString("base64")}`],
    [{ type: "api_key", name: "Authorization", keySecret: "pw" }, "s3cret"],
    [{ type: "headers", headerSecrets: { Authorization: "pw" } }, "s3cret"],
    [{ type: "bearer", tokenSecret: "pw" }, "Bearer s3cret"],
  ])("%j is sent", async (auth, sent) => {
    const api = await openApi({ resources, auth }, { secrets: { pw: "s3cret" }, prepare: orders(3) });
    expect(await api.source.check()).toEqual([
      { name: "read", ok: true, message: expect.stringMatching(/3 records/), fix: "" },
    ]);
    expect(api.server.requests.at(-1)?.authorization).toBe(sent);
  });

  it("a secret that is not there is named, not guessed", async () => {
    const opening = openApi({ resources, auth: { type: "bearer", tokenSecret: "token" } });
    expect(await thrown(opening)).toMatchObject({
      reasonCode: "config_invalid",
      message: expect.stringMatching(/'token'/),
    });
  });
});

describe("a check", () => {
  it("names a resource that cannot be read, which the others do not suffer for", async () => {
    const api = await openApi(
      {
        resources: [
          { name: "invoices", path: "all/orders", recordSelector: "nowhere" },
          { name: "orders", path: "all/orders" },
        ],
      },
      { prepare: orders(3) },
    );
    expect(await api.source.check()).toMatchObject([
      { name: "read", ok: true },
      { name: "read invoices", ok: false, entityKey: "invoices", message: expect.stringMatching(/nowhere/) },
    ]);
  });

  it("says what is wrong with the address", async () => {
    const api = await openApi({
      baseUrl: "http://127.0.0.1:1",
      resources: [{ name: "orders", path: "orders" }],
      retry: { maxAttempts: 1 },
    });
    expect(await api.source.check()).toEqual([expect.objectContaining({ ok: false, fix: expect.stringMatching(/./) })]);
    expect(await thrown(api.source.discover(null))).toBeInstanceOf(TransientError);
  });
});
