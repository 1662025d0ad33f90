import type { GraphqlChild, GraphqlConnection, GraphqlDeclaration, GraphqlResource } from "./declaration.ts";
import type { GraphqlDocument } from "./document.ts";
import { nestedColumns, nestedDocuments } from "./nested.ts";
import { detailsOf, PAGE_INFO, selectionOf, type Wanted } from "./selection.ts";

/** Of each connection within the elements of children. */
const NESTED_PAGE = 5;

type Resources = Pick<GraphqlDeclaration<never, never>, "resources" | "deletions">;

/** Names of the listings that are no table. */
export const deletionsOf = (entityKey: string): string => `${entityKey}:deleted`;
export const changesOf = (entityKey: string): string => `${entityKey}:changed`;

/** Every query that a declaration gives, by the name that a request calls it by. @param wanted null: all columns of all entities */
export function composeDocuments(declaration: Resources, wanted: Wanted | null): Map<string, GraphqlDocument> {
  const documents = new Map(nestedDocuments(nestedColumns(declaration, wanted)));
  for (const resource of declaration.resources) {
    documents.set(resource.entityKey, pageOf(resource, wanted));
    for (const child of resource.children ?? []) {
      if ("connection" in child.field) documents.set(child.entityKey, restOf(resource, child, wanted));
      if (child.changes !== undefined) documents.set(changesOf(child.entityKey), changedOf(resource, child, wanted));
    }
    const { deletions } = resource;
    if (deletions !== undefined && declaration.deletions !== undefined) {
      const { root, args, select, term, terms } = declaration.deletions;
      documents.set(deletionsOf(resource.entityKey), {
        text: `query($first: Int!, $after: String, $search: String) { ${root}(${listed(args)}) { nodes { ${select} } ${PAGE_INFO} } }`,
        ...{ first: 250, inner: null, nested: null, term, terms: terms(deletions.subjects), permission: undefined },
      });
    }
  }
  return documents;
}

function pageOf(resource: GraphqlResource, wanted: Wanted | null): GraphqlDocument {
  const { entityKey, root, within, args, pageSize, childPageSize, cursor, terms = null, permission } = resource;
  const nodes = nodeOf(resource, wanted, "page");
  if (resource.isSingle)
    return {
      text: `query ${nameOf(entityKey)} { ${root} { ${nodes.text} } }`,
      ...{ first: 1, inner: null, nested: null, term: null, terms, permission },
    };
  const isSearched = resource.isSearchable !== false;
  const inner = nodes.hasConnection ? (childPageSize ?? 50) : null;
  const nested = nestedIn(nodes.text);
  const page = `${root}(${listed(args, isSearched)}) { nodes { ${nodes.text} } ${PAGE_INFO} }`;
  const variables = `$first: Int!, $after: String${isSearched ? ", $search: String" : ""}${inner === null ? "" : ", $inner: Int!"}${nested.variable}`;
  return {
    text: `query ${nameOf(entityKey)}(${variables}) { ${within === undefined ? page : `${within} { ${page} }`} }`,
    ...(within === undefined ? {} : { within: { field: within, connection: root } }),
    ...{ first: pageSize, inner, nested: nested.size, term: cursor?.term ?? null, terms, permission },
  };
}

function nestedIn(text: string): { size: number | null; variable: string } {
  return text.includes("$nested") ? { size: NESTED_PAGE, variable: ", $nested: Int!" } : { size: null, variable: "" };
}

const listed = (args: string | undefined, isSearched = true): string =>
  [`first: $first, after: $after${isSearched ? ", query: $search" : ""}`, args]
    .filter((each) => each !== undefined)
    .join(", ");

/** What is left of one parent's connection. */
function restOf(resource: GraphqlResource, child: GraphqlChild, wanted: Wanted | null): GraphqlDocument {
  const { connection, args, under } = connectionOf(child);
  const fields = elementOf(child, wanted);
  const page = ["first: $first, after: $after", args].filter((each) => each !== undefined).join(", ");
  const nested = nestedIn(fields);
  // The id says whose elements they are, where only their own connection knows them.
  const body = `id ${withinUnder(`${connection}(${page}) { nodes { ${fields} } ${PAGE_INFO} }`, under)}`;
  return {
    text: `query ${nameOf(child.entityKey)}($id: ID!, $first: Int!, $after: String${nested.variable}) { node(id: $id) { ... on ${resource.type} { ${body} } } }`,
    ...{ first: nested.size === null ? 250 : 50, inner: null, nested: nested.size, term: null, terms: null },
    permission: child.permission ?? resource.permission,
  };
}

/** Children that changed without their parent. */
function changedOf(resource: GraphqlResource, child: GraphqlChild, wanted: Wanted | null): GraphqlDocument {
  const { changes } = child;
  if (changes === undefined) throw new Error(`${child.entityKey} does not change without its parent.`);
  const { connection, args, of, term, pageSize } = changes;
  const ofParent = Object.entries(child.columns).flatMap(([name, column]) => detailsOf(name, column).parent ?? []);
  const parent = `${changes.parentField} { ${selectionOf({}, { paths: [...new Set(ofParent)] })} }`;
  const page = `${connection}(${listed(args)}) { nodes { ${elementOf(child, wanted, { paths: [pathOf(child, changes.column)] })} ${parent} } ${PAGE_INFO} }`;
  const body = of === undefined ? page : `node(id: $id) { ... on ${of.type} { ${page} } }`;
  const id = of === undefined ? "" : "$id: ID!, ";
  return {
    text: `query ${nameOf(child.entityKey)}Changed(${id}$first: Int!, $after: String, $search: String) { ${body} }`,
    ...{ first: pageSize, inner: null, nested: null, term, terms: null },
    permission: child.permission ?? resource.permission,
    mayBeGone: true,
  };
}

/** An export's query: no variables, no pages. @param search null: everything */
export function exportQuery(resource: GraphqlResource, wanted: Wanted | null, search: string | null): string {
  const { root, args } = resource;
  const given = [search === null ? undefined : `query: ${JSON.stringify(search)}`, args].filter(
    (each) => each !== undefined,
  );
  const nodes = nodeOf(resource, wanted, "export").text;
  return `{ ${root}${given.length === 0 ? "" : `(${given.join(", ")})`} { edges { node { ${nodes} } } } }`;
}

function nodeOf(
  resource: GraphqlResource,
  wanted: Wanted | null,
  way: "page" | "export",
): { text: string; hasConnection: boolean } {
  const { entityKey, columns, unions = {}, cursor, primaryKey, children = [] } = resource;
  const asked = children.filter((child) => wanted === null || wanted.has(child.entityKey));
  const needed = [
    ...[...primaryKey, ...(cursor === undefined ? [] : [cursor.column])].map((column) => pathOf(resource, column)),
    ...asked.flatMap((child) =>
      Object.entries(child.columns).flatMap(([name, column]) => detailsOf(name, column).parent ?? []),
    ),
  ];
  const names = wanted === null ? undefined : (wanted.get(entityKey) ?? new Set<string>());
  const own = selectionOf(columns, { names, paths: needed, unions });
  const inner = asked.map((child) => childOf(child, wanted, way));
  return {
    text: [own, ...inner].join(" "),
    hasConnection: asked.some(({ field }) => "connection" in field),
  };
}

function childOf(child: GraphqlChild, wanted: Wanted | null, way: "page" | "export"): string {
  const { field } = child;
  const fields = elementOf(child, wanted, { isFlat: way === "export" });
  if ("list" in field) return `${field.list} { ${fields} }`;
  const { connection, args, under } = field;
  // Lines of all connections stand in one file: their types tell them apart.
  if (way === "export") {
    const lines = `${connection}${args === undefined ? "" : `(${args})`} { edges { node { __typename ${fields} } } }`;
    return withinUnder(lines, under);
  }
  const page = `${connection}(${["first: $inner", args].filter((each) => each !== undefined).join(", ")}) { nodes { ${fields} } ${PAGE_INFO} }`;
  return withinUnder(page, under);
}

/** The selection inside the objects that it lies in. */
function withinUnder(selection: string, under: GraphqlConnection["under"]): string {
  if (under === undefined) return selection;
  const { path, types } = under;
  const inner = types === undefined ? selection : types.map((type) => `... on ${type} { ${selection} }`).join(" ");
  return path.split(".").reduceRight((within, step) => `${step} { ${within} }`, inner);
}

function elementOf(
  child: GraphqlChild,
  wanted: Wanted | null,
  { paths = [], isFlat = false }: { paths?: readonly string[]; isFlat?: boolean } = {},
): string {
  const { entityKey, columns, primaryKey, hasNoId = false, unions = {} } = child;
  const key = primaryKey.flatMap((name) => {
    const { path, parent } = detailsOf(name, columns[name] ?? "text");
    return parent === undefined ? [path] : [];
  });
  return selectionOf(columns, {
    names: wanted?.get(entityKey),
    paths: [...new Set([...(hasNoId ? [] : ["id"]), ...key, ...paths])],
    isFlat,
    unions,
  });
}

export function connectionOf({ entityKey, field }: GraphqlChild): GraphqlConnection {
  if ("connection" in field) return field;
  throw new Error(`${entityKey} is no connection.`);
}

/** Where the resource's nodes have a column, or a field that has none. */
export function pathOf({ columns }: Pick<GraphqlResource, "columns">, name: string): string {
  const column = columns[name];
  return column === undefined ? name : detailsOf(name, column).path;
}

/** `order_line_items` -> `OrderLineItems`: the vendor's logs show it. */
function nameOf(entityKey: string): string {
  return entityKey.replaceAll(/(^|_)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
}
