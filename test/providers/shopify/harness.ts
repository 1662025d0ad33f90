import type { GraphqlColumn } from "../../../providers/lib/graphql/declaration.ts";
import { shopify, shopifyDeclaration } from "../../../providers/shopify/index.ts";
import { simulatedParts } from "../../simulators/harness-parts.ts";
import { putLine } from "../../simulators/shopify/fill.ts";
import type { ShopSettings } from "../../simulators/shopify/settings.ts";
import { createShop, SHOP_APP } from "../../simulators/shopify/shopify.ts";
import { type TruthColumn, truthOf } from "../../simulators/shopify/truth.ts";
import { createSimulator } from "../../simulators/simulator.ts";
import type { ProviderHarness } from "../conformance/harness.ts";
import { printRows } from "../print-rows.ts";

const TOKEN_ENDPOINT = "/admin/oauth/access_token";

/** Order 7 has more line items than a nested page. */
const ORDER = 7;

/** A shop, and a harness over it: orders with their line items, by client credentials. */
export async function openShop({ settings = {}, bulk }: { settings?: Partial<ShopSettings>; bulk: "auto" | "never" }) {
  // Shopify reserves less for a query than the sum that its documents describe: pages as small as that sum allows would make the suite slow.
  const points = { bucket: { maximumAvailable: 20_000, restoreRate: 20_000 }, maxQueryCost: 4_000 };
  const shop = createShop({ ...points, ...settings });
  const simulator = await createSimulator([shop]);
  const { store, clock, dice } = simulator;
  const parts = simulatedParts(simulator, { permission: "read_orders", free: [TOKEN_ENDPOINT] });
  const of = { shop, simulator, root: "orders" };

  const harness = {
    ...parts,
    budget: {
      spent: () => simulator.requests.filter(({ path, to }) => path !== TOKEN_ENDPOINT && to === "api").length,
    },
    provider: shopify as ProviderHarness["provider"],
    config: {
      ...{ shop: "simulated.myshopify.com", baseUrl: simulator.baseUrl("shopify"), bulk },
      auth: { type: "client_credentials", clientId: SHOP_APP.clientId },
    },
    secrets: { clientSecret: SHOP_APP.clientSecret },
    sourceConfig: {},
    invalidConfigs: [{ shop: "https://simulated.myshopify.com" }, { shop: "simulated.example.com" }, {}],
    wrongSecrets: { clientSecret: "wrong-secret" },
    entity: { entityKey: "orders", keyColumns: ["id"], cursorField: "updated_at" },
    oldestState: "2000-01-01T00:00:00Z",
    expectedRows: () => printRows(shopify, "orders", truthOf({ ...of, columns: columnsOf("orders") })),
    deletes: {
      async remove() {
        store.remove("Order", 11);
        clock.advance(3_600);
        return ["gid://shopify/Order/11"];
      },
    },
    children: {
      member: { entityKey: "order_line_items", keyColumns: ["id"] },
      parentColumns: ["order_id"],
      expectedRows() {
        const parentColumns = { order_id: { path: "id" }, order_updated_at: { path: "updatedAt" } };
        const below = { field: "lineItems", parentColumns };
        return printRows(
          shopify,
          "order_line_items",
          truthOf({ ...of, columns: columnsOf("order_line_items"), below }),
        );
      },
      async change() {
        clock.advance(5);
        store.remove("LineItem", ORDER * 100);
        putLine(store, dice, { id: ORDER * 100 + 50, order: ORDER });
        clock.advance(3_600);
        return [`gid://shopify/Order/${ORDER}`];
      },
      cut: () => simulator.play([{ beforeRequest: 3, kind: "cut_body" }]),
    },
  } satisfies ProviderHarness;
  return { shop, simulator, harness };
}

/** As the connector declares them, but for those that rows of a child have of their parent. */
export function columnsOf(entityKey: string): Record<string, TruthColumn> {
  const { resources } = shopifyDeclaration;
  const found = [...resources, ...resources.flatMap(({ children = [] }) => children)].find(
    (each) => each.entityKey === entityKey,
  );
  const columns: [string, GraphqlColumn][] = Object.entries(found?.columns ?? {});
  return Object.fromEntries(
    columns.flatMap(([name, column]) => {
      if (typeof column === "string") return [[name, { path: name }]];
      return column.parent === undefined ? [[name, { path: column.path ?? name, select: column.select }]] : [];
    }),
  );
}
