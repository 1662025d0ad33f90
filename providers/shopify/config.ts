import { z } from "zod";
import { httpUrl } from "../lib/config-fields.ts";
import type { SecretDeclaration } from "../provider.ts";

export const API_VERSION = "2026-10";
/** Shopify answers a version for a year, and for an older one in the oldest that is left. https://shopify.dev/docs/api/usage/versioning */
const OLDEST_VERSION = "2026-01";

const clientId = z.string().min(1).max(255).describe("The app's client id.");

const authSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("access_token").describe("A custom app's token that does not expire."),
  }),
  z.strictObject({
    type: z.literal("refresh_token").describe("An app with expiring tokens, of which Sluice renews the access token."),
    clientId,
  }),
  z.strictObject({
    type: z.literal("client_credentials").describe("An app of your own organisation."),
    clientId,
  }),
]);

/** Of a connection. */
export const shopifyConfigSchema = z.strictObject({
  shop: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*\.myshopify\.com$/, "must be the shop's own domain, such as example.myshopify.com")
    .describe("The shop's own domain, such as `example.myshopify.com`."),
  auth: authSchema.default({ type: "access_token" }).describe("How Sluice gets in."),
  apiVersion: z
    .string()
    .regex(/^\d{4}-(01|04|07|10)$/, "must be a version such as 2026-10")
    .refine((version) => version >= OLDEST_VERSION, {
      message: `Shopify does not answer versions before ${OLDEST_VERSION} any more: leave apiVersion out, or set it to ${API_VERSION}`,
    })
    .default(API_VERSION)
    .describe(
      `Version of the Admin API, ${OLDEST_VERSION} or newer. Sluice was tested against the default; an older one lacks some columns, such as \`sources\` of collections, which then have to be left out; 2026-01 has no \`inventory_levels\` and \`metaobjects\` as they are read here.`,
    ),
  bulk: z
    .enum(["auto", "never"])
    .default("auto")
    .describe(
      "`auto`: long windows are read by bulk operations where the shop allows them. `never`: everything is read page by page.",
    ),
  baseUrl: httpUrl.optional().describe("Address to use in place of `https://<shop>`, such as that of a proxy."),
});
export type ShopifyConfig = z.output<typeof shopifyConfigSchema>;
export type ShopifySecret = keyof typeof SHOPIFY_SECRETS;

export const SHOPIFY_SECRETS = {
  accessToken: {
    description: "Admin API access token (`shpat_...`). Needed where `auth.type` is `access_token`.",
    required: false,
  },
  clientSecret: {
    description: "The app's client secret. Needed unless `auth.type` is `access_token`.",
    required: false,
  },
  refreshToken: {
    description:
      "The app's refresh token for the shop. Needed where `auth.type` is `refresh_token`. Sluice replaces it with each renewal.",
    required: false,
  },
};

const SECRETS_OF_AUTH: Record<ShopifyConfig["auth"]["type"], ShopifySecret[]> = {
  access_token: ["accessToken"],
  refresh_token: ["clientSecret", "refreshToken"],
  client_credentials: ["clientSecret"],
};

/** Which of them the config needs. */
export function secretsOf({ auth }: ShopifyConfig): Record<string, SecretDeclaration> {
  return Object.fromEntries(
    SECRETS_OF_AUTH[auth.type].map((name) => [name, { ...SHOPIFY_SECRETS[name], required: true }]),
  );
}

export function originOf({ shop, baseUrl }: Pick<ShopifyConfig, "shop" | "baseUrl">): string {
  return (baseUrl ?? `https://${shop}`).replace(/\/+$/, "");
}
