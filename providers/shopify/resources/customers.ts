import type { GraphqlChild, GraphqlResource } from "../../lib/graphql/declaration.ts";
import { ADDRESS, fields, ID, LEGACY_ID, money, objects, ofParent, references, UPDATED_AT } from "../columns.ts";
import { metafieldsOf } from "./metafields.ts";

const addresses: GraphqlChild = {
  entityKey: "customer_addresses",
  displayName: "Customer addresses",
  description: "All addresses of a customer.",
  field: { connection: "addressesV2" },
  type: "MailingAddress",
  columns: {
    ...ofParent("customer"),
    ...ID,
    ...fields(
      "text",
      "firstName lastName company address1 address2 city province provinceCode country countryCodeV2 zip phone",
    ),
    ...fields("numeric", "latitude longitude"),
  },
  primaryKey: ["customer_id", "id"],
  sizeClass: "l",
  defaultSelected: false,
};

export const customers: GraphqlResource = {
  entityKey: "customers",
  displayName: "Customers",
  description: "People who bought, or have an account.",
  root: "customers",
  type: "Customer",
  args: "sortKey: UPDATED_AT",
  columns: {
    ...ID,
    ...LEGACY_ID,
    ...fields("text", "displayName firstName lastName state locale note"),
    email: { type: "text", path: "defaultEmailAddress.emailAddress" },
    email_marketing_state: { type: "text", path: "defaultEmailAddress.marketingState" },
    email_marketing_updated_at: { type: "timestamptz", path: "defaultEmailAddress.marketingUpdatedAt" },
    phone: { type: "text", path: "defaultPhoneNumber.phoneNumber" },
    sms_marketing_state: { type: "text", path: "defaultPhoneNumber.marketingState" },
    ...fields("numeric", "numberOfOrders"),
    ...money("amountSpent"),
    ...references("lastOrder"),
    ...fields("boolean", "verifiedEmail taxExempt dataSaleOptOut"),
    ...fields("jsonb", "tags taxExemptions"),
    ...objects({ defaultAddress: ADDRESS }),
    ...fields("timestamptz", "createdAt"),
    ...UPDATED_AT,
  },
  primaryKey: ["id"],
  cursor: { column: "updated_at", term: "updated_at", isOrdered: true },
  pageSize: 100,
  childPageSize: 10,
  children: [addresses, metafieldsOf("customer")],
  deletions: { subjects: ["CUSTOMER"] },
  isExportable: true,
  permission: "read_customers",
  sizeClass: "l",
};
