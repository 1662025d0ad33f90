import type { GraphqlResource } from "../../lib/graphql/declaration.ts";
import { fields, ID, money, objects, references, UPDATED_AT } from "../columns.ts";
import { metafieldsOf } from "./metafields.ts";

/** A list of its own: connections within the variants of a product would lie too deep for a query. */
export const variantDetails: GraphqlResource = {
  entityKey: "product_variant_details",
  displayName: "Product variant details",
  description: "What product_variants does not have of a variant: its unit price and how it is delivered.",
  root: "productVariants",
  type: "ProductVariant",
  columns: {
    ...ID,
    ...references("product deliveryProfile"),
    ...fields("boolean", "showUnitPrice"),
    ...money("unitPrice"),
    ...objects({ unitPriceMeasurement: "measuredType quantityUnit quantityValue referenceUnit referenceValue" }),
    ...UPDATED_AT,
  },
  primaryKey: ["id"],
  cursor: { column: "updated_at", term: "updated_at", isOrdered: false },
  pageSize: 100,
  childPageSize: 10,
  children: [metafieldsOf("product_variant")],
  deletions: { subjects: ["PRODUCT_VARIANT"] },
  isExportable: true,
  permission: "read_products",
  sizeClass: "m",
  defaultSelected: false,
};
