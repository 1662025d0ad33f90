/** Which lists of an object hold records of the store: `Type.field` to their table, and the field of theirs that names the object. */
export const CHILDREN: Record<string, { table: string; by: string }> = {
  "Order.lineItems": { table: "LineItem", by: "order" },
  "Order.refunds": { table: "Refund", by: "order" },
  "Order.transactions": { table: "OrderTransaction", by: "order" },
  "Order.fulfillments": { table: "Fulfillment", by: "order" },
  "Order.fulfillmentOrders": { table: "FulfillmentOrder", by: "order" },
  "Order.returns": { table: "Return", by: "order" },
  "Order.shippingLines": { table: "ShippingLine", by: "order" },
  "Refund.refundLineItems": { table: "RefundLineItem", by: "refund" },
  "Refund.transactions": { table: "OrderTransaction", by: "refund" },
  "Return.returnLineItems": { table: "ReturnLineItem", by: "return" },
  "Return.refunds": { table: "Refund", by: "return" },
  "Fulfillment.fulfillmentLineItems": { table: "FulfillmentLineItem", by: "fulfillment" },
  "FulfillmentOrder.lineItems": { table: "FulfillmentOrderLineItem", by: "fulfillmentOrder" },
  "ShopifyPaymentsAccount.payouts": { table: "ShopifyPaymentsPayout", by: "account" },
  "ShopifyPaymentsAccount.balanceTransactions": { table: "ShopifyPaymentsBalanceTransaction", by: "account" },
  "ShopifyPaymentsAccount.disputes": { table: "ShopifyPaymentsDispute", by: "account" },
  "Customer.orders": { table: "Order", by: "customer" },
  "Product.variants": { table: "ProductVariant", by: "product" },
  "Collection.products": { table: "Product", by: "collection" },
  "InventoryItem.inventoryLevels": { table: "InventoryLevel", by: "item" },
  "Location.inventoryLevels": { table: "InventoryLevel", by: "location" },
  "DraftOrder.lineItems": { table: "DraftOrderLineItem", by: "draftOrder" },
  "AbandonedCheckout.lineItems": { table: "AbandonedCheckoutLineItem", by: "abandonedCheckout" },
};

Object.assign(CHILDREN, {
  "Order.agreements": { table: "OrderAgreement", by: "order" },
  "OrderAgreement.sales": { table: "ProductSale", by: "agreement" },
  "Order.discountApplications": { table: "DiscountCodeApplication", by: "order" },
  "CustomerJourneySummary.moments": { table: "CustomerVisit", by: "order" },
  "DiscountCodeBasic.codes": { table: "DiscountRedeemCode", by: "discount" },
  "Fulfillment.events": { table: "FulfillmentEvent", by: "fulfillment" },
  "Product.media": { table: "MediaImage", by: "product" },
  "Product.resourcePublicationsV2": { table: "ResourcePublicationV2", by: "product" },
  "Collection.resourcePublicationsV2": { table: "ResourcePublicationV2", by: "collection" },
  "MetaobjectDefinition.metaobjects": { table: "Metaobject", by: "definition" },
  "RegionsCondition.regions": { table: "MarketRegionCountry", by: "market" },
  "PriceList.prices": { table: "PriceListPrice", by: "priceList" },
  "Company.contacts": { table: "CompanyContact", by: "company" },
  "SellingPlanGroup.sellingPlans": { table: "SellingPlan", by: "group" },
  "SubscriptionContract.lines": { table: "SubscriptionLine", by: "contract" },
});

const METAFIELD_OWNERS = [
  ...["Order", "Product", "ProductVariant", "Customer", "Collection", "DraftOrder", "Location", "Shop"],
  ...["Blog", "Article", "Page", "Company", "CompanyLocation"],
];
for (const owner of METAFIELD_OWNERS) CHILDREN[`${owner}.metafields`] = { table: "Metafield", by: `of${owner}` };

/** A record of the table changes its parent's `updatedAt` when it changes: table to the fields that name parents, and their tables. */
export const TOUCHES: Record<string, Record<string, string>> = {
  LineItem: { order: "Order" },
  Refund: { order: "Order" },
  RefundLineItem: { refund: "Refund" },
  OrderTransaction: { order: "Order" },
  Fulfillment: { order: "Order" },
  FulfillmentLineItem: { fulfillment: "Fulfillment" },
  Return: { order: "Order" },
  ReturnLineItem: { return: "Return" },
  ShippingLine: { order: "Order" },
  ProductVariant: { product: "Product" },
  DraftOrderLineItem: { draftOrder: "DraftOrder" },
  FulfillmentOrderLineItem: { fulfillmentOrder: "FulfillmentOrder" },
  AbandonedCheckoutLineItem: { abandonedCheckout: "AbandonedCheckout" },
};

/** What goes with a record: table to the tables and fields of what belongs to it. */
export function belongingsOf(table: string): { table: string; by: string }[] {
  const own = Object.entries(CHILDREN).filter(([key]) => key.startsWith(`${table}.`));
  const kept = ["Customer.orders", "Collection.products", "Return.refunds", "Location.inventoryLevels"];
  const nested = own.filter(([key]) => !kept.includes(key)).map(([, child]) => child);
  // Neither is there without the other.
  if (table === "ProductVariant") return [...nested, { table: "InventoryItem", by: "variant" }];
  return table === "InventoryItem" ? [...nested, { table: "ProductVariant", by: "inventoryItem" }] : nested;
}

/** Tables whose records leave an event when they are deleted: `EventSubjectType` has them. */
export const DELETION_SUBJECTS: Record<string, string> = {
  Order: "ORDER",
  Product: "PRODUCT",
  ProductVariant: "PRODUCT_VARIANT",
  Customer: "CUSTOMER",
  Collection: "COLLECTION",
  DraftOrder: "DRAFT_ORDER",
  DiscountNode: "DISCOUNT_NODE",
  Blog: "BLOG",
  Article: "ARTICLE",
  Comment: "COMMENT",
  Page: "PAGE",
  Company: "COMPANY",
  CompanyLocation: "COMPANY_LOCATION",
};

/** Any of the scopes lets an app read the type. */
export const SCOPES: Record<string, string[]> = {
  ...ofAll(["Order", "LineItem", "Refund", "OrderTransaction", "AbandonedCheckout"], ["read_orders"]),
  Fulfillment: ["read_orders", "read_fulfillments"],
  Return: ["read_returns", "read_orders"],
  ...ofAll(["Product", "ProductVariant", "Collection"], ["read_products"]),
  ...ofAll(["InventoryItem", "InventoryLevel"], ["read_inventory"]),
  Location: ["read_locations"],
  Customer: ["read_customers"],
  FulfillmentOrder: [
    "read_merchant_managed_fulfillment_orders",
    "read_assigned_fulfillment_orders",
    "read_third_party_fulfillment_orders",
  ],
  DraftOrder: ["read_draft_orders"],
  ...ofAll(["DiscountNode", "DiscountCodeNode", "DiscountAutomaticNode"], ["read_discounts"]),
  GiftCard: ["read_gift_cards"],
  TenderTransaction: ["read_orders"],
  ShopifyPaymentsAccount: [
    "read_shopify_payments_payouts",
    "read_shopify_payments_disputes",
    "read_shopify_payments_accounts",
  ],
  ...ofAll(["ShopifyPaymentsPayout", "ShopifyPaymentsBalanceTransaction"], ["read_shopify_payments_payouts"]),
  ShopifyPaymentsDispute: ["read_shopify_payments_disputes"],
  ...ofAll(["Publication", "ResourcePublicationV2"], ["read_publications"]),
  ...ofAll(["Blog", "Article", "Comment", "Page"], ["read_content", "read_online_store_pages"]),
  Metaobject: ["read_metaobjects"],
  MetaobjectDefinition: ["read_metaobject_definitions"],
  Market: ["read_markets"],
  ...ofAll(["Catalog", "PriceList", "SellingPlanGroup"], ["read_products"]),
  ...ofAll(["Company", "CompanyContact", "CompanyLocation"], ["read_companies", "read_customers"]),
  SubscriptionContract: ["read_own_subscription_contracts"],
  DeliveryProfile: ["read_shipping"],
  Segment: ["read_customers"],
  StaffMember: ["read_users"],
};

function ofAll(types: string[], scopes: string[]): Record<string, string[]> {
  return Object.fromEntries(types.map((type) => [type, scopes]));
}

export const ALL_SCOPES = [...new Set([...Object.values(SCOPES).flat(), "read_all_orders"])].sort();
