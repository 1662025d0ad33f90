import { createRoute } from "@hono/zod-openapi";
import { listDiscovered } from "../../db/connection-tasks.ts";
import { requireScopeFor } from "../auth.ts";
import { isStorable } from "../body.ts";
import { checkConnection } from "../commands/check-connection.ts";
import { discoverConnection } from "../commands/discover-connection.ts";
import { rotateSecrets } from "../commands/rotate-secrets.ts";
import { type ApiDeps, callerOf } from "../deps.ts";
import type { LargeAnswers } from "../large-answers.ts";
import { presentConnection, presentDiscovered, presentPage } from "../present.ts";
import { requireConnection } from "../require.ts";
import { createRouter } from "../router.ts";
import { refuseForeignPage } from "../same-origin.ts";
import {
  connectionCatalogPage,
  connectionCatalogQuery,
  connectionIdParams,
  connectionSchema,
  rotateSecretsBody,
} from "../schemas/connections.ts";
import { ok, problem, requiredBody } from "../schemas/responses.ts";
import { covers } from "../scopes.ts";

/** What only a worker can do: it alone connects to a source. */

const check = createRoute({
  method: "post",
  path: "/api/v1/connections/{connection_id}/check",
  operationId: "checkConnection",
  summary: "Check Connection",
  tags: ["Connections"],
  description: "A worker tries the connection now; what it found is in `status` and `checks`.",
  request: { params: connectionIdParams },
  responses: {
    200: ok(connectionSchema, "The connection with what the check found"),
    404: problem[404],
    422: problem[422],
    500: problem[500],
    503: problem[503],
    504: problem[504],
  },
});

const catalog = createRoute({
  method: "get",
  path: "/api/v1/connections/{connection_id}/catalog",
  operationId: "getConnectionCatalog",
  summary: "Get Connection Catalog",
  tags: ["Connections"],
  description:
    "What the source has now, by entity key. A worker asks it, unless it has been asked with the same settings less than a minute ago. 409 `connection_failed` with `checks` when the connection does not work.",
  request: { params: connectionIdParams, query: connectionCatalogQuery },
  responses: {
    200: ok(connectionCatalogPage, "A page of entities"),
    404: problem[404],
    409: problem[409],
    422: problem[422],
    500: problem[500],
    503: problem[503],
    504: problem[504],
  },
});

const rotate = createRoute({
  method: "post",
  path: "/api/v1/connections/{connection_id}/rotate",
  operationId: "rotateConnectionSecrets",
  summary: "Rotate Connection Secrets",
  tags: ["Connections"],
  description:
    "A worker tries the new secrets first; they replace the old ones only when they work, and are forgotten otherwise. Of two rotations at once the second is 409 `rotation_active`.",
  request: { params: connectionIdParams, body: requiredBody(rotateSecretsBody) },
  responses: {
    200: ok(connectionSchema, "The connection with its new secrets"),
    404: problem[404],
    409: problem[409],
    422: problem[422],
    500: problem[500],
    503: problem[503],
    504: problem[504],
  },
});

export function connectionTaskRoutes(deps: ApiDeps, answers: LargeAnswers) {
  const underWay = new Map<string, Promise<string>>();
  return createRouter()
    .openapi(check, async (c) => {
      const connection = await checkConnection(deps, c.req.valid("param").connection_id, callerOf(c));
      return c.json(presentConnection(connection), 200);
    })
    .openapi(catalog, async (c) => {
      const { q, refresh, ...page } = c.req.valid("query");
      if (refresh) requireScopeFor(c, "operate", "Asking the source again");
      const connection = await requireConnection(deps, c.req.valid("param").connection_id);
      if (q !== undefined && !isStorable(q)) return c.json({ ...presentPage(page, 0), entities: [] }, 200);
      const beforeAsking = () => {
        // A GET, but it starts work: no page of somebody else may make a browser do that.
        if (c.get("isAmbient")) refuseForeignPage(c, deps.access.allowedOrigins, { unsaid: true });
      };
      const mayTryAgain = covers(c.get("scopes"), "operate");
      const asker = callerOf(c);
      const taskId = await discoverConnection(deps, connection, {
        refresh,
        mayTryAgain,
        beforeAsking,
        asker,
        underWay,
      });
      return answers.answerPage(c, {
        ...{ name: "entities", page },
        begin: () => listDiscovered(deps.db, taskId, { ...page, q: q ?? null }),
        present: (entities) => entities.map(presentDiscovered),
      });
    })
    .openapi(rotate, async (c) => {
      const { connection_id: id } = c.req.valid("param");
      const request = { id, body: c.req.valid("json"), caller: callerOf(c) };
      return c.json(presentConnection(await rotateSecrets(deps, request)), 200);
    });
}
