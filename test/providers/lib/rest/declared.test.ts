import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { createRedactor } from "../../../../core/redact.ts";
import type { RowsBatch } from "../../../../providers/batch.ts";
import type { RestCursor, RestDeclaration, RestResource } from "../../../../providers/lib/rest/declaration.ts";
import { defineRestProvider } from "../../../../providers/lib/rest/define-rest-provider.ts";
import type { PlanRequest } from "../../../../providers/provider.ts";
import { createRestServer, type RestRecord } from "../../../support/rest-server.ts";
import { createSharedConnection, LOOPBACK_EGRESS } from "../../../support/shared-connection.ts";
import { FULL_SCAN } from "../../conformance/reader.ts";

const ORDERS: RestResource = {
  entityKey: "orders",
  displayName: "Orders",
  description: "What customers bought.",
  path: "all/orders",
  paginator: { type: "single" },
  columns: { id: "bigint", total: { type: "numeric", path: "total_price.amount" } },
  primaryKey: ["id"],
  sizeClass: "m",
};

const declare = (
  resource: Partial<RestResource> = {},
  more: Partial<RestDeclaration<{ baseUrl: string }, never>> = {},
) =>
  defineRestProvider({
    key: "redo",
    displayName: "Redo",
    connectionSchema: z.strictObject({ baseUrl: z.string() }),
    secrets: {},
    sourceInstanceKey: ({ baseUrl }) => baseUrl,
    api: ({ config: { baseUrl } }) => ({ baseUrl, auth: { type: "none" } }),
    resources: [{ ...ORDERS, ...resource }],
    ...more,
  });

/** Records as JSON text go over the wire as they are written here. */
async function read(
  provider: ReturnType<typeof declare>,
  records: string | RestRecord[],
  {
    sourceConfig = {},
    headers = {},
    ...changes
  }: Partial<PlanRequest> & { sourceConfig?: object; headers?: Record<string, string> } = {},
) {
  const server = await createRestServer();
  onTestFinished(() => server.close());
  if (typeof records === "string") server.interrupt(() => true, { status: 200, body: records, headers });
  else server.collections.set("orders", records);
  const source = await provider.connect({
    config: { baseUrl: server.baseUrl },
    sourceConfig: provider.sourceConfigSchema.parse(sourceConfig),
    ...{ secrets: {}, redactor: createRedactor(), shared: createSharedConnection(), egress: LOOPBACK_EGRESS },
    signal: new AbortController().signal,
  });
  onTestFinished(() => source.close());
  const [discovered] = await source.discover(["orders"]);
  const asked = server.requests.length;
  const plan = await source.plan({
    ...FULL_SCAN,
    entityKey: "orders",
    keyColumns: ["id"],
    cursorField: null,
    ...changes,
  });
  const batches: RowsBatch[] = [];
  for (const { window } of plan.slices)
    for await (const batch of source.read({
      spec: plan.spec,
      window,
      checkpoint: null,
      batchRows: 100,
      batchBytes: 1e6,
    }))
      if (batch.kind === "rows") batches.push(batch);
  const rows = batches.flatMap(({ columns, rows: cells }) =>
    [...cells].map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]]))),
  );
  return { server, plan, discovered, asked, rows, rejects: batches.flatMap(({ rejects = [] }) => rejects) };
}

describe("a declared resource", () => {
  it("has the same columns in catalog, discovery and plan, and discovery asks the API nothing", async () => {
    const provider = declare();
    const { discovered, asked, plan } = await read(provider, [{ id: 1, total_price: { amount: "1.5" } }]);
    expect(asked).toBe(0);
    const declared = provider.resources[0]?.columns?.map(({ name, type, nullable }) => ({ name, type, nullable }));
    expect(declared).toEqual([
      { name: "id", type: "bigint", nullable: false },
      { name: "total", type: "numeric", nullable: true },
      { name: "_unmapped", type: "jsonb", nullable: true },
    ]);
    expect(discovered?.columns).toEqual(declared);
    expect(plan.spec.columns).toEqual(declared);
    expect(provider.resources[0]).toMatchObject({ primaryKey: ["id"], loadMode: "upsert", cursorField: null });
  });

  it("says what its users can do where the vendor answers otherwise than documented, and by which answer", async () => {
    const paginator = { type: "cursor", nextPath: "next", param: "after" } as const;
    const answers: [Partial<RestResource>, string][] = [
      [{ records: "data.orders.nodes" }, '{"data":{"orders":null}}'],
      [{ records: "orders" }, '{"data":[]}'],
      [{ paginator, records: "orders" }, '{"orders":[{"id":1}],"next":{"not":"a token"}}'],
      [
        { paginator: { ...paginator, stopWhen: { path: "more", equals: false } }, records: "orders" },
        '{"orders":[{"id":1}],"next":"","more":true}',
      ],
    ];
    for (const [resource, body] of answers) {
      const error = await read(declare(resource), body, { headers: { "x-request-id": "req-17" } }).catch(
        (thrown) => thrown,
      );
      expect(error).toMatchObject({
        reasonCode: "source_response_invalid",
        fix: expect.stringMatching(/^Retry the run/),
      });
      expect(error.message).not.toMatch(/recordSelector|paginator|missingRecords/);
      expect(error.message, body).toMatch(/req-17|report it to the source/);
    }
  });

  it("keeps money and large numbers to the last digit, and the record as the vendor gave it", async () => {
    const record = '{"id":12345678901234567,"total_price":{"amount":19.90,"big":12345678901234567890.10},"more":[1.0]}';
    const { rows } = await read(declare({ keepRecord: true }), `[${record}]`);
    expect(rows).toEqual([{ id: "12345678901234567", total: "19.90", _record: record }]);
  });

  it("keeps fields without a column, unless the record is kept or they are ignored", async () => {
    const records = [{ id: 1, total_price: { amount: "1.5", currency: "EUR" }, note: "x" }];
    expect((await read(declare(), records)).rows[0]?._unmapped).toBe('{"total_price":{"currency":"EUR"},"note":"x"}');
    const { rows } = await read(declare({ otherFields: "ignore" }), records);
    expect(rows).toEqual([{ id: "1", total: "1.5" }]);
  });

  it("rejects a record whose value does not fit, or lacks what is required, and loads the others", async () => {
    const columns = { ...ORDERS.columns, status: { type: "text", required: true } };
    const { rows, rejects } = await read(declare({ columns }), [
      { id: 1, total_price: { amount: "1.5" }, status: "paid" },
      { id: 2, total_price: { amount: "a lot" }, status: "paid" },
      { id: 3, total_price: { amount: "2" } },
    ]);
    expect(rows.map(({ id }) => id)).toEqual(["1"]);
    expect(rejects.map(({ column, reason }) => [column, reason])).toEqual([
      ["total", "The value is no numeric."],
      ["status", "The value is missing."],
    ]);
  });

  it("ends a plan where no record has what rows need, with the vendor's own names", async () => {
    const columns = { ...ORDERS.columns, status: { type: "text", path: "state.name", required: true } };
    await expect(read(declare({ columns }), [{ id: 1, total_price: { amount: "1" } }])).rejects.toMatchObject({
      name: "TerminalError",
      reasonCode: "source_schema_breaking_change",
      what: "redo: orders: none of the first 1 records has 'state.name', of which its column status is made; they have the members id, total_price.",
    });
  });

  it("reads instants as the vendor writes them", async () => {
    const columns = {
      id: "bigint",
      sent: { type: "timestamptz", format: "epoch_ms" },
      day: { type: "timestamptz", format: "%d/%m/%Y" },
    };
    const { rows, rejects } = await read(declare({ columns, otherFields: "ignore" }), [
      { id: 1, sent: 1_767_225_600_123, day: "31/12/2025" },
      { id: 2, sent: "soon" },
    ]);
    expect(rows).toEqual([{ id: "1", sent: "2026-01-01T00:00:00.123000Z", day: "2025-12-31T00:00:00.000000Z" }]);
    expect(rejects).toEqual([expect.objectContaining({ reason: "The value is no time in the format epoch_ms." })]);
  });

  it("asks in steps with both bounds, from one step of its times earlier where the start is exclusive", async () => {
    const cursor: RestCursor = {
      column: "updated_at",
      precision: "PT1S",
      initial: "2026-01-01T00:00:00Z",
      step: "PT6H",
      from: { param: "after", operator: ">" },
      to: { param: "until", operator: "<=" },
    };
    const provider = declare({ cursor, columns: { ...ORDERS.columns, updated_at: "timestamptz" } });
    expect(provider.resources[0]).toMatchObject({
      cursorField: "updated_at",
      slicing: { by: "time", column: "updated_at", defaultWindow: "PT6H" },
    });
    const between = { from: "2026-01-01T00:00:00Z", to: "2026-01-01T12:00:00Z" };
    const { server, rows } = await read(
      provider,
      [
        { id: 1, total_price: {}, updated_at: "2025-12-31T23:59:59Z" },
        { id: 2, total_price: {}, updated_at: "2026-01-01T00:00:00Z" },
      ],
      { cursorField: "updated_at", between, windows: true },
    );
    const bounds = server.requests.map(({ query }) => [query.get("after"), query.get("until")]);
    expect(bounds.slice(-2)).toEqual([
      ["2025-12-31T23:59:59.000Z", "2026-01-01T05:59:59.000Z"],
      ["2026-01-01T05:59:59.000Z", "2026-01-01T11:59:59.000Z"],
    ]);
    // What the API gives besides, since it was asked from earlier on, is left out. (This one understands no bounds.)
    expect(rows.map(({ id }) => id)).not.toContain("1");
  });

  it("leaves out what a sync does not choose, and begins where the sync says", async () => {
    const provider = declare();
    const sourceConfig = { resources: { orders: { exclude: ["total"] } } };
    const { rows } = await read(provider, [{ id: 1, total_price: { amount: "1.5" } }], { sourceConfig });
    expect(JSON.stringify(rows)).not.toContain("1.5");
    expect(provider.sourceConfigSchema.safeParse({ resources: { nothing: {} } }).success).toBe(false);
    expect(provider.sourceConfigSchema.safeParse({ resources: { orders: { initial: "2026-01-01" } } }).success).toBe(
      false,
    );
  });

  it.each<[string, Partial<RestResource>]>([
    ["the key 'number' is none of its columns", { primaryKey: ["number"] }],
    ["column id has the unknown type money", { columns: { id: "money" } }],
    [
      "columns id and other are made of the same field id",
      { columns: { id: "bigint", other: { type: "text", path: "id" } } },
    ],
    ["the cursor 'changed' is none of its columns", { cursor: { column: "changed" } }],
    ["its cursor needs a precision", { cursor: { column: "id", from: { param: "a", operator: ">" } } }],
    ["cursor.lookback 'a day' is no ISO 8601 duration", { cursor: { column: "id", lookback: "a day" } }],
    ["steps need to begin somewhere", { cursor: { column: "id", step: "P1D" } }],
    ["its parent shops is not declared before it", { parent: { resource: "shops" } }],
    ["a placeholder names a parent, and there is none", { path: "shops/{parent.id}/orders" }],
    ["column id is of a parent, and there is none", { columns: { id: { type: "bigint", parent: "id" } } }],
  ])("that contradicts itself is found when it is loaded: %s", (message, resource) => {
    expect(() => declare(resource)).toThrow(`redo: resource orders: ${message}`);
  });
});

describe("a connector's own code", () => {
  it("wraps the source, and a flow of its own authenticates", async () => {
    const provider = declare(
      {},
      {
        api: ({ config: { baseUrl } }) => ({
          baseUrl,
          auth: {
            type: "own",
            load: async () => (await import("../../../../providers/lib/http/auth/fixed.ts")).bearerAuth("own-token"),
          },
        }),
        extend: (source) => ({ ...source, check: async () => [{ name: "own", ok: true, message: "Fine.", fix: "" }] }),
      },
    );
    const { server } = await read(provider, [{ id: 1, total_price: {} }]);
    expect(server.requests.map(({ authorization }) => authorization)).toContain("Bearer own-token");
  });
});
