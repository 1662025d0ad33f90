import { describe, expect, it } from "vitest";
import { shopify } from "../../../providers/shopify/index.ts";
import { ALL_SCOPES } from "../../simulators/shopify/relations.ts";
import { FIRST_REFRESH_TOKEN, SHOP_APP } from "../../simulators/shopify/shopify.ts";
import { openShop, tableOf } from "./shop.ts";

describe("ways in", () => {
  it.each([
    ["access_token", ["accessToken"]],
    ["refresh_token", ["clientSecret", "refreshToken"]],
    ["client_credentials", ["clientSecret"]],
  ] as const)("%s needs its own secrets when the connection is made", (type, names) => {
    const auth = { type, ...(type === "access_token" ? {} : { clientId: "id" }) };
    const config = shopify.connectionSchema.parse({ shop: "a.myshopify.com", auth });
    const needed = Object.entries(shopify.secretsOf?.(config) ?? {}).filter(([, { required }]) => required);
    expect(needed.map(([name]) => name)).toEqual(names);
  });

  it.each([
    ["a refresh token that changes with each use", "refresh_token", { refreshToken: FIRST_REFRESH_TOKEN }],
    ["client credentials", "client_credentials", {}],
  ])("%s, also when the access token is refused", async (_, type, secrets) => {
    const opened = await openShop({
      config: { auth: { type, clientId: SHOP_APP.clientId } },
      secrets: { clientSecret: SHOP_APP.clientSecret, ...secrets },
    });
    const planned = await opened.plan("locations");
    opened.simulator.suffer("expire_token");
    expect(tableOf(await opened.read(planned), "locations", true).rows).toHaveLength(3);
  });

  it("follows a shop's other domain to its real name, once", async () => {
    const opened = await openShop({ config: ({ filesUrl }) => ({ baseUrl: filesUrl("shopify") }) });
    const found = await opened.read(await opened.plan("orders"));
    expect(tableOf(found, "orders").ids).toHaveLength(210);
    expect(
      opened.simulator.requests.filter(({ to, path }) => to === "files" && path.endsWith("graphql.json")),
    ).toHaveLength(1);
  });

  it("reads what the scopes allow, and names the one that is missing", async () => {
    const opened = await openShop({ settings: { scopes: ALL_SCOPES.filter((scope) => scope !== "read_customers") } });
    const [orders, customers] = await opened.source.discover(["orders", "customers"]);
    expect(orders?.failure).toBeUndefined();
    expect(customers?.failure).toMatchObject({
      reasonCode: "source_permission_denied",
      fix: expect.stringContaining("read_customers"),
    });
  });

  it.each(["auto", "never"])(
    "reads orders without the ids of what the app may not see, and says so: %s",
    async (bulk) => {
      const scopes = ["read_orders", "read_all_orders", "read_returns"];
      const opened = await openShop({ config: { bulk }, settings: { scopes } });
      const found = await opened.read(
        await opened.plan("orders", { children: ["order_line_items", "order_fulfillments"] }),
      );
      const { ids, rows } = tableOf(found, "orders");
      expect(ids).toHaveLength(210);
      // What was not asked for is not empty: the table keeps what it has.
      expect(Object.keys(rows[0] ?? {})).not.toContain("customer_id");
      expect(Object.keys(rows[0] ?? {})).toContain("email");
      expect(found.warnings).toEqual([
        expect.stringMatching(/orders\.customer_id \(read_customers\).*order_line_items\.product_id \(read_products\)/),
      ]);
    },
  );

  it("has no column with ids that the app may not see inside, also where only later pages have such objects", async () => {
    const opened = await openShop({ settings: { scopes: ALL_SCOPES.filter((scope) => scope !== "read_locations") } });
    const { store } = opened.simulator;
    for (const table of ["Refund", "Fulfillment"])
      for (const { id, order } of store.rows(table)) if (Number(order) < 120) store.remove(table, id);
    opened.simulator.clock.advance(60);
    for (const order of store.rows("Order"))
      if (order.id >= 120) store.put("Order", { ...order, updated_at: undefined });
    opened.simulator.clock.advance(3_600);
    const children = ["order_refunds", "order_fulfillments"];
    const found = await opened.read(await opened.plan("orders", { children, columns: ["id", "updated_at"] }));
    expect(tableOf(found, "orders").ids).toHaveLength(210);
    const { rows } = tableOf(found, "order_refunds");
    expect(rows).toHaveLength(store.rows("Refund").length);
    expect(Object.keys(rows[0] ?? {})).not.toContain("refund_line_items");
    expect(found.warnings).toEqual([
      expect.stringMatching(/order_refunds\.refund_line_items \(read_locations\), order_fulfillments\.location_id/),
    ]);
  });

  it("checks token, version, scopes and bulk operations, each with what to do", async () => {
    const all = await openShop({ config: { bulk: "auto" } });
    expect((await all.source.check()).map(({ name, ok }) => [name, ok])).toEqual([
      ["token", true],
      ["API version", true],
      ["bulk operations", true],
    ]);
    const some = await openShop({
      config: { bulk: "auto" },
      settings: { answeredVersion: "2027-01", bulkEnabled: false, scopes: ["read_orders", "read_products"] },
    });
    const checks = await some.source.check();
    expect(checks.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(
      expect.arrayContaining(["API version", "scope read_customers", "scope read_locations"]),
    );
    expect(checks.find(({ name }) => name === "scope read_all_orders")).toMatchObject({
      ok: true,
      message: expect.stringContaining("60 days"),
      fix: expect.stringContaining("read_all_orders"),
    });
    expect(checks.find(({ name }) => name === "bulk operations")).toMatchObject({
      ok: true,
      fix: expect.stringContaining("Partner Dashboard"),
    });
    for (const { ok, fix } of checks) if (!ok) expect(fix).not.toBe("");
  });

  it("refuses an API version that Shopify answers no more, with what to set", () => {
    const parsed = shopify.connectionSchema.safeParse({ shop: "a.myshopify.com", apiVersion: "2025-10" });
    expect(parsed.error?.issues).toMatchObject([
      { path: ["apiVersion"], message: expect.stringContaining("set it to 2026-10") },
    ]);
    expect(shopify.connectionSchema.safeParse({ shop: "a.myshopify.com", apiVersion: "2026-01" }).success).toBe(true);
  });

  it("says once in the run that the shop answers another API version than it was asked for", async () => {
    const opened = await openShop({ settings: { answeredVersion: "2027-01" } });
    const found = await opened.read(await opened.plan("locations"));
    expect(found.warnings).toEqual([expect.stringMatching(/version 2027-01.*2026-10 was asked for.*Set apiVersion/)]);
    expect(tableOf(found, "locations", true).rows).toHaveLength(3);
  });

  it("says in the run that older orders are left out", async () => {
    const opened = await openShop({ settings: { scopes: ALL_SCOPES.filter((scope) => scope !== "read_all_orders") } });
    const found = await opened.read(await opened.plan("orders"));
    expect(found.warnings).toEqual([expect.stringMatching(/60 days.*read_all_orders/)]);
    expect(tableOf(found, "orders").ids.length).toBeLessThan(210);
  });

  it("refuses a token that the app does not have, with what to do", async () => {
    const opened = await openShop({ secrets: { accessToken: "shpat_wrong" } });
    expect(await opened.source.check()).toMatchObject([{ name: "token", ok: false, fix: expect.stringMatching(/./) }]);
  });
});
