import type { GraphqlChild, GraphqlResource } from "../../lib/graphql/declaration.ts";
import { fields, ID, money, objects, ofParent, ofUndatedParent, references, UPDATED_AT } from "../columns.ts";

const plans: GraphqlChild = {
  entityKey: "selling_plans",
  displayName: "Selling plans",
  description: "Ways to buy within a group, such as every month for a year.",
  field: { connection: "sellingPlans" },
  type: "SellingPlan",
  columns: {
    ...ofUndatedParent("selling_plan_group"),
    ...ID,
    ...fields("text", "name description category"),
    ...fields("integer", "position"),
    ...fields("jsonb", "options"),
    ...objects({
      billingPolicy:
        "__typename ... on SellingPlanRecurringBillingPolicy { interval intervalCount minCycles maxCycles }",
      deliveryPolicy: "__typename ... on SellingPlanRecurringDeliveryPolicy { interval intervalCount }",
    }),
    ...fields("timestamptz", "createdAt"),
  },
  primaryKey: ["id"],
  sizeClass: "s",
  defaultSelected: false,
};

const sellingPlanGroups: GraphqlResource = {
  entityKey: "selling_plan_groups",
  displayName: "Selling plan groups",
  description:
    "Groups of ways to buy, such as subscriptions and pre-orders: those that this app has made, since Shopify shows no app those of others. Read as a whole.",
  root: "sellingPlanGroups",
  type: "SellingPlanGroup",
  columns: {
    ...ID,
    ...fields("text", "name merchantCode description summary appId"),
    ...fields("integer", "position"),
    ...fields("jsonb", "options"),
    ...fields("timestamptz", "createdAt"),
  },
  primaryKey: ["id"],
  pageSize: 50,
  childPageSize: 20,
  children: [plans],
  isExportable: true,
  permission: "read_products",
  loadMode: "replace",
  sizeClass: "xs",
  defaultSelected: false,
};

const lines: GraphqlChild = {
  entityKey: "subscription_contract_lines",
  displayName: "Subscription contract lines",
  description: "What a subscription delivers.",
  field: { connection: "lines" },
  type: "SubscriptionLine",
  columns: {
    ...ofParent("subscription_contract"),
    ...ID,
    ...fields("text", "productId variantId sellingPlanId sellingPlanName title variantTitle sku"),
    ...fields("integer", "quantity"),
    ...money("currentPrice lineDiscountedPrice"),
    ...fields("boolean", "requiresShipping taxable"),
  },
  primaryKey: ["id"],
  sizeClass: "m",
  defaultSelected: false,
};

const subscriptionContracts: GraphqlResource = {
  entityKey: "subscription_contracts",
  displayName: "Subscription contracts",
  description: "Subscriptions of customers. Shopify shows an app only the ones that it has made itself.",
  root: "subscriptionContracts",
  type: "SubscriptionContract",
  args: "sortKey: UPDATED_AT",
  columns: {
    ...ID,
    ...references("customer originOrder"),
    ...fields("text", "status lastPaymentStatus lastBillingAttemptErrorType currencyCode note"),
    ...money("deliveryPrice"),
    ...objects({
      billingPolicy: "interval intervalCount minCycles maxCycles",
      deliveryPolicy: "interval intervalCount",
    }),
    ...fields("timestamptz", "nextBillingDate createdAt"),
    ...UPDATED_AT,
  },
  primaryKey: ["id"],
  cursor: { column: "updated_at", term: "updated_at", isOrdered: true },
  pageSize: 50,
  childPageSize: 10,
  children: [lines],
  isExportable: true,
  permission: "read_own_subscription_contracts",
  sizeClass: "m",
  defaultSelected: false,
};

export const SUBSCRIPTIONS = [sellingPlanGroups, subscriptionContracts];
