import { describe, expect, it, onTestFinished } from "vitest";
import { createSimulator } from "../simulator.ts";
import type { ShopSettings } from "./settings.ts";
import { createShop, FIRST_REFRESH_TOKEN, FROZEN, LOCKED, SHOP_APP, SHOP_TOKEN } from "./shopify.ts";

type Json = Record<string, unknown>;

async function openShop(settings: Partial<ShopSettings> = {}) {
  const shop = createShop({ bucket: { maximumAvailable: 2_000, restoreRate: 100_000 }, bulkSeconds: 0, ...settings });
  const simulator = await createSimulator([shop]);
  onTestFinished(() => simulator.close());
  async function ask(query: string, { token = SHOP_TOKEN, variables = {}, version = "2026-10" } = {}) {
    const response = await fetch(`${simulator.baseUrl("shopify")}/admin/api/${version}/graphql.json`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-shopify-access-token": token },
      body: JSON.stringify({ query, variables }),
    });
    const { data = null, errors = [], extensions = {} } = (await response.json()) as Json;
    return { response, data: data as never as Json, errors: errors as Json[], extensions: extensions as Json };
  }
  async function authorize(body: Record<string, string>) {
    const response = await fetch(`${simulator.baseUrl("shopify")}/admin/oauth/access_token`, {
      method: "POST",
      body: new URLSearchParams({ client_id: SHOP_APP.clientId, client_secret: SHOP_APP.clientSecret, ...body }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, string> };
  }
  return { shop, simulator, ask, authorize };
}

type OpenShop = Awaited<ReturnType<typeof openShop>>;

const at = (value: unknown, ...path: (string | number)[]): unknown =>
  path.reduce<unknown>((found, name) => Object(found)[name], value);

async function idsOf({ ask }: OpenShop, field: string, args: string): Promise<unknown[]> {
  const ids: unknown[] = [];
  for (let after: unknown = null; ; ) {
    const text = `query ($after: String) { ${field}(first: 50, after: $after, ${args}) { nodes { id } pageInfo { hasNextPage endCursor } } }`;
    const { data, errors } = await ask(text, { variables: { after } });
    expect(errors).toEqual([]);
    ids.push(...(at(data, field, "nodes") as Json[]).map(({ id }) => id));
    if (at(data, field, "pageInfo", "hasNextPage") !== true) return ids;
    after = at(data, field, "pageInfo", "endCursor");
  }
}

async function runBulk({ ask }: OpenShop, query: string) {
  const text = `mutation ($query: String!) { bulkOperationRunQuery(query: $query) { bulkOperation { id } userErrors { code message } } }`;
  const { data, errors } = await ask(text, { variables: { query } });
  const [refused] = (at(data, "bulkOperationRunQuery", "userErrors") ?? []) as Json[];
  return { id: at(data, "bulkOperationRunQuery", "bulkOperation", "id"), refused, errors };
}

async function look({ ask }: OpenShop, id: unknown): Promise<Json | null> {
  const fields = "status errorCode url partialDataUrl objectCount rootObjectCount";
  const { data } = await ask(`query ($id: ID!) { bulkOperation(id: $id) { ${fields} } }`, { variables: { id } });
  return data.bulkOperation as Json | null;
}

describe("the simulated shop", () => {
  it("lists each record once by pages, and those of a window with both ends", async () => {
    const shop = await openShop();
    const all = await idsOf(shop, "orders", "sortKey: UPDATED_AT");
    expect(new Set(all).size).toBe(210);
    const within = `sortKey: UPDATED_AT, query: "updated_at:>='2026-01-10T11:00:05Z' AND updated_at:<'2026-01-10T11:00:07Z'"`;
    expect(await idsOf(shop, "orders", within)).toHaveLength(14);
    const strictly = `query: "updated_at:>'2026-01-10T11:00:05Z' updated_at:<='2026-01-10T11:00:06Z'"`;
    expect(await idsOf(shop, "orders", strictly)).toHaveLength(7);
  });

  it("ignores a filter that a search does not know, and says so beside the answer", async () => {
    const { ask } = await openShop();
    const { data, extensions } = await ask(`{ locations(first: 5, query: "updated_at:>2030-01-01") { nodes { id } } }`);
    expect(at(data, "locations", "nodes")).toHaveLength(2);
    expect(at(extensions, "search", 0, "warnings", 0)).toMatchObject({ field: "updated_at", code: "invalid_field" });
  });

  it.each(["error", "end"] as const)("gives no more of a search than the cap: %s", async (pastCap) => {
    const { ask } = await openShop({ cap: 100, pastCap });
    const page = `query ($after: String) { orders(first: 100, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }`;
    const first = await ask(page);
    expect(at(first.data, "orders", "nodes")).toHaveLength(100);
    expect(at(first.data, "orders", "pageInfo", "hasNextPage")).toBe(pastCap === "error");
    const after = at(first.data, "orders", "pageInfo", "endCursor");
    const second = await ask(page, { variables: { after } });
    if (pastCap === "error") expect(second.errors).toHaveLength(1);
    else expect(at(second.data, "orders", "nodes")).toEqual([]);
  });

  it("shows a change in searches when the index has caught up, and by its id at once", async () => {
    const shop = await openShop({ searchLagSeconds: 60 });
    const { store, clock } = shop.simulator;
    clock.advance(1);
    store.put("Order", { ...store.rows("Order")[0], id: 1, name: "changed", updated_at: undefined });
    const changed = `query: "updated_at:>='2026-01-10T12:00:00Z'"`;
    expect(await idsOf(shop, "orders", changed)).toEqual([]);
    const { data } = await shop.ask(`{ order(id: "gid://shopify/Order/1") { name } }`);
    expect(data.order).toEqual({ name: "changed" });
    clock.advance(61);
    expect(await idsOf(shop, "orders", changed)).toEqual(["gid://shopify/Order/1"]);
  });

  it("moves an order's updatedAt when a line of it changes, and tells deletions by events", async () => {
    const shop = await openShop({ searchLagSeconds: 0 });
    const { store, clock } = shop.simulator;
    clock.advance(5);
    store.remove("LineItem", 700);
    expect(store.find("Order", 7)?.updated_at).toBe("2026-01-10T12:00:05Z");
    store.remove("Order", 9);
    expect(store.rows("LineItem").filter(({ order }) => order === 9)).toEqual([]);
    const { data } = await shop.ask(
      `{ events(first: 9, query: "action:destroy AND subject_type:ORDER") { nodes { ... on BasicEvent { subjectId } } } }`,
    );
    expect(at(data, "events", "nodes")).toEqual([{ subjectId: "gid://shopify/Order/9" }]);
  });

  it("throttles within a 200 when the points are used up, and refuses a query that costs too much", async () => {
    const { ask } = await openShop({ bucket: { maximumAvailable: 300, restoreRate: 0.001 } });
    const page = `{ orders(first: 200, query: "id:>1000") { nodes { id } } }`;
    const first = await ask(page);
    expect(first.extensions).toMatchObject({ cost: { requestedQueryCost: 202, actualQueryCost: 2 } });
    await ask(`{ orders(first: 200) { nodes { id } } }`);
    const throttled = await ask(page);
    expect(throttled.response.status).toBe(200);
    expect(throttled.errors).toMatchObject([{ extensions: { code: "THROTTLED" } }]);
    expect(throttled.extensions).toMatchObject({
      cost: { throttleStatus: { currentlyAvailable: expect.any(Number) } },
    });
    const dear = await ask(`{ orders(first: 200) { nodes { lineItems(first: 10) { nodes { id } } } } }`);
    expect(dear.errors).toMatchObject([{ extensions: { code: "MAX_COST_EXCEEDED", maxCost: 1_000 } }]);
  });

  it("denies a field without its scope, and leaves out orders of more than 60 days without a word", async () => {
    const shop = await openShop();
    shop.simulator.suffer({ revoke: "read_customers" });
    const { data, errors } = await shop.ask(`{ orders(first: 1) { nodes { id customer { id } } } }`);
    expect(at(data, "orders", "nodes", 0, "customer")).toBeNull();
    expect(errors).toMatchObject([{ path: ["orders", "nodes", 0, "customer"], extensions: { code: "ACCESS_DENIED" } }]);
    shop.simulator.suffer({ revoke: "read_all_orders" });
    expect(await idsOf(shop, "orders", "reverse: false")).toHaveLength(189);
  });

  it("gives access tokens that end, and refresh tokens that are good until their successor's access token is used", async () => {
    const { ask, authorize, simulator } = await openShop();
    const shopOf = (token: string) => ask("{ shop { name } }", { token });
    const renewal = { grant_type: "refresh_token", refresh_token: FIRST_REFRESH_TOKEN };
    const first = await authorize(renewal);
    const again = await authorize(renewal);
    expect([first.status, again.status]).toEqual([200, 200]);
    expect((await shopOf(String(again.body.access_token))).errors).toEqual([]);
    expect(await authorize(renewal)).toMatchObject({ status: 401, body: { error: "invalid_request" } });
    simulator.clock.advance(3_601);
    expect((await shopOf(String(again.body.access_token))).response.status).toBe(401);
    const next = await authorize({ grant_type: "refresh_token", refresh_token: String(again.body.refresh_token) });
    expect((await shopOf(String(next.body.access_token))).errors).toEqual([]);
  });

  it("runs bulk queries into a file on another host, with children anywhere in it", async () => {
    const shop = await openShop();
    const { id } = await runBulk(shop, "{ orders { edges { node { id lineItems { edges { node { id } } } } } } }");
    const done = await look(shop, id);
    expect(done).toMatchObject({ status: "COMPLETED", rootObjectCount: "210" });
    const file = String(done?.url);
    expect(new URL(file).host).not.toBe(new URL(shop.simulator.baseUrl("shopify")).host);
    const lines = (await (await fetch(file)).text()).trim().split("\n");
    expect(lines).toHaveLength(Number(done?.objectCount));
    const parsed = lines.map((line) => JSON.parse(line) as Json);
    const children = shop.simulator.store.rows("LineItem").length;
    expect(parsed.filter(({ __parentId: parent }) => parent !== undefined)).toHaveLength(children);
    const withToken = await fetch(file, { headers: { "x-shopify-access-token": SHOP_TOKEN } });
    expect(withToken.status).toBe(400);
    shop.shop.bulk().expire();
    expect(await look(shop, id)).toMatchObject({ status: "EXPIRED", url: null });
    expect((await fetch(file)).status).toBe(403);
  });

  it("has no file where there are no rows, and a partial one where it failed", async () => {
    const shop = await openShop({ bulkSeconds: null });
    const none = await runBulk(shop, `{ orders(query: "id:>99999") { edges { node { id } } } }`);
    await look(shop, none.id);
    shop.shop.bulk().finish();
    expect(await look(shop, none.id)).toMatchObject({ status: "COMPLETED", url: null, objectCount: "0" });
    const failed = await runBulk(shop, "{ orders { edges { node { id } } } }");
    await look(shop, failed.id);
    shop.shop.bulk().finish({ failed: "TIMEOUT", partial: true });
    const half = {
      errorCode: "TIMEOUT",
      url: null,
      objectCount: "105",
      partialDataUrl: expect.stringContaining("/bulk/"),
    };
    expect(await look(shop, failed.id)).toMatchObject({ status: "FAILED", ...half });
  });

  it("refuses a sixth bulk query, one that breaks the rules, and all of them where they are not enabled", async () => {
    const shop = await openShop({ bulkSeconds: null });
    const orders = "{ orders { edges { node { id } } } }";
    for (let n = 0; n < 5; n++) expect((await runBulk(shop, orders)).refused).toBeUndefined();
    expect((await runBulk(shop, orders)).refused).toMatchObject({ code: "LIMIT_REACHED" });
    shop.shop.bulk().lose();
    for (const wrong of [
      "{ shop { name } }",
      "{ orders { edges { node { id } } } products { edges { node { id } } } }",
      "{ orders { edges { node { name lineItems { edges { node { id } } } } } } }",
      "{ orders { edges { node { id refunds { id refundLineItems { edges { node { quantity } } } } } } } }",
    ])
      expect((await runBulk(shop, wrong)).refused, wrong).toMatchObject({ code: "INVALID" });
    shop.shop.settings.bulkEnabled = false;
    expect((await runBulk(shop, orders)).errors).toMatchObject([{ extensions: { code: "ACCESS_DENIED" } }]);
  });

  it("refuses everything where the shop is frozen or locked", async () => {
    const { ask, shop } = await openShop();
    for (const refusal of [FROZEN, LOCKED]) {
      shop.settings.refusal = refusal;
      expect((await ask("{ shop { name } }")).response.status).toBe(refusal.status);
    }
  });

  it("answers in the version that was asked for, or the oldest one that is left, and redirects from an alias", async () => {
    const { ask, simulator } = await openShop();
    const versionOf = async (version: string) =>
      (await ask("{ shop { name } }", { version })).response.headers.get("x-shopify-api-version");
    expect([await versionOf("2026-10"), await versionOf("2024-01")]).toEqual(["2026-10", "2026-01"]);
    const alias = `${simulator.filesUrl("shopify")}/admin/api/2026-10/graphql.json`;
    const response = await fetch(alias, { method: "POST", redirect: "manual" });
    expect(response.status).toBe(301);
    expect(response.headers.get("location")).toBe(`${simulator.baseUrl("shopify")}/admin/api/2026-10/graphql.json`);
  });
});
