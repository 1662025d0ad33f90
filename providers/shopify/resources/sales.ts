import type { GraphqlChild, GraphqlResource } from "../../lib/graphql/declaration.ts";
import {
  ADDRESS,
  ATTRIBUTE,
  fields,
  ID,
  LEGACY_ID,
  MONEY_BAG,
  money,
  objects,
  ofParent,
  ofPathParent,
  references,
  shopMoney,
  TAX_LINE,
  UPDATED_AT,
} from "../columns.ts";
import { metafieldsOf } from "./metafields.ts";

const fulfillmentOrderLines: GraphqlChild = {
  entityKey: "fulfillment_order_line_items",
  displayName: "Fulfillment order line items",
  description: "What a fulfillment order asks for.",
  field: { connection: "lineItems" },
  type: "FulfillmentOrderLineItem",
  columns: {
    ...ofParent("fulfillment_order"),
    ...ID,
    ...references("lineItem variant"),
    ...fields("text", "inventoryItemId productTitle variantTitle sku vendor"),
    ...fields("integer", "totalQuantity remainingQuantity"),
    ...fields("boolean", "requiresShipping"),
  },
  primaryKey: ["id"],
  sizeClass: "l",
};

export const fulfillmentOrders: GraphqlResource = {
  entityKey: "fulfillment_orders",
  displayName: "Fulfillment orders",
  description: "What has to be shipped from which location, closed ones too.",
  root: "fulfillmentOrders",
  type: "FulfillmentOrder",
  args: "includeClosed: true, sortKey: UPDATED_AT",
  columns: {
    ...ID,
    ...fields("text", "orderId orderName status requestStatus"),
    assigned_location_id: { type: "text", path: "assignedLocation.location.id" },
    assigned_location_name: { type: "text", path: "assignedLocation.name" },
    ...objects({
      deliveryMethod: "id methodType minDeliveryDateTime maxDeliveryDateTime",
      destination: "firstName lastName company address1 address2 city province countryCode zip email phone",
      fulfillmentHolds: "id reason reasonNotes",
    }),
    ...fields("timestamptz", "createdAt fulfillAt fulfillBy orderProcessedAt"),
    ...UPDATED_AT,
  },
  primaryKey: ["id"],
  cursor: { column: "updated_at", term: "updated_at", isOrdered: true },
  pageSize: 50,
  childPageSize: 25,
  children: [fulfillmentOrderLines],
  isExportable: true,
  permission: "read_merchant_managed_fulfillment_orders",
  sizeClass: "m",
};

const draftOrderLines: GraphqlChild = {
  entityKey: "draft_order_line_items",
  displayName: "Draft order line items",
  description: "What a draft order consists of.",
  field: { connection: "lineItems" },
  type: "DraftOrderLineItem",
  columns: {
    ...ofParent("draft_order"),
    ...ID,
    ...references("product variant"),
    ...fields("text", "name title variantTitle sku vendor"),
    ...fields("integer", "quantity"),
    ...shopMoney("originalUnitPriceSet originalTotalSet discountedTotalSet totalDiscountSet"),
    ...fields("boolean", "custom isGiftCard taxable requiresShipping"),
    ...objects({ customAttributes: ATTRIBUTE }),
  },
  primaryKey: ["id"],
  sizeClass: "m",
};

export const draftOrders: GraphqlResource = {
  entityKey: "draft_orders",
  displayName: "Draft orders",
  description: "Orders that the merchant prepares, such as quotes and invoices.",
  root: "draftOrders",
  type: "DraftOrder",
  args: "sortKey: UPDATED_AT",
  columns: {
    ...ID,
    ...LEGACY_ID,
    ...references("customer order"),
    ...fields("text", "name status email phone note2 poNumber currencyCode presentmentCurrencyCode invoiceUrl"),
    ...fields("jsonb", "tags discountCodes"),
    ...shopMoney("totalPriceSet subtotalPriceSet totalTaxSet totalDiscountsSet totalShippingPriceSet"),
    ...fields("boolean", "taxExempt taxesIncluded ready"),
    ...fields("integer", "totalQuantityOfLineItems"),
    ...objects({
      billingAddress: ADDRESS,
      shippingAddress: ADDRESS,
      customAttributes: ATTRIBUTE,
      taxLines: TAX_LINE,
      appliedDiscount: `title description value valueType amountSet { ${MONEY_BAG} }`,
    }),
    ...fields("timestamptz", "createdAt completedAt invoiceSentAt reserveInventoryUntil"),
    ...UPDATED_AT,
  },
  primaryKey: ["id"],
  cursor: { column: "updated_at", term: "updated_at", isOrdered: true },
  pageSize: 50,
  childPageSize: 25,
  children: [draftOrderLines, metafieldsOf("draft_order")],
  deletions: { subjects: ["DRAFT_ORDER"] },
  isExportable: true,
  permission: "read_draft_orders",
  sizeClass: "m",
};

const abandonedCheckoutLines: GraphqlChild = {
  entityKey: "abandoned_checkout_line_items",
  displayName: "Abandoned checkout line items",
  description: "What was in a checkout that was not finished.",
  field: { connection: "lineItems" },
  type: "AbandonedCheckoutLineItem",
  columns: {
    ...ofParent("abandoned_checkout"),
    ...ID,
    ...references("product variant"),
    ...fields("text", "title variantTitle sku"),
    ...fields("integer", "quantity"),
    ...shopMoney("originalUnitPriceSet originalTotalPriceSet discountedTotalPriceSet"),
  },
  primaryKey: ["id"],
  sizeClass: "m",
  defaultSelected: false,
};

export const abandonedCheckouts: GraphqlResource = {
  entityKey: "abandoned_checkouts",
  displayName: "Abandoned checkouts",
  description: "Checkouts that customers have not finished. Shopify drops them after three months and does not say so.",
  root: "abandonedCheckouts",
  type: "AbandonedCheckout",
  args: "sortKey: ID",
  columns: {
    ...ID,
    ...references("customer"),
    ...fields("text", "name note abandonedCheckoutUrl"),
    ...fields("jsonb", "discountCodes"),
    ...shopMoney("totalPriceSet subtotalPriceSet totalTaxSet totalDiscountSet totalLineItemsPriceSet"),
    ...fields("boolean", "taxesIncluded"),
    ...objects({ billingAddress: ADDRESS, shippingAddress: ADDRESS, customAttributes: ATTRIBUTE }),
    ...fields("timestamptz", "createdAt completedAt"),
    ...UPDATED_AT,
  },
  primaryKey: ["id"],
  cursor: { column: "updated_at", term: "updated_at", isOrdered: false },
  pageSize: 100,
  childPageSize: 25,
  children: [abandonedCheckoutLines],
  isExportable: true,
  permission: "read_orders",
  sizeClass: "m",
};

export const giftCards: GraphqlResource = {
  entityKey: "gift_cards",
  displayName: "Gift cards",
  description: "Gift cards and what is left on them. Only Shopify Plus shows them to apps.",
  root: "giftCards",
  type: "GiftCard",
  // Their search does not know `updated_at`, which would be ignored.
  args: "sortKey: UPDATED_AT, reverse: true",
  columns: {
    ...ID,
    ...references("customer order"),
    ...fields("text", "lastCharacters maskedCode note templateSuffix"),
    ...money("balance initialValue"),
    ...fields("boolean", "enabled"),
    ...fields("date", "expiresOn"),
    ...fields("timestamptz", "createdAt deactivatedAt"),
    ...UPDATED_AT,
  },
  primaryKey: ["id"],
  cursor: { column: "updated_at", term: null, isOrdered: false },
  pageSize: 200,
  isExportable: true,
  permission: "read_gift_cards",
  sizeClass: "s",
};

const CODE_TYPES = ["Basic", "Bxgy", "FreeShipping", "App"].map((kind) => `DiscountCode${kind}`);
const DISCOUNT_TYPES = ["Basic", "Bxgy", "FreeShipping", "App"].flatMap((kind) => [
  `DiscountCode${kind}`,
  `DiscountAutomatic${kind}`,
]);

const discountCodes: GraphqlChild = {
  entityKey: "discount_codes",
  displayName: "Discount codes",
  description:
    "All codes of a discount, and how often each was used. Read when the discount changes, which the use of a code need not do; a full refresh reads all.",
  field: { connection: "codes", under: { path: "discount", types: CODE_TYPES } },
  type: "DiscountRedeemCode",
  columns: {
    ...ofPathParent("discount", "discount.updatedAt"),
    ...ID,
    ...fields("text", "code"),
    usage_count: { type: "integer", path: "asyncUsageCount" },
  },
  primaryKey: ["id"],
  sizeClass: "l",
  defaultSelected: false,
};

export const discounts: GraphqlResource = {
  entityKey: "discounts",
  displayName: "Discounts",
  description: "Discounts by code and automatic ones.",
  root: "discountNodes",
  type: "DiscountNode",
  args: "sortKey: UPDATED_AT",
  unions: { discount: DISCOUNT_TYPES },
  columns: {
    ...ID,
    discount_type: { type: "text", path: "discount.__typename" },
    title: { type: "text", path: "discount.title" },
    status: { type: "text", path: "discount.status" },
    discount_classes: { type: "jsonb", path: "discount.discountClasses" },
    usage_count: { type: "integer", path: "discount.asyncUsageCount" },
    combines_with: {
      type: "jsonb",
      path: "discount.combinesWith",
      select: "combinesWith { orderDiscounts productDiscounts shippingDiscounts }",
    },
    starts_at: { type: "timestamptz", path: "discount.startsAt" },
    ends_at: { type: "timestamptz", path: "discount.endsAt" },
    created_at: { type: "timestamptz", path: "discount.createdAt" },
    updated_at: { type: "timestamptz", path: "discount.updatedAt", required: true },
  },
  primaryKey: ["id"],
  cursor: { column: "updated_at", term: "updated_at", isOrdered: true },
  pageSize: 100,
  childPageSize: 20,
  children: [discountCodes],
  deletions: {
    subjects: ["DISCOUNT_NODE", "DISCOUNT_CODE_NODE", "DISCOUNT_AUTOMATIC_NODE", "DISCOUNT_AUTOMATIC_BXGY"],
    // An event names the discount by its kind, and the resource by the kind that all share.
    keyOf: (subject) => subject.replace(/\/Discount(Code|Automatic)\w+\//, "/DiscountNode/"),
  },
  isExportable: true,
  permission: "read_discounts",
  sizeClass: "s",
};

export const tenderTransactions: GraphqlResource = {
  entityKey: "tender_transactions",
  displayName: "Tender transactions",
  description:
    "Money that went in or out of the shop. They never change. Those that were processed in the last two days are read again with each run; one that is recorded later than that comes with a full refresh.",
  root: "tenderTransactions",
  type: "TenderTransaction",
  columns: {
    ...ID,
    ...references("order user"),
    ...fields("text", "paymentMethod remoteReference"),
    ...money("amount"),
    ...fields("boolean", "test"),
    processed_at: { type: "timestamptz", path: "processedAt", required: true },
  },
  primaryKey: ["id"],
  // Points of sale that were offline, and people, record money later than it moved.
  cursor: { column: "processed_at", term: "processed_at", isOrdered: false, lookback: "P2D" },
  pageSize: 250,
  isExportable: true,
  permission: "read_orders",
  sizeClass: "l",
  defaultSelected: false,
};
