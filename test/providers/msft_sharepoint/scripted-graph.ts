import type { ServerResponse } from "node:http";
import { onTestFinished } from "vitest";
import { createRedactor } from "../../../core/redact.ts";
import { msftSharepoint } from "../../../providers/msft_sharepoint/index.ts";
import type { EntityPlan, PlanRequest, Source } from "../../../providers/provider.ts";
import { createSharedConnection, LOOPBACK_EGRESS } from "../../support/shared-connection.ts";
import { FULL_SCAN } from "../conformance/reader.ts";
import { type LocalHttp, type Received, sendJson, serve } from "../lib/http/local-http.ts";

export const SITE_ID =
  "contoso.sharepoint.com,11111111-1111-1111-1111-111111111111,22222222-2222-2222-2222-222222222222";
export const DRIVE_ID = "b!drive-1";
export const LIST_ID = "33333333-3333-3333-3333-333333333333";
export const CLIENT_ID = "44444444-4444-4444-4444-444444444444";

/** An answer: JSON with 200, or whatever it writes itself. */
export type Route = object | ((request: Received & { origin: string }, response: ServerResponse) => object | undefined);

const BASE: Record<string, Route> = {
  "/tenant-1/oauth2/v2.0/token": { access_token: "access-1", expires_in: 3600, token_type: "Bearer" },
  "/v1.0/sites/contoso.sharepoint.com:/sites/Finance": { id: SITE_ID, name: "Finance", displayName: "Finance" },
  [`/v1.0/sites/${SITE_ID}/drives`]: {
    value: [{ id: DRIVE_ID, name: "Documents", driveType: "documentLibrary", quota: { total: 100, used: 7 } }],
  },
  [`/v1.0/sites/${SITE_ID}/lists`]: {
    value: [
      { id: LIST_ID, name: "Invoices", displayName: "Invoices", list: { template: "genericList", hidden: false } },
      { id: "55555555-5555-5555-5555-555555555555", name: "wfpub", displayName: "Workflows", list: { hidden: true } },
    ],
  },
  [`/v1.0/sites/${SITE_ID}/lists/${LIST_ID}/columns`]: { value: [] },
};

export interface ScriptedGraph extends LocalHttp {
  open(options?: { config?: object; secrets?: Record<string, string>; sourceConfig?: object }): Promise<Source>;
}

/** A Graph that answers by a script: routes by path, in place of the usual ones. Longer ones with the query come first. */
export async function serveGraph(routes: Record<string, Route> = {}): Promise<ScriptedGraph> {
  const all = { ...BASE, ...routes };
  const local: LocalHttp = await serve((request, response) => {
    const url = decodeURIComponent(request.url);
    const route = all[url] ?? all[url.split("?")[0] ?? ""];
    if (route === undefined) return sendGraphError(response, 404, "itemNotFound");
    const answer = typeof route === "function" ? route({ ...request, origin: local.origin }, response) : route;
    if (answer !== undefined) sendJson(response, answer);
  });
  return {
    ...local,
    async open({ config = {}, secrets = { clientSecret: "right-secret" }, sourceConfig = {} } = {}) {
      const source = await msftSharepoint.connect({
        config: msftSharepoint.connectionSchema.parse({
          ...{ tenantId: "tenant-1", clientId: CLIENT_ID, siteUrl: "https://contoso.sharepoint.com/sites/Finance" },
          ...{ graphUrl: local.origin, loginUrl: local.origin },
          ...config,
        }),
        sourceConfig: msftSharepoint.sourceConfigSchema.parse(sourceConfig),
        ...{ secrets, egress: LOOPBACK_EGRESS, signal: new AbortController().signal },
        redactor: createRedactor(Object.values(secrets)),
        shared: createSharedConnection(secrets),
      });
      onTestFinished(() => source.close());
      return source;
    },
  };
}

export function sendGraphError(
  response: ServerResponse,
  status: number,
  code: string,
  { headers = {}, inner }: { headers?: Record<string, string>; inner?: string } = {},
): undefined {
  const innerError = inner === undefined ? {} : { innerError: { code: inner } };
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify({ error: { code, message: `refused: ${code}`, ...innerError } }));
}

export const planOf = (source: Source, entityKey: string, changes: Partial<PlanRequest> = {}): Promise<EntityPlan> =>
  source.plan({ ...FULL_SCAN, entityKey, keyColumns: ["id"], cursorField: null, ...changes });

/** Everything that a slice gives, by column name. */
export async function readAll(source: Source, plan: EntityPlan) {
  const rows: Record<string, string | null>[] = [];
  const deletes: unknown[] = [];
  const rejects: { reason: string; record: string }[] = [];
  const warnings: string[] = [];
  let cursor: string | undefined;
  const warn = async (message: string) => void warnings.push(message);
  for (const { window } of plan.slices) {
    const request = { spec: plan.spec, window, checkpoint: null, batchRows: 1000, batchBytes: 2 ** 30, warn };
    for await (const batch of source.read(request)) {
      if (batch.kind === "copy") throw new Error("Nothing is copied here.");
      const table = batch.kind === "rows" ? batch : batch.tables[plan.spec.entityKey];
      cursor = batch.checkpoint?.cursor;
      if (table === undefined) continue;
      for (const cells of table.rows)
        rows.push(Object.fromEntries(table.columns.map((name, i) => [name, cells[i] ?? null])));
      if ("deletes" in table) deletes.push(...(table.deletes?.rows ?? []));
      rejects.push(...(table.rejects ?? []));
    }
  }
  return { rows, deletes, rejects, cursor, warnings };
}
