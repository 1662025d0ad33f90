import { isProviderError } from "../../core/errors.ts";
import { numberAt, textOf } from "../lib/graphql/answer.ts";
import type { Ask } from "../lib/graphql/ask.ts";
import type { ExportFile, GraphqlExports } from "../lib/graphql/export-declaration.ts";
import { isObject, type JsonObject } from "../lib/http/json.ts";
import { JobRefusedError, type JobState } from "../lib/jobs.ts";
import type { ShopifyConfig } from "./config.ts";

/** https://shopify.dev/docs/api/usage/bulk-operations/queries */
export const RUN = `mutation($query: String!) {
  bulkOperationRunQuery(query: $query) { bulkOperation { id status } userErrors { code field message } }
}`;
export const POLL = `query($id: ID!) {
  bulkOperation(id: $id) { id status errorCode objectCount rootObjectCount fileSize url partialDataUrl }
}`;
export const CANCEL = `mutation($id: ID!) {
  bulkOperationCancel(id: $id) { bulkOperation { id status } userErrors { field message } }
}`;

export const FIND = `query($search: String) {
  bulkOperations(first: 50, sortKey: CREATED_AT, reverse: true, query: $search) { nodes { id status query createdAt } }
}`;

const NOT_ENABLED =
  "access denied: apps of partners have to enable bulk queries in the Partner Dashboard, and lose them after 31 days without use";

/** Where a file's size is not told. */
const USUAL_LINE_BYTES = 500;

export const BULK: GraphqlExports<ShopifyConfig> = {
  kind: "bulk operation",
  // Five of one app in one shop, since 2026-01. https://shopify.dev/docs/api/usage/bulk-operations/queries
  atOnce: { name: "bulk-operations", limit: 5 },
  shortest: "P7D",
  mostConnections: 5,
  isWanted: ({ bulk }) => bulk === "auto",
  create: createBulk,
  find: findBulk,
  async poll(ask, ref) {
    const { data } = await ask({ doing: "the state of a bulk operation", query: POLL, variables: { id: ref } });
    return stateOf(data.bulkOperation);
  },
  async cancel(ask, { ref }) {
    // An operation that has ended is told as a user error, which is what was wanted.
    await ask({ doing: "the cancelling of a bulk operation", query: CANCEL, variables: { id: ref } });
  },
  parentOf: ({ __parentId: parent }) => (typeof parent === "string" ? parent : null),
  typeOf: ({ __typename: type, id }) =>
    typeof type === "string" ? type : (/^gid:\/\/shopify\/(\w+)\//.exec(textOf(id))?.[1] ?? null),
};

/** @returns its id. @throws JobRefusedError */
export async function createBulk(ask: Ask, query: string): Promise<string> {
  const created = await askFor(ask, query);
  const operation = isObject(created) ? created.bulkOperation : null;
  const errors = isObject(created) && Array.isArray(created.userErrors) ? created.userErrors.filter(isObject) : [];
  if (isObject(operation) && errors.length === 0) return textOf(operation.id);
  const said = errors.map(({ code, message }) =>
    [textOf(code), textOf(message)].filter((text) => text !== "").join(": "),
  );
  throw new JobRefusedError(said.length === 0 ? NOT_ENABLED : said.join("; "));
}

async function askFor(ask: Ask, query: string) {
  try {
    const doing = "the start of a bulk operation";
    const { data } = await ask({ doing, query: RUN, variables: { query }, idempotent: false });
    return data.bulkOperationRunQuery;
  } catch (error) {
    if (isProviderError(error) && error.reasonCode === "source_permission_denied")
      throw new JobRefusedError(NOT_ENABLED, { cause: error });
    throw error;
  }
}

/** The shop's clock and ours may differ. */
const CLOCKS_MS = 60_000;

/** Five run at once, and an answer that was lost is asked about within minutes, so that the newest fifty have it. */
async function findBulk(ask: Ask, query: string, since: Date): Promise<string | null> {
  const from = since.getTime() - CLOCKS_MS;
  const search = `operation_type:query AND created_at:>='${new Date(from).toISOString()}'`;
  const { data } = await ask({ doing: "bulk operations that were made before", query: FIND, variables: { search } });
  const { nodes } = isObject(data.bulkOperations) ? data.bulkOperations : {};
  const found = (Array.isArray(nodes) ? nodes.filter(isObject) : []).find(
    (each) =>
      ["CREATED", "RUNNING", "COMPLETED"].includes(textOf(each.status)) &&
      textOf(each.query).trim() === query.trim() &&
      Date.parse(textOf(each.createdAt)) >= from,
  );
  return found === undefined ? null : textOf(found.id);
}

/** https://shopify.dev/docs/api/admin-graphql/latest/enums/BulkOperationStatus */
export function stateOf(operation: JsonObject[string] | undefined): JobState<ExportFile> {
  if (!isObject(operation)) return { state: "lost", why: "Shopify no longer knows it" };
  const status = textOf(operation.status);
  const errorCode = textOf(operation.errorCode);
  switch (status) {
    case "COMPLETED":
      return completed(operation);
    case "FAILED":
      if (errorCode === "ACCESS_DENIED") throw new JobRefusedError(NOT_ENABLED);
      return { state: "lost", why: `it failed with ${errorCode}; a part of the result is of no use` };
    case "CANCELED":
      return { state: "lost", why: "somebody cancelled it" };
    case "EXPIRED":
      return { state: "lost", why: "its result has expired" };
    default:
      return { state: "running" };
  }
}

function completed(operation: JsonObject): JobState<ExportFile> {
  const lines = numberAt(operation, "objectCount");
  const roots = numberAt(operation, "rootObjectCount");
  const size = numberAt(operation, "fileSize");
  const bytes = size ?? (lines ?? 0) * USUAL_LINE_BYTES;
  const url = textOf(operation.url);
  if (url !== "") return { state: "done", result: { url, bytes, size, lines, roots } };
  // Nothing was found: there is no file.
  if (lines === 0) return { state: "done", result: { url: null, bytes: 0, size, lines, roots } };
  return { state: "lost", why: "its result has expired" };
}
