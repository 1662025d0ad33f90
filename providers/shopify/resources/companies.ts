import type { GraphqlChild, GraphqlResource } from "../../lib/graphql/declaration.ts";
import { fields, ID, money, objects, ofParent, references, UPDATED_AT } from "../columns.ts";
import { metafieldsOf } from "./metafields.ts";

const contacts: GraphqlChild = {
  entityKey: "company_contacts",
  displayName: "Company contacts",
  description: "People who buy for a company. Read when the company changes; a full refresh reads all.",
  field: { connection: "contacts" },
  type: "CompanyContact",
  columns: {
    ...ofParent("company"),
    ...ID,
    ...references("customer"),
    ...fields("text", "title locale"),
    ...fields("boolean", "isMainContact"),
    ...fields("timestamptz", "createdAt updatedAt"),
  },
  primaryKey: ["id"],
  sizeClass: "m",
  defaultSelected: false,
};

const COMMON = {
  primaryKey: ["id"] as string[],
  args: "sortKey: UPDATED_AT",
  cursor: { column: "updated_at", term: "updated_at", isOrdered: true },
  pageSize: 50,
  childPageSize: 10,
  isExportable: true,
  permission: "read_companies",
  sizeClass: "s",
  defaultSelected: false,
} as const;

const companies: GraphqlResource = {
  ...COMMON,
  entityKey: "companies",
  displayName: "Companies",
  description: "Businesses that buy from the shop. Only some plans have them.",
  root: "companies",
  type: "Company",
  columns: {
    ...ID,
    ...references("mainContact"),
    ...fields("text", "name externalId note"),
    orders_count: { type: "integer", path: "ordersCount.count" },
    ...money("totalSpent"),
    ...fields("timestamptz", "customerSince createdAt"),
    ...UPDATED_AT,
  },
  children: [contacts, metafieldsOf("company")],
  deletions: { subjects: ["COMPANY"] },
};

const ADDRESS = "companyName firstName lastName address1 address2 city province zoneCode country countryCode zip phone";

const companyLocations: GraphqlResource = {
  ...COMMON,
  entityKey: "company_locations",
  displayName: "Company locations",
  description: "Places of a company that orders are billed and shipped to.",
  root: "companyLocations",
  type: "CompanyLocation",
  columns: {
    ...ID,
    ...references("company"),
    ...fields("text", "name externalId phone locale note currency"),
    ...money("totalSpent"),
    ...objects({
      billingAddress: ADDRESS,
      shippingAddress: ADDRESS,
      taxSettings: "taxExempt taxExemptions taxRegistrationId",
    }),
    ...fields("timestamptz", "createdAt"),
    ...UPDATED_AT,
  },
  children: [metafieldsOf("company_location")],
  deletions: { subjects: ["COMPANY_LOCATION"] },
};

export const COMPANIES = [companies, companyLocations];
