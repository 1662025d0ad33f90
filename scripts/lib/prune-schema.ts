import {
  buildASTSchema,
  type FieldDefinitionNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  type InputValueDefinitionNode,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isScalarType,
  isUnionType,
  Kind,
  type NamedTypeNode,
  parse,
  print,
  type TypeNode,
  visit,
} from "graphql";

interface PruneOptions {
  /** Of the objects with an id, those that are kept. */
  nodes: readonly string[];
  /** Fields of the mutation root that are kept. */
  mutations: readonly string[];
}

/**
 * A part of a schema that is a schema: the named objects, the values, enums and arguments that they need, and what of the query root leads to
 * them. A field whose type is not kept is left out.
 */
export function pruneSchema(sdl: string, { nodes, mutations }: PruneOptions): string {
  const document = parse(sdl, { noLocation: true });
  const schema = buildASTSchema(document, { assumeValidSDL: true });
  const kept = new Set(nodes.filter((name) => schema.getType(name) !== undefined));
  const missing = nodes.filter((name) => !kept.has(name));
  if (missing.length > 0) console.warn(`the schema has no ${missing.join(", ")}`);
  const roots = [schema.getQueryType()?.name ?? "", schema.getMutationType()?.name ?? ""];
  for (const payload of mutations) {
    const field = schema.getMutationType()?.getFields()[payload];
    if (field !== undefined) kept.add(getNamedType(field.type).name);
  }
  while (grow(schema, kept));
  while (dropEmpty(schema, kept));
  const fits = (name: string): boolean => kept.has(name) || isLeaf(schema, name);
  const used = usedInputs(schema, kept, roots, mutations, fits);
  const keptField = (parent: string, field: FieldDefinitionNode): boolean =>
    (parent !== roots[1] || mutations.includes(field.name.value)) && fits(nameOf(field.type));

  const pruned = visit(document, {
    Document: {
      leave: (node) => ({
        ...node,
        definitions: node.definitions.filter((each) => each.kind !== Kind.DIRECTIVE_DEFINITION),
      }),
    },
    ObjectTypeDefinition: (node) => {
      if (!kept.has(node.name.value) && !roots.includes(node.name.value)) return null;
      return {
        ...withoutDescription(node),
        interfaces: node.interfaces?.filter(isKept),
        fields: node.fields
          ?.filter((field) => keptField(node.name.value, field))
          .map((field) => trimField(node.name.value, field)),
      };
    },
    InterfaceTypeDefinition: (node) =>
      kept.has(node.name.value)
        ? {
            ...withoutDescription(node),
            interfaces: node.interfaces?.filter(isKept),
            fields: node.fields
              ?.filter((field) => keptField(node.name.value, field))
              .map((field) => trimField(node.name.value, field)),
          }
        : null,
    UnionTypeDefinition: (node) =>
      kept.has(node.name.value) ? { ...withoutDescription(node), types: node.types?.filter(isKept) } : null,
    EnumTypeDefinition: (node) =>
      used.has(node.name.value)
        ? {
            ...withoutDescription(node),
            values: node.values?.map((value) => ({ ...withoutDescription(value), directives: [] })),
          }
        : null,
    ScalarTypeDefinition: (node) =>
      used.has(node.name.value) ? { ...withoutDescription(node), directives: [] } : null,
    InputObjectTypeDefinition: (node) =>
      used.has(node.name.value)
        ? {
            ...withoutDescription(node),
            fields: node.fields?.map((field) => ({ ...withoutDescription(field), directives: [] })),
          }
        : null,
    DirectiveDefinition: () => undefined,
  });
  return print(pruned);

  function trimField(parent: string, field: FieldDefinitionNode): FieldDefinitionNode {
    const type = schema.getType(parent);
    const interfaces = isObjectType(type) ? type.getInterfaces() : [];
    // Shopify deprecates fields of objects that their interfaces demand, which graphql-js takes for a mistake.
    const isDemanded = interfaces.some((each) => {
      const demanded = each.getFields()[field.name.value];
      return demanded !== undefined && demanded.deprecationReason == null;
    });
    return {
      ...withoutDescription(field),
      ...(isDemanded ? { directives: [] } : {}),
      ...(field.arguments && { arguments: field.arguments.map(trimArgument) }),
    };
  }

  function isKept({ name }: NamedTypeNode): boolean {
    return kept.has(name.value);
  }
}

/** Takes in what the kept types need. @returns whether there was anything */
function grow(schema: GraphQLSchema, kept: Set<string>): boolean {
  const before = kept.size;
  for (const type of Object.values(schema.getTypeMap())) {
    if (kept.has(type.name) || type.name.startsWith("__")) continue;
    const isPage = /(Connection|Edge)$/.test(type.name) && isObjectType(type);
    if (isPage) {
      const { edges, node } = type.getFields();
      const of = edges === undefined ? node : edges;
      if (of !== undefined && kept.has(getNamedType(of.type).name)) kept.add(type.name);
    }
    if (isInterfaceType(type) && schema.getPossibleTypes(type).some(({ name }) => kept.has(name))) kept.add(type.name);
    if (isUnionType(type) && type.getTypes().some(({ name }) => kept.has(name))) kept.add(type.name);
  }
  for (const name of [...kept]) {
    const type = schema.getType(name);
    if (isUnionType(type))
      for (const member of type.getTypes()) if (isValue(schema, member.name)) kept.add(member.name);
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      const of = getNamedType(field.type);
      for (const name of [of.name, nodeOf(of)]) for (const value of valuesOf(schema, name)) kept.add(value);
    }
  }
  return kept.size > before;
}

/** The type of a connection's nodes; the name itself where it is none. */
function nodeOf(type: GraphQLNamedType): string {
  const edges = isObjectType(type) && type.name.endsWith("Connection") ? type.getFields().edges : undefined;
  const edge = edges === undefined ? undefined : getNamedType(edges.type);
  const node = isObjectType(edge) ? edge.getFields().node : undefined;
  return node === undefined ? type.name : getNamedType(node.type).name;
}

/** What of the objects that the type stands for are values. */
function valuesOf(schema: GraphQLSchema, name: string): string[] {
  const type = schema.getType(name);
  const objects =
    isInterfaceType(type) || isUnionType(type) ? schema.getPossibleTypes(type).map((each) => each.name) : [name];
  return objects.filter((each) => isValue(schema, each));
}

/** Lets go of types of which no field would be left. @returns whether there was one */
function dropEmpty(schema: GraphQLSchema, kept: Set<string>): boolean {
  const before = kept.size;
  for (const name of [...kept]) {
    const type = schema.getType(name);
    if (isUnionType(type) && !type.getTypes().some((each) => kept.has(each.name))) kept.delete(name);
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    const fields = Object.values(type.getFields()).map((field) => getNamedType(field.type).name);
    if (!fields.some((of) => kept.has(of) || isLeaf(schema, of))) kept.delete(name);
  }
  return kept.size < before;
}

/** It has no id, and is no page of objects. */
function isValue(schema: GraphQLSchema, name: string): boolean {
  const type = schema.getType(name);
  if (!isObjectType(type) || /(Connection|Edge|Payload)$/.test(name)) return name === "PageInfo";
  return !type.getInterfaces().some((each) => each.name === "Node") && type !== schema.getQueryType();
}

function isLeaf(schema: GraphQLSchema, name: string): boolean {
  const type = schema.getType(name);
  return isScalarType(type) || isEnumType(type);
}

/** Enums, scalars and inputs that a kept field answers or takes. */
function usedInputs(
  schema: GraphQLSchema,
  kept: ReadonlySet<string>,
  [query = "", mutation = ""]: string[],
  mutations: readonly string[],
  fits: (name: string) => boolean,
): Set<string> {
  const used = new Set<string>();
  function use(name: string): void {
    if (used.has(name)) return;
    used.add(name);
    const type = schema.getType(name);
    if (isInputObjectType(type))
      for (const field of Object.values(type.getFields())) use(getNamedType(field.type).name);
  }
  for (const name of [...kept, query, mutation]) {
    const type = schema.getType(name);
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      if ((name === mutation && !mutations.includes(field.name)) || !fits(getNamedType(field.type).name)) continue;
      use(getNamedType(field.type).name);
      for (const argument of field.args) use(getNamedType(argument.type).name);
    }
  }
  return used;
}

/** Which filters a search knows stands only in its description. */
function trimArgument(argument: InputValueDefinitionNode): InputValueDefinitionNode {
  const rows = argument.description?.value.matchAll(/^\s*\| ([a-z_.{}0-9]+) \| (\w+) \|/gm) ?? [];
  const filters = [...rows].map(([, name, type]) => `${name}:${type}`).filter((each) => !each.startsWith("name:type"));
  const bare = { ...withoutDescription(argument), directives: [] };
  if (argument.name.value !== "query" || filters.length === 0) return bare;
  return { ...bare, description: { kind: Kind.STRING, value: `filters: ${filters.join(" ")}` } };
}

function withoutDescription<T extends { description?: unknown }>({ description: _, ...node }: T): T {
  return node as T;
}

function nameOf(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : nameOf(type.type);
}
