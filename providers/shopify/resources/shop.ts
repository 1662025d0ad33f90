import type { GraphqlResource } from "../../lib/graphql/declaration.ts";
import { fields, ID, objects } from "../columns.ts";
import { METAFIELD } from "./metafields.ts";

export const shop: GraphqlResource = {
  entityKey: "shop",
  displayName: "Shop",
  description: "The shop itself: one row.",
  root: "shop",
  isSingle: true,
  type: "Shop",
  columns: {
    ...ID,
    ...fields("text", "name email contactEmail shopOwnerName description myshopifyDomain url"),
    primary_domain: { type: "text", path: "primaryDomain.host" },
    ...fields("text", "currencyCode ianaTimezone timezoneAbbreviation timezoneOffset unitSystem weightUnit"),
    plan: { type: "text", path: "plan.publicDisplayName" },
    is_shopify_plus: { type: "boolean", path: "plan.shopifyPlus" },
    ...fields("boolean", "taxesIncluded taxShipping setupRequired"),
    ...fields("jsonb", "enabledPresentmentCurrencies shipsToCountries"),
    ...objects({ shopAddress: "company address1 address2 city province provinceCode country countryCodeV2 zip phone" }),
    ...fields("timestamptz", "createdAt updatedAt"),
  },
  primaryKey: ["id"],
  pageSize: 1,
  loadMode: "replace",
  sizeClass: "xs",
};

export const shopMetafields: GraphqlResource = {
  entityKey: "shop_metafields",
  displayName: "Shop metafields",
  description: "What apps and the merchant have added to the shop. Read as a whole.",
  root: "metafields",
  within: "shop",
  isSearchable: false,
  type: "Metafield",
  columns: METAFIELD,
  primaryKey: ["id"],
  pageSize: 250,
  loadMode: "replace",
  sizeClass: "xs",
  defaultSelected: false,
};
