import type { GraphqlDeclaration } from "../lib/graphql/declaration.ts";
import { defineGraphqlProvider } from "../lib/graphql/define-graphql-provider.ts";
import type { RestApi } from "../lib/rest/declaration.ts";
import { BULK } from "./bulk.ts";
import {
  originOf,
  SHOPIFY_SECRETS,
  type ShopifyConfig,
  type ShopifySecret,
  secretsOf,
  shopifyConfigSchema,
} from "./config.ts";
import { COST, judge, STATUSES } from "./judge.ts";
import { ADMIN } from "./resources/admin.ts";
import { COMPANIES } from "./resources/companies.ts";
import { CONTENT } from "./resources/content.ts";
import { customers } from "./resources/customers.ts";
import { DELETIONS, deletions } from "./resources/deletions.ts";
import { inventoryItems, locations } from "./resources/inventory.ts";
import { MARKETS } from "./resources/markets.ts";
import { metaobjectDefinitions } from "./resources/metaobjects.ts";
import { orders } from "./resources/orders.ts";
import { PAYMENTS } from "./resources/payments.ts";
import { collections, products } from "./resources/products.ts";
import { publications } from "./resources/publications.ts";
import {
  abandonedCheckouts,
  discounts,
  draftOrders,
  fulfillmentOrders,
  giftCards,
  tenderTransactions,
} from "./resources/sales.ts";
import { shop, shopMetafields } from "./resources/shop.ts";
import { SUBSCRIPTIONS } from "./resources/subscriptions.ts";
import { variantDetails } from "./resources/variants.ts";
import { otherVersion } from "./version.ts";

/** https://shopify.dev/docs/api/admin-graphql */
export const shopifyDeclaration: GraphqlDeclaration<ShopifyConfig, ShopifySecret> = {
  key: "shopify",
  displayName: "Shopify",
  connectionSchema: shopifyConfigSchema,
  secrets: SHOPIFY_SECRETS,
  secretsOf,
  sourceInstanceKey: ({ shop }) => shop,
  addressOf: ({ shop, baseUrl = null, auth }) => ({ shop, baseUrl, auth }),
  // Shopify counts an app in a shop. Of a static token nobody knows whose app it is.
  limitsSharedBy: ["shop", "auth.clientId"],
  endpoint: "graphql.json",
  api: ({ config, secret }) => ({
    baseUrl: `${originOf(config)}/admin/api/${config.apiVersion}`,
    auth: authOf(config, secret),
    // A shop's other domains redirect to this one.
    allowedHosts: [config.baseUrl === undefined ? "*.myshopify.com" : new URL(config.baseUrl).hostname],
    timeoutMs: 60_000,
  }),
  search: ({ term, start, end, terms }) => {
    const all = [
      ...(terms === null ? [] : [terms]),
      ...(term === null || start === null ? [] : [`${term}:>='${start}'`]),
      ...(term === null || end === null ? [] : [`${term}:<'${end}'`]),
    ];
    return all.length === 0 ? null : all.join(" AND ");
  },
  judge,
  statuses: STATUSES,
  notice(headers, { apiVersion }) {
    const other = otherVersion(apiVersion, headers.get("x-shopify-api-version"));
    return other === null ? null : `${other.message} ${other.fix}`;
  },
  cost: COST,
  mostRecords: 25_000,
  deletions: DELETIONS,
  exports: BULK,
  resources: [
    orders,
    products,
    locations,
    inventoryItems,
    customers,
    collections,
    fulfillmentOrders,
    draftOrders,
    discounts,
    giftCards,
    abandonedCheckouts,
    tenderTransactions,
    ...PAYMENTS,
    ...[shop, shopMetafields, variantDetails, metaobjectDefinitions, publications],
    ...[...CONTENT, ...MARKETS, ...COMPANIES, ...SUBSCRIPTIONS, ...ADMIN],
    deletions,
  ],
  extend: async (source, tools) => {
    const { extendShopify } = await import("./source.ts");
    return extendShopify(source, tools);
  },
};

export const shopify = defineGraphqlProvider(shopifyDeclaration);

const show = (token: string) => ({ headers: { "x-shopify-access-token": token }, query: [] });

/** https://shopify.dev/docs/apps/build/authentication-authorization */
function authOf(config: ShopifyConfig, secret: (name: ShopifySecret) => string): RestApi["auth"] {
  const { auth } = config;
  if (auth.type === "access_token") {
    return { type: "header", name: "x-shopify-access-token", value: secret("accessToken") };
  }
  const client = {
    tokenUrl: `${originOf(config)}/admin/oauth/access_token`,
    clientId: auth.clientId,
    clientSecret: secret("clientSecret"),
    sendIn: "body" as const,
    show,
  };
  if (auth.type === "client_credentials") return { type: "oauth2_client_credentials", ...client };
  const refreshToken = { name: "refreshToken", value: secret("refreshToken") };
  return { type: "oauth2_refresh", ...client, refreshToken };
}
