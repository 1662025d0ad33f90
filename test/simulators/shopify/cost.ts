import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLOutputType,
  getNamedType,
  isAbstractType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from "graphql";
import { nodeTypeOf, shopifySchema } from "./schema.ts";

export interface CostQuestion {
  operation: OperationDefinitionNode;
  fragments: Record<string, FragmentDefinitionNode>;
  variables: Record<string, unknown>;
}

const MUTATION = 10;
/** Of a connection, beside its objects. */
const CONNECTION = 2;

/**
 * Points of a query (https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits): an object 1, scalars and enums 0, an interface or union its
 * dearest selection, a connection by its `first` or `last`, a mutation 10.
 * @param data what was answered, for what the query has cost in fact; without it what it may cost
 */
export function costOf({ operation, fragments, variables }: CostQuestion, data?: unknown): number {
  const schema = shopifySchema();
  const isMutation = operation.operation === "mutation";
  const root = isMutation ? schema.getMutationType() : schema.getQueryType();
  return of(operation.selectionSet, root?.name ?? "", data);

  function of(selections: SelectionSetNode, parent: string, found: unknown): number {
    let sum = 0;
    const branches: number[] = [];
    for (const selection of selections.selections) {
      if (selection.kind === Kind.FIELD) {
        sum += ofField(selection, parent, found);
        continue;
      }
      const on = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments[selection.name.value];
      if (on === undefined) continue;
      const type = on.typeCondition?.name.value ?? parent;
      const inner = of(on.selectionSet, type, found);
      if (isAbstractType(schema.getType(parent))) branches.push(inner);
      else sum += inner;
    }
    return sum + Math.max(0, ...branches);
  }

  function ofField(field: FieldNode, parent: string, found: unknown): number {
    const type = schema.getType(parent);
    const definition = isObjectType(type) || isInterfaceType(type) ? type.getFields()[field.name.value] : undefined;
    if (definition === undefined || field.selectionSet === undefined) return 0;
    const value = found === undefined ? undefined : Object(found)[field.alias?.value ?? field.name.value];
    if (found !== undefined && (value === null || value === undefined)) return 0;
    const own = isMutation && parent === root?.name ? MUTATION : 0;
    return own + ofType(field, field.selectionSet, definition.type, value);
  }

  function ofType(field: FieldNode, selections: SelectionSetNode, type: GraphQLOutputType, value: unknown): number {
    const named = getNamedType(type);
    if (isLeafType(named)) return 0;
    if (nodeTypeOf(type) !== null) return CONNECTION + ofNodes(field, selections, nodeTypeOf(type) ?? "", value);
    if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + 1 + of(selections, named.name, item), 0);
    return 1 + of(selections, named.name, value);
  }

  function ofNodes(field: FieldNode, selections: SelectionSetNode, type: string, value: unknown): number {
    const size = Number(argument(field, "first") ?? argument(field, "last") ?? 0);
    const sums = selections.selections.map((selection) => {
      if (selection.kind !== Kind.FIELD) return 0;
      const name = selection.name.value;
      const node = name === "nodes" ? selection.selectionSet : name === "edges" ? within(selection, "node") : undefined;
      if (node === undefined) return 0;
      const items = value === undefined ? null : Object(value)[selection.alias?.value ?? name];
      if (!Array.isArray(items)) return size * (1 + of(node, type, undefined));
      return items.reduce<number>(
        (sum, item) => sum + 1 + of(node, type, name === "edges" ? Object(item).node : item),
        0,
      );
    });
    return Math.max(0, ...sums);
  }

  function within(field: FieldNode, name: string): SelectionSetNode | undefined {
    const inner = field.selectionSet?.selections.find((each) => each.kind === Kind.FIELD && each.name.value === name);
    return inner?.kind === Kind.FIELD ? inner.selectionSet : undefined;
  }

  function argument(field: FieldNode, name: string): unknown {
    const value = field.arguments?.find((each) => each.name.value === name)?.value;
    if (value?.kind === Kind.VARIABLE) return variables[value.name.value] ?? null;
    return value?.kind === Kind.INT ? Number(value.value) : null;
  }
}
