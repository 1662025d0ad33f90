import type { GraphqlChild, GraphqlResource } from "../../lib/graphql/declaration.ts";
import { fields, ID, ofUndatedParent } from "../columns.ts";

const COMMON = { loadMode: "replace", sizeClass: "xs", defaultSelected: false } as const;

const locationGroups: GraphqlChild = {
  entityKey: "delivery_location_groups",
  displayName: "Delivery location groups",
  description:
    "Places that a delivery profile ships from, and the countries and provinces, by zone, that they ship to.",
  field: { list: "profileLocationGroups" },
  type: "DeliveryProfileLocationGroup",
  hasNoId: true,
  columns: {
    ...ofUndatedParent("delivery_profile"),
    location_group_id: { type: "text", path: "locationGroup.id", required: true },
    countries: {
      type: "jsonb",
      path: "countriesInAnyZone",
      select:
        "countriesInAnyZone { zone country { id name code { countryCode restOfWorld } provinces { id name code } } }",
    },
  },
  primaryKey: ["delivery_profile_id", "location_group_id"],
  sizeClass: "xs",
  defaultSelected: false,
};

const deliveryProfiles: GraphqlResource = {
  ...COMMON,
  entityKey: "delivery_profiles",
  displayName: "Delivery profiles",
  description: "How groups of products are shipped. Read as a whole.",
  root: "deliveryProfiles",
  isSearchable: false,
  type: "DeliveryProfile",
  columns: {
    ...ID,
    ...fields("text", "name"),
    is_default: { type: "boolean", path: "default" },
    ...fields(
      "integer",
      "activeMethodDefinitionsCount locationsWithoutRatesCount originLocationCount zoneCountryCount",
    ),
  },
  primaryKey: ["id"],
  pageSize: 20,
  children: [locationGroups],
  permission: "read_shipping",
};

const segments: GraphqlResource = {
  ...COMMON,
  entityKey: "segments",
  displayName: "Customer segments",
  description: "Groups of customers by a query. Read as a whole.",
  root: "segments",
  type: "Segment",
  columns: { ...ID, ...fields("text", "name query"), ...fields("timestamptz", "creationDate lastEditDate") },
  primaryKey: ["id"],
  pageSize: 250,
  permission: "read_customers",
};

const staffMembers: GraphqlResource = {
  ...COMMON,
  entityKey: "staff_members",
  displayName: "Staff members",
  description: "People who work in the shop's admin. Shopify shows them to apps of some plans alone. Read as a whole.",
  root: "staffMembers",
  type: "StaffMember",
  columns: {
    ...ID,
    ...fields("text", "name firstName lastName email phone locale accountType"),
    ...fields("boolean", "active isShopOwner"),
  },
  primaryKey: ["id"],
  pageSize: 100,
  permission: "read_users",
};

export const ADMIN = [deliveryProfiles, segments, staffMembers];
