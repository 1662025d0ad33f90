import type { GraphqlChild, GraphqlResource } from "../../lib/graphql/declaration.ts";
import { fields, ID, LEGACY_ID, objects, ofParent, references, UPDATED_AT } from "../columns.ts";
import { metafieldsOf } from "./metafields.ts";
import { publicationsOf } from "./publications.ts";

const variants: GraphqlChild = {
  entityKey: "product_variants",
  displayName: "Product variants",
  description: "Each size, colour or the like of a product. A variant that its product no longer has is deleted.",
  field: { connection: "variants" },
  type: "ProductVariant",
  columns: {
    ...ofParent("product"),
    ...ID,
    ...LEGACY_ID,
    ...references("inventoryItem"),
    ...fields("text", "title displayName sku barcode inventoryPolicy"),
    ...fields("numeric", "price compareAtPrice"),
    ...fields("integer", "position inventoryQuantity sellableOnlineQuantity"),
    ...fields("boolean", "availableForSale taxable requiresComponents"),
    ...objects({ selectedOptions: "name value" }),
    ...fields("timestamptz", "createdAt updatedAt"),
  },
  primaryKey: ["id"],
  changes: {
    connection: "productVariants",
    term: "updated_at",
    column: "updated_at",
    parentField: "product",
    pageSize: 250,
  },
  sizeClass: "m",
};

const media: GraphqlChild = {
  entityKey: "product_media",
  displayName: "Product media",
  description: "Images, videos and models of a product, in their order.",
  field: { connection: "media" },
  type: "MediaImage",
  types: ["MediaImage", "Video", "ExternalVideo", "Model3d"],
  columns: {
    ...ofParent("product"),
    ...ID,
    ...fields("text", "alt mediaContentType status"),
    preview_url: { type: "text", path: "preview.image.url" },
  },
  primaryKey: ["product_id", "id"],
  sizeClass: "m",
  defaultSelected: false,
};

export const products: GraphqlResource = {
  entityKey: "products",
  displayName: "Products",
  description: "What the shop sells.",
  root: "products",
  type: "Product",
  args: "sortKey: UPDATED_AT",
  columns: {
    ...ID,
    ...LEGACY_ID,
    ...fields("text", "title handle status vendor productType descriptionHtml templateSuffix onlineStoreUrl"),
    ...fields("jsonb", "tags"),
    ...fields("boolean", "isGiftCard hasOnlyDefaultVariant hasOutOfStockVariants tracksInventory requiresSellingPlan"),
    ...fields("integer", "totalInventory"),
    min_variant_price: { type: "numeric", path: "priceRangeV2.minVariantPrice.amount" },
    max_variant_price: { type: "numeric", path: "priceRangeV2.maxVariantPrice.amount" },
    ...objects({ options: "id name position values", category: "id name fullName", seo: "title description" }),
    ...fields("timestamptz", "createdAt publishedAt"),
    ...UPDATED_AT,
  },
  primaryKey: ["id"],
  cursor: { column: "updated_at", term: "updated_at", isOrdered: true },
  pageSize: 50,
  childPageSize: 20,
  children: [variants, media, metafieldsOf("product"), publicationsOf("product")],
  deletions: { subjects: ["PRODUCT"] },
  isExportable: true,
  permission: "read_products",
  sizeClass: "m",
};

const collectionProducts: GraphqlChild = {
  entityKey: "collection_products",
  displayName: "Collection products",
  description: "Which products are in a collection. Read when the collection changes; a full refresh reads all.",
  field: { connection: "products" },
  type: "Product",
  columns: { ...ofParent("collection"), product_id: { type: "text", path: "id", required: true } },
  primaryKey: ["collection_id", "product_id"],
  sizeClass: "m",
  defaultSelected: false,
};

export const collections: GraphqlResource = {
  entityKey: "collections",
  displayName: "Collections",
  description: "Groups of products, by hand or by rules.",
  root: "collections",
  type: "Collection",
  args: "sortKey: UPDATED_AT",
  columns: {
    ...ID,
    ...LEGACY_ID,
    ...fields("text", "title handle descriptionHtml sortOrder templateSuffix"),
    products_count: { type: "integer", path: "productsCount.count" },
    image_url: { type: "text", path: "image.url" },
    ...objects({ seo: "title description", sources: "__typename id title description" }),
    ...UPDATED_AT,
  },
  primaryKey: ["id"],
  cursor: { column: "updated_at", term: "updated_at", isOrdered: true },
  pageSize: 100,
  childPageSize: 100,
  children: [collectionProducts, metafieldsOf("collection"), publicationsOf("collection")],
  deletions: { subjects: ["COLLECTION"] },
  isExportable: true,
  permission: "read_products",
  sizeClass: "s",
};
