import { textOf } from "../lib/graphql/answer.ts";
import type { Ask } from "../lib/graphql/ask.ts";
import { isObject } from "../lib/http/json.ts";

/** https://shopify.dev/docs/api/admin-graphql/latest/objects/AppInstallation#field-AppInstallation.fields.accessScopes */
export const SCOPES = "query { currentAppInstallation { accessScopes { handle } } }";

/** Others that let an app read the same. */
const ALSO: Record<string, readonly string[]> = {
  read_content: ["read_online_store_pages"],
  read_companies: ["read_customers"],
  read_merchant_managed_fulfillment_orders: [
    "read_assigned_fulfillment_orders",
    "read_third_party_fulfillment_orders",
    "read_marketplace_fulfillment_orders",
  ],
};

/** Scopes that the app has been given. */
export interface Scopes {
  handles: ReadonlySet<string>;
  /** The version that the shop has answered with; null where it does not say. */
  apiVersion: string | null;
  has(scope: string | undefined): boolean;
}

/** @throws ProviderError where the token is refused, or the shop cannot be reached */
export async function readScopes(ask: Ask): Promise<Scopes> {
  const { data, response } = await ask({ doing: "the scopes of the app", query: SCOPES });
  const { currentAppInstallation: installation } = data;
  const list = isObject(installation) && Array.isArray(installation.accessScopes) ? installation.accessScopes : [];
  const handles = new Set(list.filter(isObject).map(({ handle }) => textOf(handle)));
  const hasOne = (scope: string): boolean => handles.has(scope) || handles.has(scope.replace(/^read_/, "write_"));
  return {
    handles,
    apiVersion: response.headers.get("x-shopify-api-version"),
    has: (scope) => scope === undefined || [scope, ...(ALSO[scope] ?? [])].some(hasOne),
  };
}
