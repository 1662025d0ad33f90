import type { GraphqlChild, GraphqlResource } from "../../lib/graphql/declaration.ts";
import { fields, ID, money, objects, ofUndatedParent, references } from "../columns.ts";

const COMMON = { pageSize: 50, childPageSize: 50, loadMode: "replace", defaultSelected: false } as const;

const regions: GraphqlChild = {
  entityKey: "market_regions",
  displayName: "Market regions",
  description: "Countries and other regions that a market is for.",
  field: { connection: "regions", under: { path: "conditions.regionsCondition" } },
  type: "MarketRegionCountry",
  columns: {
    ...ofUndatedParent("market"),
    ...ID,
    region_type: { type: "text", path: "__typename" },
    ...fields("text", "name"),
    country_code: { type: "text", path: "code", select: "... on MarketRegionCountry { code }" },
  },
  primaryKey: ["market_id", "id"],
  sizeClass: "s",
  defaultSelected: false,
};

const markets: GraphqlResource = {
  ...COMMON,
  entityKey: "markets",
  displayName: "Markets",
  description: "Groups of customers that the shop sells to in the same way, such as a region. Read as a whole.",
  root: "markets",
  type: "Market",
  columns: {
    ...ID,
    ...fields("text", "name handle status type"),
    base_currency: { type: "text", path: "currencySettings.baseCurrency.currencyCode" },
    uses_local_currencies: { type: "boolean", path: "currencySettings.localCurrencies" },
  },
  primaryKey: ["id"],
  children: [regions],
  permission: "read_markets",
  sizeClass: "xs",
};

const catalogs: GraphqlResource = {
  ...COMMON,
  entityKey: "catalogs",
  displayName: "Catalogs",
  description: "Which products, at which prices, are for an app, a market or a company's location. Read as a whole.",
  root: "catalogs",
  type: "Catalog",
  columns: {
    ...ID,
    catalog_type: { type: "text", path: "__typename" },
    ...fields("text", "title status"),
    ...references("priceList publication"),
  },
  primaryKey: ["id"],
  permission: "read_products",
  sizeClass: "xs",
};

const prices: GraphqlChild = {
  entityKey: "price_list_prices",
  displayName: "Price list prices",
  description: "Prices that a price list sets for single variants. Others follow from the list's adjustment.",
  field: { connection: "prices", args: "originType: FIXED" },
  type: "PriceListPrice",
  hasNoId: true,
  columns: {
    ...ofUndatedParent("price_list"),
    variant_id: { type: "text", path: "variant.id", required: true },
    ...money("price compareAtPrice"),
  },
  primaryKey: ["price_list_id", "variant_id"],
  sizeClass: "l",
  defaultSelected: false,
};

const priceLists: GraphqlResource = {
  ...COMMON,
  entityKey: "price_lists",
  displayName: "Price lists",
  description: "How prices of a catalog differ from those of the shop. Read as a whole.",
  root: "priceLists",
  isSearchable: false,
  type: "PriceList",
  columns: {
    ...ID,
    ...references("catalog"),
    ...fields("text", "name currency"),
    ...objects({ parent: "adjustment { type value } settings { compareAtMode }" }),
  },
  primaryKey: ["id"],
  children: [prices],
  isExportable: true,
  permission: "read_products",
  sizeClass: "xs",
};

export const MARKETS = [markets, catalogs, priceLists];
