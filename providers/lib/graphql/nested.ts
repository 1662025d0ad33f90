import { isProviderError, TransientError } from "../../../core/errors.ts";
import type { HttpResponse } from "../http/client.ts";
import { isObject, type JsonObject, type JsonValue, jsonOf } from "../http/json.ts";
import { textOf } from "./answer.ts";
import type { GraphqlChild, GraphqlDeclaration } from "./declaration.ts";
import type { GraphqlDocument } from "./document.ts";
import { detailsOf, nestedSelection, PAGE_INFO, type Wanted } from "./selection.ts";

/**
 * Connections inside the elements of children, such as the line items of a refund: a column holds all of their nodes. A page has the first ones and an
 * export, which cannot have connections within lists, has none; here the rest is read by the element's id, or found in its owner's connection where the
 * vendor has no way to the element itself. So a column is whole, or the read fails.
 */

/** Elements in one query, and nodes of each. */
const ELEMENTS = 10;
const FEW_NODES = 10;
const MANY_NODES = 100;

export interface NestedColumn {
  connection: string;
  child: GraphqlChild;
  /** Type of the objects that have the child's connection. */
  ownerType: string;
  /** Set: the element is found by this search term in its owner's connection. */
  elementTerm: string | null;
  /** Selection of a node. */
  nodes: string;
}

/** Asks by the name of a document. @throws ProviderError */
export type Call = (call: {
  call: string;
  id?: string;
  ids?: string[];
  after?: string;
  within?: string;
}) => Promise<JsonObject>;

const restName = (connection: string): string => `${connection}:rest`;
const someName = ({ entityKey }: GraphqlChild): string => `${entityKey}:some`;

/** Those that a plan reads. @param wanted null: all */
export function nestedColumns(
  { resources }: Pick<GraphqlDeclaration<never, never>, "resources">,
  wanted: Wanted | null,
): NestedColumn[] {
  return resources
    .flatMap(({ type, children = [] }) => children.map((child) => ({ child, ownerType: type })))
    .flatMap(({ child, ownerType }) =>
      Object.entries(child.columns).flatMap(([name, column]): NestedColumn[] => {
        const { path, nodes, elementTerm = null } = detailsOf(name, column);
        const isWanted = wanted === null || wanted.get(child.entityKey)?.has(name) === true;
        return nodes === undefined || !isWanted ? [] : [{ connection: path, child, ownerType, elementTerm, nodes }];
      }),
    );
}

/** Columns of the same child: one query has them all. */
function byChild(columns: readonly NestedColumn[]): [GraphqlChild, NestedColumn[]][] {
  return [...new Set(columns.map(({ child }) => child))].map((child) => [
    child,
    columns.filter((column) => column.child === child),
  ]);
}

export function nestedDocuments(columns: readonly NestedColumn[]): [string, GraphqlDocument][] {
  const common = { inner: null, nested: null, term: null, terms: null };
  const rests = columns.map((column): [string, GraphqlDocument] => [
    restName(column.connection),
    { text: restText(column), ...{ first: MANY_NODES, ...common }, permission: column.child.permission },
  ]);
  const somes = byChild(columns).map(([child, own]): [string, GraphqlDocument] => {
    const some = own.map(({ connection, nodes }) => nestedSelection(connection, nodes, "first: $first")).join(" ");
    return [
      someName(child),
      {
        text: `query($ids: [ID!]!, $first: Int!) { nodes(ids: $ids) { ... on ${child.type} { id ${some} } } }`,
        ...{ first: FEW_NODES, ...common },
        permission: child.permission,
      },
    ];
  });
  // What `node` does not know, `nodes` does not know either.
  return [
    ...rests,
    ...somes.filter(([name]) => columns.some((each) => someName(each.child) === name && each.elementTerm === null)),
  ];
}

function restText({ connection, child, ownerType, elementTerm, nodes }: NestedColumn): string {
  const rest = `${connection}(first: $first, after: $after) { nodes { ${nodes} } ${PAGE_INFO} }`;
  if (elementTerm === null)
    return `query($id: ID!, $first: Int!, $after: String) { node(id: $id) { ... on ${child.type} { ${rest} } } }`;
  const own = `${connectionOf(child)}(first: 1, query: $within) { nodes { id ${rest} } }`;
  return `query($id: ID!, $within: String!, $first: Int!, $after: String) { node(id: $id) { ... on ${ownerType} { ${own} } } }`;
}

function connectionOf({ entityKey, field }: GraphqlChild): string {
  if ("connection" in field && field.under === undefined) return field.connection;
  throw new Error(`${entityKey} is no connection of its owner.`);
}

/** The answer with what its lists lack. Nearly all answers lack nothing, and are not parsed here. */
export async function completeAnswer(
  response: HttpResponse,
  columns: readonly NestedColumn[],
  call: Call,
): Promise<HttpResponse> {
  if (columns.length === 0 || !/"isCut"\s*:\s*true/.test(response.body.toString("latin1"))) return response;
  const json = response.json();
  const byConnection = new Map(columns.map((column) => [column.connection, column]));
  for (const { element, connection, owner } of cutLists(json, new Set(byConnection.keys()))) {
    const column = byConnection.get(connection);
    if (column !== undefined) await readRest({ element, owner, column }, call);
  }
  return { ...response, json: () => json, body: Buffer.from(jsonOf(json) ?? "") };
}

/** Gives each of the children's elements what an export could not have. @throws TransientError where an element went away meanwhile */
export async function fillRecords(
  records: readonly JsonObject[],
  columns: readonly NestedColumn[],
  call: Call,
): Promise<void> {
  for (const [child, own] of byChild(columns)) {
    const elements = records.flatMap((record) => elementsOf(record, child));
    for (let from = 0; from < elements.length; from += ELEMENTS) {
      const some = elements.slice(from, from + ELEMENTS);
      const data = await call({ call: someName(child), ids: some.map(({ id }) => textOf(id)) });
      const nodes = Array.isArray(data.nodes) ? data.nodes.filter(isObject) : [];
      const found = new Map(nodes.map((node) => [textOf(node.id), node]));
      for (const element of some)
        for (const { connection } of own) {
          const list = found.get(textOf(element.id))?.[connection];
          if (list === undefined) throw goneAway(connection, element);
          element[connection] = list;
        }
    }
  }
}

function elementsOf(record: JsonObject, { field }: GraphqlChild): JsonObject[] {
  const value = record["list" in field ? field.list : field.connection];
  const list = isObject(value) ? value.nodes : value;
  return Array.isArray(list) ? list.filter(isObject) : [];
}

interface CutList {
  element: JsonObject;
  connection: string;
  /** The object with an id that has the element. */
  owner: JsonObject | null;
}

function* cutLists(
  value: JsonValue,
  connections: ReadonlySet<string>,
  owner: JsonObject | null = null,
): Generator<CutList> {
  if (Array.isArray(value)) for (const item of value) yield* cutLists(item, connections, owner);
  if (!isObject(value)) return;
  const next = typeof value.id === "string" ? value : owner;
  for (const [name, inner] of Object.entries(value)) {
    const info = isObject(inner) ? inner.pageInfo : undefined;
    if (connections.has(name) && isObject(info) && info.isCut === true)
      yield { element: value, connection: name, owner };
    else yield* cutLists(inner, connections, next);
  }
}

interface Cut {
  element: JsonObject;
  owner: JsonObject | null;
  column: NestedColumn;
}

/** @throws ProviderError where the end cannot be reached */
async function readRest(cut: Cut, call: Call): Promise<void> {
  const { element, column } = cut;
  const { connection } = column;
  const list = element[connection];
  if (!isObject(list) || !Array.isArray(list.nodes)) throw goneAway(connection, element);
  let info = list.pageInfo;
  const seen = new Set<string>();
  for (;;) {
    const after = isObject(info) ? textOf(info.endCursor) : "";
    if (after === "" || seen.has(after)) throw noEnd(connection, element);
    seen.add(after);
    const page = await pageOf(cut, after, call);
    list.nodes.push(...page.nodes);
    info = page.info;
    if (isObject(info) && info.hasNextPage === false) return;
  }
}

async function pageOf(
  { element, owner, column }: Cut,
  after: string,
  call: Call,
): Promise<{ nodes: JsonValue[]; info: JsonValue | undefined }> {
  const { connection, elementTerm, child } = column;
  try {
    const id = textOf(element.id);
    const name = restName(connection);
    const found =
      elementTerm === null
        ? (await call({ call: name, id, after })).node
        : elementIn(
            await call({ call: name, id: textOf(owner?.id), within: `${elementTerm}:${numberIn(id)}`, after }),
            connectionOf(child),
            id,
          );
    const page = isObject(found) ? found[connection] : undefined;
    if (!isObject(page) || !Array.isArray(page.nodes)) throw goneAway(connection, element);
    return { nodes: page.nodes, info: page.pageInfo };
  } catch (error) {
    if (isProviderError(error) && error.reasonCode === "source_resource_not_found") throw goneAway(connection, element);
    throw error;
  }
}

/** Searches take the number of a global id. */
const numberIn = (id: string): string => id.split("/").at(-1) ?? id;

/** A search that is not heeded gives another element. */
function elementIn({ node }: JsonObject, connection: string, id: string): JsonValue | undefined {
  const list = isObject(node) ? node[connection] : undefined;
  const nodes = isObject(list) && Array.isArray(list.nodes) ? list.nodes : [];
  return nodes.filter(isObject).find((each) => each.id === id);
}

function goneAway(connection: string, { id }: JsonObject): TransientError {
  return new TransientError(
    "source_response_invalid",
    `${textOf(id)} went away while its ${connection} were read. Its record is read again.`,
  );
}

function noEnd(connection: string, { id }: JsonObject): TransientError {
  return new TransientError(
    "source_response_invalid",
    `The ${connection} of ${textOf(id)} go on behind a page without a cursor, or with the one of an earlier page.`,
  );
}
