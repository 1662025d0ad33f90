import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { pruneSchema } from "./lib/prune-schema.ts";

/**
 * Makes the excerpt of Shopify's published schema that tests validate queries against and the simulator executes:
 * `node scripts/shopify-schema.ts <admin-2026-10.graphql>`. The whole schema, as SDL, is made from the introspection result in npm
 * `@shopify/dev-mcp` (`dist/data/admin_2026-10.json.gz`), which is too heavy a dependency.
 */

const EXCERPT = fileURLToPath(new URL("../test/simulators/shopify/admin-2026-10.graphql", import.meta.url));

const HEADER = `# An excerpt of Shopify's GraphQL Admin API 2026-10: the types that a connector may read, with all of their fields whose types are here.
# Made by scripts/shopify-schema.ts from the introspection result in npm @shopify/dev-mcp 1.16.0, Copyright Shopify Inc., licence ISC.
# Of the descriptions only the names of the filters of "query" arguments are kept, as "filters: name:type ...".
`;

/** Objects with an id of their own that are kept. Values, such as money and addresses, are kept where these have them. */
const NODES = [
  ...["Order", "LineItem", "Refund", "RefundLineItem", "OrderTransaction", "Return", "ReturnLineItem"],
  ...["Fulfillment", "FulfillmentLineItem", "FulfillmentEvent", "FulfillmentOrder", "FulfillmentOrderLineItem"],
  ...["ShippingLine", "OrderAdjustment", "RefundShippingLine", "OrderRisk", "CashRoundingAdjustment", "AdditionalFee"],
  ...["Product", "ProductVariant", "ProductOption", "ProductOptionValue", "MediaImage", "Collection"],
  ...["InventoryItem", "InventoryItemMeasurement", "InventoryLevel", "InventoryQuantity", "Location"],
  ...["TransactionFee", "FulfillmentHold", "FulfillmentOrderDestination", "DiscountAutomaticBxgy"],
  ...["Customer", "CustomerVisit", "CustomerJourneySummary", "MailingAddress", "Metafield", "Segment"],
  ...["DraftOrder", "DraftOrderLineItem", "DiscountCodeNode", "DiscountAutomaticNode", "DiscountNode"],
  ...["DiscountRedeemCode", "GiftCard", "AbandonedCheckout", "AbandonedCheckoutLineItem", "Abandonment"],
  ...["BasicEvent", "CommentEvent", "DeletionEvent", "BulkOperation", "App", "AppInstallation", "Shop"],
  ...["ShopifyPaymentsAccount", "ShopifyPaymentsPayout", "ShopifyPaymentsBalanceTransaction", "ShopifyPaymentsDispute"],
  ...[
    "Publication",
    "Channel",
    "TenderTransaction",
    "PriceList",
    "Catalog",
    "CatalogCsvOperation",
    "Blog",
    "Article",
    "Comment",
    "Page",
  ],
  ...["Metaobject", "MetaobjectDefinition", "Market", "MarketRegionCountry", "AppCatalog", "CompanyLocationCatalog"],
  ...["MarketCatalog", "DeliveryLocationGroup", "DeliveryZone", "DeliveryCountry", "DeliveryProvince"],
  ...["SellingPlanGroup", "SellingPlan", "SubscriptionContract", "SubscriptionLine", "SubscriptionBillingAttempt"],
  ...["CompanyContact", "CompanyAddress", "GenericFile", "Video", "ExternalVideo", "Model3d"],
  ...[
    "CollectionConditionsSource",
    "CollectionSubCollectionsSource",
    "GiftCardCreditTransaction",
    "GiftCardDebitTransaction",
    "Domain",
    "ShopAddress",
    "ShopPolicy",
    "FulfillmentService",
  ],
  ...[
    "StaffMember",
    "Company",
    "CompanyLocation",
    "DeliveryProfile",
    "DeliveryMethod",
    "TaxonomyCategory",
    "StoreCreditAccount",
    "PaymentTerms",
    "PaymentSchedule",
  ],
];

const [path] = process.argv.slice(2);
if (path === undefined) throw new Error("usage: node scripts/shopify-schema.ts <the whole schema, as SDL>");
const excerpt = pruneSchema(readFileSync(path, "utf8"), {
  nodes: NODES,
  mutations: ["bulkOperationRunQuery", "bulkOperationCancel"],
});
writeFileSync(EXCERPT, `${HEADER}\n${excerpt}\n`);
console.log(`${EXCERPT}: ${Math.round(excerpt.length / 1024)} KB`);
