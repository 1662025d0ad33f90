import type { GraphqlChild } from "../../lib/graphql/declaration.ts";
import { fields, ID, ofParent } from "../columns.ts";

/** @param parent as in column names: `order` */
export function metafieldsOf(parent: string): GraphqlChild {
  return {
    entityKey: `${parent}_metafields`,
    displayName: `${parent[0]?.toUpperCase()}${parent.slice(1)} metafields`,
    description: `What apps and the merchant have added to each ${parent}. They are read when the ${parent} changes.`,
    field: { connection: "metafields" },
    type: "Metafield",
    columns: {
      ...ofParent(parent),
      ...ID,
      ...fields("text", "namespace key type value"),
      ...fields("timestamptz", "createdAt updatedAt"),
    },
    primaryKey: ["id"],
    sizeClass: "l",
    defaultSelected: false,
  };
}
