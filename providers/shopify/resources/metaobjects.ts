import type { GraphqlChild, GraphqlResource } from "../../lib/graphql/declaration.ts";
import { fields, ID, objects, ofParent, UPDATED_AT } from "../columns.ts";

const metaobjects: GraphqlChild = {
  entityKey: "metaobjects",
  displayName: "Metaobjects",
  description: "Entries of the shop's own kinds of content, with the values of their fields. Read as a whole.",
  field: { connection: "metaobjects" },
  type: "Metaobject",
  columns: {
    ...ofParent("metaobject_definition"),
    ...ID,
    ...fields("text", "type handle displayName"),
    ...objects({ fields: "key type value" }),
    ...fields("timestamptz", "createdAt"),
    ...UPDATED_AT,
  },
  primaryKey: ["id"],
  permission: "read_metaobjects",
  sizeClass: "m",
  defaultSelected: false,
};

export const metaobjectDefinitions: GraphqlResource = {
  entityKey: "metaobject_definitions",
  displayName: "Metaobject definitions",
  description: "The shop's own kinds of content and their fields. Read as a whole.",
  root: "metaobjectDefinitions",
  isSearchable: false,
  type: "MetaobjectDefinition",
  columns: {
    ...ID,
    ...fields("text", "type name description displayNameKey"),
    ...objects({ fieldDefinitions: "key name description required type { name category }" }),
    ...fields("timestamptz", "createdAt"),
    ...UPDATED_AT,
  },
  primaryKey: ["id"],
  pageSize: 50,
  childPageSize: 50,
  children: [metaobjects],
  isExportable: true,
  permission: "read_metaobject_definitions",
  loadMode: "replace",
  sizeClass: "xs",
  defaultSelected: false,
};
