import { type DocumentNode, getNullableType, isListType, Kind, TypeInfo, visit, visitWithTypeInfo } from "graphql";
import { nodeTypeOf, shopifySchema } from "./schema.ts";

const MOST_CONNECTIONS = 5;
const DEEPEST = 2;

/**
 * What bulk operations do not run (https://shopify.dev/docs/api/usage/bulk-operations/queries): more than one root field, no connection or more
 * than five, connections more than two below another, or within a list, `node` and `nodes`, and a connection below an object without its `id`.
 * @returns null where it runs
 */
export function bulkFaultOf(document: DocumentNode): string | null {
  const types = new TypeInfo(shopifySchema());
  const above: { isConnection: boolean; isList: boolean; hasId: boolean }[] = [];
  let connections = 0;
  let fault: string | null = null;
  const roots = document.definitions.flatMap((each) =>
    each.kind === Kind.OPERATION_DEFINITION ? each.selectionSet.selections : [],
  );
  if (roots.length !== 1) return "Bulk queries must have exactly one top level field.";
  visit(
    document,
    visitWithTypeInfo(types, {
      Field: {
        enter(field) {
          const type = types.getType();
          const isConnection = type != null && nodeTypeOf(type) !== null;
          const isList =
            type != null && isListType(getNullableType(type)) && !["edges", "nodes"].includes(field.name.value);
          const outer = above.filter((each) => each.isConnection).length;
          if (above.length === 0 && ["node", "nodes"].includes(field.name.value))
            fault ??= "Bulk queries cannot contain the top level fields node and nodes.";
          if (isConnection) {
            connections += 1;
            if (outer > DEEPEST) fault ??= `Bulk queries cannot nest connections more than ${DEEPEST} levels deep.`;
            if (above.some((each) => each.isList))
              fault ??= "Queries that contain a connection field within a list field are not supported.";
            if (outer > 0 && !above.some((each) => each.hasId))
              fault ??= "The parent 'node' field for a nested connection must select the 'id' field without an alias.";
          }
          const own = field.selectionSet?.selections ?? [];
          const hasId = own.some(
            (each) => each.kind === Kind.FIELD && each.name.value === "id" && each.alias === undefined,
          );
          above.push({ isConnection, isList, hasId });
        },
        leave() {
          above.pop();
        },
      },
    }),
  );
  if (connections === 0) fault ??= "Bulk queries must contain at least one connection.";
  if (connections > MOST_CONNECTIONS)
    fault ??= `Bulk queries cannot contain more than ${MOST_CONNECTIONS} connections.`;
  return fault;
}
