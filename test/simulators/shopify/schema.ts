import { readFileSync } from "node:fs";
import {
  buildSchema,
  type GraphQLField,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isObjectType,
} from "graphql";

let loaded: GraphQLSchema | null = null;

/** The excerpt of the published schema; built once, when it is first asked for. */
export function shopifySchema(): GraphQLSchema {
  loaded ??= buildSchema(readFileSync(new URL("admin-2026-10.graphql", import.meta.url), "utf8"));
  return loaded;
}

/** The type of a connection's nodes; null where it is no connection. */
export function nodeTypeOf(type: GraphQLOutputType): string | null {
  const named = getNamedType(type);
  if (!isObjectType(named) || !named.name.endsWith("Connection")) return null;
  const { nodes, edges } = named.getFields();
  if (nodes !== undefined) return getNamedType(nodes.type).name;
  const edge = edges === undefined ? undefined : getNamedType(edges.type);
  const node = isObjectType(edge) ? edge.getFields().node : undefined;
  return node === undefined ? null : getNamedType(node.type).name;
}

/** The names of the objects that a value of the type can be. */
export function objectsOf(name: string): string[] {
  const schema = shopifySchema();
  const type = schema.getType(name);
  if (isAbstractType(type)) return schema.getPossibleTypes(type).map((each) => each.name);
  return isObjectType(type) ? [name] : [];
}

/** What a search of the field can filter by: name to the type that Shopify documents. */
export function filtersOf(field: GraphQLField<unknown, unknown>): Map<string, string> {
  const text = field.args.find(({ name }) => name === "query")?.description ?? "";
  const words = text.startsWith("filters: ") ? text.slice("filters: ".length).split(" ") : [];
  return new Map(words.map((word) => word.split(":") as [string, string]));
}
