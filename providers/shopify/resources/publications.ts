import type { GraphqlChild, GraphqlResource } from "../../lib/graphql/declaration.ts";
import { fields, ID, ofParent } from "../columns.ts";

/**
 * Without `catalogType`, Shopify gives publications of the type APP alone. It takes one type at a time, and a query has a connection once, so the others are left out.
 * https://shopify.dev/docs/api/admin-graphql/latest/interfaces/Publishable
 * @param parent as in column names: `product`
 */
export function publicationsOf(parent: string): GraphqlChild {
  return {
    entityKey: `${parent}_publications`,
    displayName: `${parent[0]?.toUpperCase()}${parent.slice(1)} publications`,
    description: `Apps and sales channels where a ${parent} is published, or will be. Shopify leaves out catalogs of markets and of companies here. Read when the ${parent} changes, which publishing need not do; a full refresh reads all.`,
    field: { connection: "resourcePublicationsV2", args: "onlyPublished: false" },
    type: "ResourcePublicationV2",
    hasNoId: true,
    columns: {
      ...ofParent(parent),
      publication_id: { type: "text", path: "publication.id", required: true },
      ...fields("boolean", "isPublished"),
      ...fields("timestamptz", "publishDate"),
    },
    primaryKey: [`${parent}_id`, "publication_id"],
    permission: "read_publications",
    sizeClass: "m",
    defaultSelected: false,
  };
}

export const publications: GraphqlResource = {
  entityKey: "publications",
  displayName: "Publications",
  description: "Where products and collections can be published: sales channels, apps and catalogs. Read as a whole.",
  root: "publications",
  isSearchable: false,
  type: "Publication",
  columns: {
    ...ID,
    catalog_id: { type: "text", path: "catalog.id" },
    catalog_title: { type: "text", path: "catalog.title" },
    ...fields("boolean", "autoPublish supportsFuturePublishing"),
  },
  primaryKey: ["id"],
  pageSize: 100,
  permission: "read_publications",
  loadMode: "replace",
  sizeClass: "xs",
  defaultSelected: false,
};
