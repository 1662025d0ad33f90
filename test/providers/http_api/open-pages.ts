import type { Checkpoint } from "../../../core/slices.ts";
import type { RowsBatch } from "../../../providers/batch.ts";
import { type Handler, serve } from "../lib/http/local-http.ts";
import { cellsOf, type OpenApi, openApi } from "./open-api.ts";

export interface Page {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
}

/** Records with the ids from `from + 1` on. */
export const numbered = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ id: from + i + 1 }));
export const ids = (count: number) => numbered(0, count).map(({ id }) => String(id));

/** A resource `orders` of a server that answers each request by its parameters. */
export async function openPages(
  resource: object,
  pageOf: (parameter: (name: string) => number, url: URL) => Page,
  more: { config?: object; resources?: object[] } = {},
): Promise<OpenApi & { asked: string[] }> {
  const asked: string[] = [];
  const handler: Handler = ({ url }, response) => {
    asked.push(url);
    const target = new URL(url, "http://here");
    const { status = 200, headers = {}, body } = pageOf((name) => Number(target.searchParams.get(name) ?? 0), target);
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body));
  };
  const local = await serve(handler);
  const orders = {
    ...{ name: "orders", path: "orders", primaryKey: ["id"], fields: { id: "bigint" }, additionalFields: "keep" },
    ...resource,
  };
  const { config = {}, resources = [] } = more;
  const api = await openApi({ baseUrl: local.origin, resources: [orders, ...resources], ...config });
  return { ...api, asked };
}

/** What a read gave, and what ended it. */
export async function readUp(
  api: OpenApi,
  changes: Parameters<OpenApi["plan"]>[1] = {},
  entity = "orders",
  checkpoint: Checkpoint = null,
) {
  const { spec } = await api.plan(entity, changes);
  const batches: RowsBatch[] = [];
  const request = { spec, window: { by: "none" }, checkpoint, batchRows: 1000, batchBytes: 2 ** 30 } as const;
  try {
    for await (const batch of api.source.read(request)) if (batch.kind === "rows") batches.push(batch);
    return { ids: cellsOf(batches, "id"), batches, error: null };
  } catch (error) {
    return { ids: cellsOf(batches, "id"), batches, error };
  }
}
