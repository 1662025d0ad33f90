import type { GraphqlResource } from "../../lib/graphql/declaration.ts";
import { fields, ID, LEGACY_ID, money, objects, references } from "../columns.ts";

/** Of the query root; null in a shop that takes its payments otherwise. */
export const PAYMENTS_ACCOUNT = "shopifyPaymentsAccount";

const MONEY = "amount currencyCode";
const SUMMARY = [
  ...["adjustments", "charges", "refunds", "reservedFunds", "retriedPayouts"].map((each) => `${each}Fee { ${MONEY} }`),
  ...["adjustments", "charges", "refundsFee", "reservedFunds", "retriedPayouts", "advance"].map(
    (each) => `${each}Gross { ${MONEY} }`,
  ),
  `advanceFees { ${MONEY} }`,
];

const ACCOUNT = "A shop without Shopify Payments has none.";

export const payouts: GraphqlResource = {
  entityKey: "payouts",
  displayName: "Shopify Payments payouts",
  description: `Money that Shopify Payments pays out to the shop, or takes back. ${ACCOUNT} Read as a whole, since their status changes and no time of change is told.`,
  root: "payouts",
  within: PAYMENTS_ACCOUNT,
  type: "ShopifyPaymentsPayout",
  args: "sortKey: ISSUED_AT",
  columns: {
    ...ID,
    ...LEGACY_ID,
    ...fields("text", "status transactionType externalTraceId"),
    ...money("net"),
    ...objects({ summary: SUMMARY.join(" ") }),
    ...fields("timestamptz", "issuedAt"),
  },
  primaryKey: ["id"],
  pageSize: 100,
  permission: "read_shopify_payments_payouts",
  loadMode: "replace",
  sizeClass: "s",
  defaultSelected: false,
};

export const balanceTransactions: GraphqlResource = {
  entityKey: "balance_transactions",
  displayName: "Shopify Payments balance transactions",
  description: `What went into the balance of Shopify Payments or out of it. ${ACCOUNT} They do not change, but for their payout, which they get later: each run reads the last 45 days again.`,
  root: "balanceTransactions",
  within: PAYMENTS_ACCOUNT,
  type: "ShopifyPaymentsBalanceTransaction",
  args: "sortKey: PROCESSED_AT",
  columns: {
    ...ID,
    ...fields("text", "type sourceType adjustmentReason"),
    ...money("amount fee net"),
    ...references("associatedOrder associatedPayout"),
    associated_order_name: { type: "text", path: "associatedOrder.name" },
    associated_payout_status: { type: "text", path: "associatedPayout.status" },
    ...fields("bigint", "sourceId sourceOrderTransactionId"),
    ...objects({ adjustmentsOrders: `name orderTransactionId amount { ${MONEY} } fees { ${MONEY} } net { ${MONEY} }` }),
    ...fields("boolean", "test"),
    transaction_date: { type: "timestamptz", path: "transactionDate", required: true },
  },
  primaryKey: ["id"],
  // Payouts come every month at the latest, and are some days on their way.
  cursor: { column: "transaction_date", term: "processed_at", isOrdered: true, lookback: "P45D" },
  pageSize: 100,
  permission: "read_shopify_payments_payouts",
  sizeClass: "l",
  defaultSelected: false,
};

export const disputes: GraphqlResource = {
  entityKey: "disputes",
  displayName: "Shopify Payments disputes",
  description: `Chargebacks and inquiries of buyers' banks. ${ACCOUNT} Read as a whole, since no time of change is told.`,
  root: "disputes",
  within: PAYMENTS_ACCOUNT,
  type: "ShopifyPaymentsDispute",
  columns: {
    ...ID,
    ...LEGACY_ID,
    ...fields("text", "status type"),
    reason: { type: "text", path: "reasonDetails.reason" },
    network_reason_code: { type: "text", path: "reasonDetails.networkReasonCode" },
    ...money("amount"),
    ...references("order"),
    ...fields("timestamptz", "initiatedAt evidenceDueBy evidenceSentOn finalizedOn"),
  },
  primaryKey: ["id"],
  pageSize: 100,
  permission: "read_shopify_payments_disputes",
  loadMode: "replace",
  sizeClass: "s",
  defaultSelected: false,
};

export const PAYMENTS = [payouts, balanceTransactions, disputes];
