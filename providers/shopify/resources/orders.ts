import type { GraphqlChild, GraphqlResource } from "../../lib/graphql/declaration.ts";
import {
  ADDRESS,
  ATTRIBUTE,
  fields,
  ID,
  LEGACY_ID,
  MONEY_BAG,
  objects,
  ofParent,
  presentmentMoney,
  references,
  shopMoney,
  TAX_LINE,
  UPDATED_AT,
  wholeLists,
} from "../columns.ts";
import { metafieldsOf } from "./metafields.ts";
import { ORDER_DETAILS } from "./order-details.ts";

const lineItems: GraphqlChild = {
  entityKey: "order_line_items",
  displayName: "Order line items",
  description: "What an order consists of.",
  field: { connection: "lineItems" },
  type: "LineItem",
  columns: {
    ...ofParent("order"),
    ...ID,
    ...references("product variant"),
    ...fields("text", "name title variantTitle sku vendor"),
    ...fields("integer", "quantity currentQuantity refundableQuantity unfulfilledQuantity nonFulfillableQuantity"),
    ...shopMoney("originalUnitPriceSet discountedUnitPriceSet originalTotalSet discountedTotalSet totalDiscountSet"),
    ...presentmentMoney("originalUnitPriceSet discountedTotalSet"),
    ...fields("boolean", "isGiftCard taxable requiresShipping restockable"),
    ...objects({
      customAttributes: ATTRIBUTE,
      taxLines: TAX_LINE,
      discountAllocations: `allocatedAmountSet { ${MONEY_BAG} } discountApplication { index }`,
    }),
  },
  primaryKey: ["id"],
  sizeClass: "l",
};

const refunds: GraphqlChild = {
  entityKey: "order_refunds",
  displayName: "Refunds",
  description: "Money that was given back for an order.",
  field: { list: "refunds" },
  type: "Refund",
  columns: {
    ...ofParent("order"),
    ...ID,
    ...LEGACY_ID,
    ...references("return"),
    ...fields("text", "note"),
    ...shopMoney("totalRefundedSet"),
    ...presentmentMoney("totalRefundedSet"),
    ...wholeLists({
      refundLineItems: `id quantity restockType restocked lineItem { id } location { id } priceSet { ${MONEY_BAG} } subtotalSet { ${MONEY_BAG} } totalTaxSet { ${MONEY_BAG} }`,
      refundShippingLines: `id shippingLine { id } subtotalAmountSet { ${MONEY_BAG} } taxAmountSet { ${MONEY_BAG} }`,
      orderAdjustments: `id reason amountSet { ${MONEY_BAG} } taxAmountSet { ${MONEY_BAG} }`,
      transactions: `id kind status gateway amountSet { ${MONEY_BAG} } parentTransaction { id }`,
    }),
    ...fields("timestamptz", "createdAt processedAt updatedAt"),
  },
  primaryKey: ["id"],
  sizeClass: "m",
};

const fulfillments: GraphqlChild = {
  entityKey: "order_fulfillments",
  displayName: "Fulfillments",
  description: "Shipments of an order.",
  field: { list: "fulfillments" },
  type: "Fulfillment",
  columns: {
    ...ofParent("order"),
    ...ID,
    ...LEGACY_ID,
    ...references("location"),
    ...fields("text", "name status displayStatus"),
    ...fields("integer", "totalQuantity"),
    ...fields("boolean", "requiresShipping"),
    ...wholeLists({
      fulfillmentLineItems: `id quantity lineItem { id } originalTotalSet { ${MONEY_BAG} } discountedTotalSet { ${MONEY_BAG} }`,
      events: "id status happenedAt message city province country zip latitude longitude estimatedDeliveryAt",
    }),
    ...objects({ trackingInfo: "company number url", service: "handle serviceName" }),
    ...fields("timestamptz", "createdAt updatedAt inTransitAt deliveredAt estimatedDeliveryAt"),
  },
  primaryKey: ["id"],
  sizeClass: "l",
};

const transactions: GraphqlChild = {
  entityKey: "order_transactions",
  displayName: "Order transactions",
  description: "Payments of an order: authorisations, captures, sales, refunds and voids.",
  field: { list: "transactions" },
  type: "OrderTransaction",
  columns: {
    ...ofParent("order"),
    ...ID,
    ...references("parentTransaction"),
    ...fields("text", "kind status gateway formattedGateway errorCode paymentId accountNumber settlementCurrency"),
    ...shopMoney("amountSet totalUnsettledSet"),
    ...presentmentMoney("amountSet"),
    ...fields("numeric", "settlementCurrencyRate"),
    ...fields("boolean", "test manuallyCapturable"),
    ...objects({
      fees: "id type rate rateName flatFeeName amount { amount currencyCode } taxAmount { amount currencyCode }",
    }),
    ...fields("timestamptz", "createdAt processedAt authorizationExpiresAt"),
  },
  primaryKey: ["id"],
  sizeClass: "l",
};

const returns: GraphqlChild = {
  entityKey: "order_returns",
  displayName: "Returns",
  description: "Returns of an order.",
  field: { connection: "returns" },
  type: "Return",
  columns: {
    ...ofParent("order"),
    ...ID,
    ...fields("text", "name status"),
    ...fields("integer", "totalQuantity"),
    ...objects({ decline: "reason note" }),
    ...wholeLists({
      returnLineItems:
        "id quantity processableQuantity processedQuantity refundableQuantity refundedQuantity unprocessedQuantity returnReasonNote customerNote ... on ReturnLineItem { fulfillmentLineItem { id lineItem { id } } }",
    }),
    ...fields("timestamptz", "createdAt closedAt requestApprovedAt"),
  },
  primaryKey: ["id"],
  permission: "read_returns",
  sizeClass: "m",
};

const shippingLines: GraphqlChild = {
  entityKey: "order_shipping_lines",
  displayName: "Order shipping lines",
  description: "How an order is shipped, and what that costs.",
  field: { connection: "shippingLines", args: "includeRemovals: true" },
  type: "ShippingLine",
  columns: {
    ...ofParent("order"),
    ...ID,
    ...fields("text", "title code source carrierIdentifier deliveryCategory phone"),
    ...shopMoney("originalPriceSet discountedPriceSet"),
    ...fields("boolean", "custom isRemoved"),
    ...objects({ taxLines: TAX_LINE }),
  },
  primaryKey: ["id"],
  sizeClass: "l",
};

export const orders: GraphqlResource = {
  entityKey: "orders",
  displayName: "Orders",
  description: "What customers bought. Without the scope read_all_orders Shopify shows the last 60 days alone.",
  root: "orders",
  type: "Order",
  args: "sortKey: UPDATED_AT",
  columns: {
    ...ID,
    ...LEGACY_ID,
    ...fields("text", "name confirmationNumber"),
    ...fields("integer", "number"),
    ...references("customer"),
    ...fields("text", "email phone note poNumber discountCode sourceName sourceIdentifier customerLocale clientIp"),
    ...fields("text", "displayFinancialStatus displayFulfillmentStatus returnStatus cancelReason"),
    ...fields("text", "currencyCode presentmentCurrencyCode"),
    ...shopMoney(
      "totalPriceSet subtotalPriceSet totalTaxSet totalDiscountsSet totalShippingPriceSet totalTipReceivedSet",
    ),
    ...shopMoney("currentTotalPriceSet currentSubtotalPriceSet currentTotalTaxSet currentTotalDiscountsSet"),
    ...shopMoney("totalRefundedSet totalReceivedSet totalOutstandingSet netPaymentSet"),
    ...presentmentMoney("totalPriceSet currentTotalPriceSet"),
    ...fields("boolean", "test confirmed closed edited fullyPaid unpaid taxesIncluded taxExempt requiresShipping"),
    ...fields("integer", "subtotalLineItemsQuantity currentSubtotalLineItemsQuantity"),
    ...fields("numeric", "totalWeight"),
    ...fields("jsonb", "tags discountCodes paymentGatewayNames"),
    customer_order_index: { type: "integer", path: "customerJourneySummary.customerOrderIndex" },
    days_to_conversion: { type: "integer", path: "customerJourneySummary.daysToConversion" },
    ...references("app retailLocation"),
    ...objects({
      billingAddress: ADDRESS,
      shippingAddress: ADDRESS,
      customAttributes: ATTRIBUTE,
      taxLines: TAX_LINE,
      risk: "recommendation assessments { riskLevel provider { id title } facts { description sentiment } }",
    }),
    ...fields("timestamptz", "createdAt processedAt closedAt cancelledAt"),
    ...UPDATED_AT,
  },
  primaryKey: ["id"],
  cursor: { column: "updated_at", term: "updated_at", isOrdered: true },
  pageSize: 50,
  childPageSize: 10,
  children: [
    ...[lineItems, refunds, fulfillments, transactions, returns, shippingLines, metafieldsOf("order")],
    ...ORDER_DETAILS,
  ],
  deletions: { subjects: ["ORDER"] },
  isExportable: true,
  permission: "read_orders",
  sizeClass: "l",
};
