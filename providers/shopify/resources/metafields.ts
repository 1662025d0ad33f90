import type { GraphqlChild } from "../../lib/graphql/declaration.ts";
import { fields, ID, ofParent } from "../columns.ts";

export const METAFIELD = {
  ...ID,
  ...fields("text", "namespace key type value"),
  ...fields("timestamptz", "createdAt updatedAt"),
};

/** @param parent as in column names: `order` */
export function metafieldsOf(parent: string): GraphqlChild {
  const name = parent.replaceAll("_", " ");
  return {
    entityKey: `${parent}_metafields`,
    displayName: `${name[0]?.toUpperCase()}${name.slice(1)} metafields`,
    description: `What apps and the merchant have added to each ${name}. They are read when the ${name} changes.`,
    field: { connection: "metafields" },
    type: "Metafield",
    columns: { ...ofParent(parent), ...METAFIELD },
    primaryKey: ["id"],
    sizeClass: "l",
    defaultSelected: false,
  };
}
