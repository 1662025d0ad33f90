import { inject } from "vitest";
import { findProvider } from "../../../providers/index.ts";
import { withClient } from "../../support/postgres.ts";
import { createRestServer } from "../../support/rest-server.ts";
import { describeProvider } from "../conformance.ts";

/** 210 records, seven of each instant, so that instants stand on both sides of every page's edge. */
const ORDERS = Array.from({ length: 210 }, (_, n) => ({
  id: n + 1,
  note: `a\tb\n\\"${n}`.repeat(20),
  amount: n / 4,
  tags: ["x", null, n],
  paid: n % 2 === 0,
  updated_at: new Date(Date.UTC(2026, 0, 1, 10, 0, Math.floor(n / 7))).toISOString(),
}));

/** Rows as Postgres prints them, made of the JSON by Postgres itself. */
const EXPECTED = `
  select r::text as row
  from jsonb_to_recordset($1::jsonb) as r
    (id bigint, note text, amount numeric, tags jsonb, paid boolean, updated_at timestamptz, _unmapped jsonb)`;

/** Every paginator has to pass. */
const PAGINATORS = {
  json_link: { path: "link/orders", paginator: { type: "json_link", nextPath: "next" } },
  header_link: { path: "header/orders", paginator: { type: "header_link" } },
  cursor: { path: "cursor/orders", paginator: { type: "cursor", nextPath: "next", param: "cursor" } },
  offset: { path: "offset/orders", paginator: { type: "offset", limit: 20, totalPath: "total" } },
  page: { path: "page/orders", paginator: { type: "page", totalPagesPath: "pages" } },
  keyset: {
    path: "keyset/orders",
    paginator: { type: "keyset", field: "id", param: "after", stopWhen: { path: "has_more", equals: false } },
  },
};

for (const [name, paging] of Object.entries(PAGINATORS)) {
  describeProvider(`http_api, paged by ${name}`, ["cursor", "credentials", "stall", "throttle"], async () => {
    const provider = findProvider("http_api");
    if (provider === null) throw new Error("no http_api provider");
    const server = await createRestServer();
    server.collections.set("orders", ORDERS);
    server.tokens.add("right-token");
    const resource = {
      name: "orders",
      ...paging,
      primaryKey: ["id"],
      incremental: { cursorField: "updated_at", startParam: "updated_since", endParam: "updated_until" },
    };
    const config = {
      baseUrl: server.baseUrl,
      auth: { type: "bearer", tokenSecret: "token" },
      resources: [resource],
    };
    return {
      provider,
      config,
      secrets: { token: "right-token" },
      sourceConfig: {},
      invalidConfigs: [
        {},
        { ...config, baseUrl: "ftp://example.com" },
        { ...config, auth: { type: "bearer", token: "right-token" } },
        { ...config, resources: [] },
        { ...config, resources: [resource, resource] },
        { ...config, resources: [{ ...resource, parent: { resource: "nobody" } }] },
        { ...config, resources: [{ ...resource, json: {} }] },
        { ...config, resources: [{ ...resource, loadMode: "upsert", primaryKey: [] }] },
      ],
      wrongSecrets: { token: "wrong-token" },
      entity: { entityKey: "orders", keyColumns: ["id"], cursorField: "updated_at" },
      oldestState: "2000-01-01T00:00:00.000Z",
      expectedRows: () =>
        withClient(inject("postgresUrl"), async (client) => {
          await client.query("set timezone = 'UTC'");
          const { rows } = await client.query<{ row: string }>(EXPECTED, [JSON.stringify(ORDERS)]);
          return rows.map(({ row }) => row);
        }),
      stall: () => server.stall(),
      throttle: async () => {
        const undo = server.interrupt(() => true, { status: 429, headers: { "retry-after": "30" } });
        return async () => undo();
      },
      close: () => server.close(),
    };
  });
}
