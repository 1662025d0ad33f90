import type { GraphqlChild } from "../../lib/graphql/declaration.ts";
import { fields, ID, MONEY_BAG, objects, ofParent } from "../columns.ts";

const SALE = [
  "__typename id actionType lineType quantity",
  ...["totalAmount", "totalTaxAmount", "totalDiscountAmountBeforeTaxes", "totalDiscountAmountAfterTaxes"].map(
    (each) => `${each} { ${MONEY_BAG} }`,
  ),
  "... on ProductSale { lineItem { id } }",
].join(" ");

const agreements: GraphqlChild = {
  entityKey: "order_agreements",
  displayName: "Order agreements",
  description:
    "Each agreement with the customer: the order, its edits, refunds and returns, with the sales that it stands for.",
  field: { connection: "agreements" },
  type: "SalesAgreement",
  columns: {
    ...ofParent("order"),
    ...ID,
    agreement_type: { type: "text", path: "__typename" },
    ...fields("text", "reason"),
    sales: { type: "jsonb", path: "sales", nodes: SALE, elementTerm: "id" },
    ...fields("timestamptz", "happenedAt"),
  },
  primaryKey: ["id"],
  // Their sales cannot be asked for besides.
  isPagedOnly: true,
  sizeClass: "l",
  defaultSelected: false,
};

const visits: GraphqlChild = {
  entityKey: "order_customer_visits",
  displayName: "Order customer visits",
  description: "Visits to the online store that led to an order, and where they came from.",
  field: { connection: "moments", under: { path: "customerJourneySummary" } },
  type: "CustomerVisit",
  unions: { "": ["CustomerVisit"] },
  columns: {
    ...ofParent("order"),
    ...ID,
    ...fields("text", "landingPage referrerUrl referralCode source sourceDescription sourceType"),
    ...objects({ utmParameters: "campaign content medium source term" }),
    ...fields("timestamptz", "occurredAt"),
  },
  primaryKey: ["order_id", "id"],
  sizeClass: "l",
  defaultSelected: false,
};

const discountApplications: GraphqlChild = {
  entityKey: "order_discount_applications",
  displayName: "Order discount applications",
  description: "Discounts of an order, as they were when it was placed. Line items name them by their index.",
  field: { connection: "discountApplications" },
  type: "DiscountCodeApplication",
  types: ["DiscountCode", "AutomaticDiscount", "ManualDiscount", "ScriptDiscount"].map((kind) => `${kind}Application`),
  hasNoId: true,
  columns: {
    ...ofParent("order"),
    index: { type: "integer", required: true },
    application_type: { type: "text", path: "__typename" },
    ...fields("text", "allocationMethod targetSelection targetType"),
    code: { type: "text", select: "... on DiscountCodeApplication { code }" },
    title: {
      type: "text",
      select: ["Automatic", "Manual", "Script"].map((kind) => `... on ${kind}DiscountApplication { title }`).join(" "),
    },
    value: {
      type: "jsonb",
      select: "value { ... on MoneyV2 { amount currencyCode } ... on PricingPercentageValue { percentage } }",
    },
  },
  primaryKey: ["order_id", "index"],
  sizeClass: "l",
  defaultSelected: false,
};

export const ORDER_DETAILS = [agreements, visits, discountApplications];
