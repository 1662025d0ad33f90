import type { GraphqlChild, GraphqlResource } from "../../lib/graphql/declaration.ts";
import { fields, ID, LEGACY_ID, money, objects, ofParent, UPDATED_AT } from "../columns.ts";
import { metafieldsOf } from "./metafields.ts";

const QUANTITIES = [
  "available",
  "on_hand",
  "committed",
  "incoming",
  "reserved",
  "damaged",
  "safety_stock",
  "quality_control",
];

const levels: GraphqlChild = {
  entityKey: "inventory_levels",
  displayName: "Inventory levels",
  description: "How many pieces of an inventory item are at a location.",
  field: { connection: "inventoryLevels", args: "includeInactive: true" },
  type: "InventoryLevel",
  columns: {
    ...ofParent("inventory_item"),
    location_id: { type: "text", path: "location.id", required: true },
    ...ID,
    ...fields("boolean", "isActive"),
    quantities: {
      type: "jsonb",
      select: `quantities(names: ${JSON.stringify(QUANTITIES)}) { name quantity updatedAt }`,
      description: "Each quantity by its name, such as `available`.",
    },
    ...fields("timestamptz", "createdAt updatedAt"),
  },
  primaryKey: ["inventory_item_id", "location_id"],
  changes: {
    connection: "inventoryLevels",
    args: "includeInactive: true",
    of: { resource: "locations", type: "Location" },
    term: "updated_at",
    column: "updated_at",
    parentField: "item",
    pageSize: 100,
  },
  sizeClass: "m",
};

export const inventoryItems: GraphqlResource = {
  entityKey: "inventory_items",
  displayName: "Inventory items",
  description:
    "What is kept in stock for a variant. Shopify does not tell which were deleted: a full refresh finds out.",
  root: "inventoryItems",
  type: "InventoryItem",
  columns: {
    ...ID,
    ...LEGACY_ID,
    ...fields("text", "sku countryCodeOfOrigin provinceCodeOfOrigin harmonizedSystemCode"),
    ...fields("boolean", "tracked requiresShipping"),
    ...money("unitCost"),
    ...objects({ measurement: "id weight { unit value }" }),
    ...fields("timestamptz", "createdAt"),
    ...UPDATED_AT,
  },
  primaryKey: ["id"],
  cursor: { column: "updated_at", term: "updated_at", isOrdered: false },
  pageSize: 100,
  childPageSize: 20,
  children: [levels],
  isExportable: true,
  permission: "read_inventory",
  sizeClass: "m",
};

export const locations: GraphqlResource = {
  entityKey: "locations",
  displayName: "Locations",
  description: "Where the shop keeps stock, inactive places too. Read as a whole.",
  root: "locations",
  type: "Location",
  args: "includeInactive: true, includeLegacy: true, sortKey: ID",
  columns: {
    ...ID,
    ...LEGACY_ID,
    ...fields("text", "name"),
    ...fields("boolean", "isActive fulfillsOnlineOrders shipsInventory hasActiveInventory isFulfillmentService"),
    ...objects({
      address: "address1 address2 city province provinceCode country countryCode zip phone latitude longitude",
    }),
    ...fields("text", "deactivatedAt"),
    ...fields("timestamptz", "createdAt updatedAt"),
  },
  primaryKey: ["id"],
  pageSize: 100,
  childPageSize: 20,
  children: [metafieldsOf("location")],
  permission: "read_locations",
  // They are few, read as a whole, and Shopify does not tell which were deleted.
  loadMode: "replace",
  sizeClass: "xs",
};
