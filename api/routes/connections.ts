import { createRoute } from "@hono/zod-openapi";
import { listUsage } from "../../db/connection-usage.ts";
import { listConnections } from "../../db/connections.ts";
import { isStorable } from "../body.ts";
import { createConnection } from "../commands/create-connection.ts";
import { deleteConnection } from "../commands/delete-connection.ts";
import { updateConnection } from "../commands/update-connection.ts";
import { type ApiDeps, callerOf } from "../deps.ts";
import type { LargeAnswers } from "../large-answers.ts";
import { presentConnection, presentPage, presentUse } from "../present.ts";
import { requireConnection } from "../require.ts";
import { createRouter } from "../router.ts";
import {
  connectionIdParams,
  connectionPage,
  connectionSchema,
  connectionUsagePage,
  connectionUsageQuery,
  createConnectionBody,
  listConnectionsQuery,
  updateConnectionBody,
} from "../schemas/connections.ts";
import { ok, optionalBody, problem, requiredBody } from "../schemas/responses.ts";

const list = createRoute({
  method: "get",
  path: "/api/v1/connections",
  operationId: "listConnections",
  summary: "List Connections",
  tags: ["Connections"],
  description: "Newest first.",
  request: { query: listConnectionsQuery },
  responses: { 200: ok(connectionPage, "A page of connections"), 422: problem[422], 503: problem[503] },
});

const create = createRoute({
  method: "post",
  path: "/api/v1/connections",
  operationId: "createConnection",
  summary: "Create Connection",
  tags: ["Connections"],
  request: { body: requiredBody(createConnectionBody) },
  responses: {
    201: { ...ok(connectionSchema, "The new connection"), headers: { Location: { schema: { type: "string" } } } },
    404: problem[404],
    422: problem[422],
    503: problem[503],
  },
});

const get = createRoute({
  method: "get",
  path: "/api/v1/connections/{connection_id}",
  operationId: "getConnection",
  summary: "Get Connection",
  tags: ["Connections"],
  request: { params: connectionIdParams },
  responses: { 200: ok(connectionSchema, "The connection"), 404: problem[404], 422: problem[422], 503: problem[503] },
});

const update = createRoute({
  method: "patch",
  path: "/api/v1/connections/{connection_id}",
  operationId: "updateConnection",
  summary: "Update Connection",
  tags: ["Connections"],
  description:
    "`config` is replaced whole. Of `secrets`, those named change and `null` removes one. A `config` that changes where secrets go (host, base URL, login, TLS) needs all of them again. New settings make the connection unchecked.",
  request: { params: connectionIdParams, body: optionalBody(updateConnectionBody) },
  responses: {
    200: ok(connectionSchema, "The connection after the edit"),
    404: problem[404],
    422: problem[422],
    503: problem[503],
  },
});

const remove = createRoute({
  method: "delete",
  path: "/api/v1/connections/{connection_id}",
  operationId: "deleteConnection",
  summary: "Delete Connection",
  tags: ["Connections"],
  description:
    "409 with `syncIds` while syncs use it, and for two minutes at most while an export job at the source is being cancelled. Its secrets are erased.",
  request: { params: connectionIdParams },
  responses: {
    204: { description: "Deleted" },
    404: problem[404],
    409: problem[409],
    422: problem[422],
    503: problem[503],
  },
});

const usage = createRoute({
  method: "get",
  path: "/api/v1/connections/{connection_id}/usage",
  operationId: "listConnectionUsage",
  summary: "List Syncs That Use a Connection",
  tags: ["Connections"],
  description: "As source, as destination, or as both. Newest first.",
  request: { params: connectionIdParams, query: connectionUsageQuery },
  responses: {
    200: ok(connectionUsagePage, "A page of syncs"),
    404: problem[404],
    422: problem[422],
    503: problem[503],
  },
});

export function connectionRoutes(deps: ApiDeps, answers: LargeAnswers) {
  return createRouter()
    .openapi(list, async (c) => {
      const { q, ...filter } = c.req.valid("query");
      if (q !== undefined && !isStorable(q)) return c.json({ ...presentPage(filter, 0), connections: [] }, 200);
      return answers.answerPage(c, {
        ...{ name: "connections", page: filter },
        begin: () => listConnections(deps.db, { ...filter, q: q ?? null }),
        present: (connections) => connections.map(presentConnection),
      });
    })
    .openapi(create, async (c) => {
      const request = { id: c.get("newId"), body: c.req.valid("json"), caller: callerOf(c) };
      const connection = await createConnection(deps, request);
      return c.json(presentConnection(connection), 201, { location: `/api/v1/connections/${connection.id}` });
    })
    .openapi(get, async (c) => {
      const connection = await requireConnection(deps, c.req.valid("param").connection_id);
      return c.json(presentConnection(connection), 200);
    })
    .openapi(update, async (c) => {
      const { connection_id: id } = c.req.valid("param");
      const connection = await updateConnection(deps, { id, body: c.req.valid("json"), caller: callerOf(c) });
      return c.json(presentConnection(connection), 200);
    })
    .openapi(remove, async (c) => {
      await deleteConnection(deps, { id: c.req.valid("param").connection_id, caller: callerOf(c) });
      return c.body(null, 204);
    })
    .openapi(usage, async (c) => {
      const { id } = await requireConnection(deps, c.req.valid("param").connection_id);
      const page = c.req.valid("query");
      const { syncs, total } = await listUsage(deps.db, id, page);
      return c.json({ ...presentPage(page, total), syncs: syncs.map(presentUse) }, 200);
    });
}
