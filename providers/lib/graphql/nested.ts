import { isProviderError, TransientError } from "../../../core/errors.ts";
import type { HttpResponse } from "../http/client.ts";
import { isObject, type JsonObject, type JsonValue, jsonOf } from "../http/json.ts";
import { textOf } from "./answer.ts";
import type { GraphqlChild, GraphqlDeclaration } from "./declaration.ts";
import type { GraphqlDocument } from "./document.ts";
import { detailsOf, nestedSelection, PAGE_INFO, type Wanted } from "./selection.ts";

/**
 * Connections inside the elements of children, such as the line items of a refund: a column holds all of their nodes. A page has the first ones and an
 * export, which cannot have connections within lists, has none; here the rest is read by the element's id. So a column is whole, or the read fails.
 */

/** Elements in one query, and nodes of each. */
const ELEMENTS = 10;
const FEW_NODES = 10;
const MANY_NODES = 100;

export interface NestedColumn {
  connection: string;
  child: GraphqlChild;
  /** Selection of a node. */
  nodes: string;
}

/** Asks by the name of a document. @throws ProviderError */
export type Call = (call: { call: string; id?: string; ids?: string[]; after?: string }) => Promise<JsonObject>;

const restName = (connection: string): string => `${connection}:rest`;
const someName = (connection: string): string => `${connection}:some`;

/** Those that a plan reads. @param wanted null: all */
export function nestedColumns(
  { resources }: Pick<GraphqlDeclaration<never, never>, "resources">,
  wanted: Wanted | null,
): NestedColumn[] {
  return resources
    .flatMap(({ children = [] }) => children)
    .flatMap((child) =>
      Object.entries(child.columns).flatMap(([name, column]): NestedColumn[] => {
        const { path, nodes } = detailsOf(name, column);
        const isWanted = wanted === null || wanted.get(child.entityKey)?.has(name) === true;
        return nodes === undefined || !isWanted ? [] : [{ connection: path, child, nodes }];
      }),
    );
}

export function nestedDocuments(columns: readonly NestedColumn[]): [string, GraphqlDocument][] {
  return columns.flatMap(({ connection, child, nodes }): [string, GraphqlDocument][] => {
    const common = { inner: null, nested: null, term: null, terms: null, permission: child.permission };
    const rest = `${connection}(first: $first, after: $after) { nodes { ${nodes} } ${PAGE_INFO} }`;
    const some = nestedSelection(connection, nodes, "first: $first");
    return [
      [
        restName(connection),
        {
          text: `query($id: ID!, $first: Int!, $after: String) { node(id: $id) { ... on ${child.type} { ${rest} } } }`,
          ...{ first: MANY_NODES, ...common },
        },
      ],
      [
        someName(connection),
        {
          text: `query($ids: [ID!]!, $first: Int!) { nodes(ids: $ids) { ... on ${child.type} { id ${some} } } }`,
          ...{ first: FEW_NODES, ...common },
        },
      ],
    ];
  });
}

/** The answer with what its lists lack. Nearly all answers lack nothing, and are not parsed here. */
export async function completeAnswer(
  response: HttpResponse,
  columns: readonly NestedColumn[],
  call: Call,
): Promise<HttpResponse> {
  if (columns.length === 0 || !/"isCut"\s*:\s*true/.test(response.body.toString("latin1"))) return response;
  const json = response.json();
  for (const { element, connection } of cutLists(json, new Set(columns.map((column) => column.connection))))
    await readRest(element, connection, call);
  return { ...response, json: () => json, body: Buffer.from(jsonOf(json) ?? "") };
}

/** Gives each of the children's elements what an export could not have. @throws TransientError where an element went away meanwhile */
export async function fillRecords(
  records: readonly JsonObject[],
  columns: readonly NestedColumn[],
  call: Call,
): Promise<void> {
  for (const { connection, child } of columns) {
    const elements = records.flatMap((record) => elementsOf(record, child));
    for (let from = 0; from < elements.length; from += ELEMENTS) {
      const some = elements.slice(from, from + ELEMENTS);
      const data = await call({ call: someName(connection), ids: some.map(({ id }) => textOf(id)) });
      const nodes = Array.isArray(data.nodes) ? data.nodes.filter(isObject) : [];
      const found = new Map(nodes.map((node) => [textOf(node.id), node[connection]]));
      for (const element of some) {
        const list = found.get(textOf(element.id));
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

function* cutLists(
  value: JsonValue,
  connections: ReadonlySet<string>,
): Generator<{ element: JsonObject; connection: string }> {
  if (Array.isArray(value)) for (const item of value) yield* cutLists(item, connections);
  if (!isObject(value)) return;
  for (const [name, inner] of Object.entries(value)) {
    const info = isObject(inner) ? inner.pageInfo : undefined;
    if (connections.has(name) && isObject(info) && info.isCut === true) yield { element: value, connection: name };
    else yield* cutLists(inner, connections);
  }
}

/** @throws ProviderError where the end cannot be reached */
async function readRest(element: JsonObject, connection: string, call: Call): Promise<void> {
  const list = element[connection];
  if (!isObject(list) || !Array.isArray(list.nodes)) throw goneAway(connection, element);
  let info = list.pageInfo;
  const seen = new Set<string>();
  for (;;) {
    const after = isObject(info) ? textOf(info.endCursor) : "";
    if (after === "" || seen.has(after)) throw noEnd(connection, element);
    seen.add(after);
    const page = await pageOf(element, { connection, after }, call);
    list.nodes.push(...page.nodes);
    info = page.info;
    if (isObject(info) && info.hasNextPage === false) return;
  }
}

async function pageOf(
  element: JsonObject,
  { connection, after }: { connection: string; after: string },
  call: Call,
): Promise<{ nodes: JsonValue[]; info: JsonValue | undefined }> {
  try {
    const { node } = await call({ call: restName(connection), id: textOf(element.id), after });
    const page = isObject(node) ? node[connection] : undefined;
    if (!isObject(page) || !Array.isArray(page.nodes)) throw goneAway(connection, element);
    return { nodes: page.nodes, info: page.pageInfo };
  } catch (error) {
    if (isProviderError(error) && error.reasonCode === "source_resource_not_found") throw goneAway(connection, element);
    throw error;
  }
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
