import { createRoute } from "@hono/zod-openapi";
import { listCursorVersions, readCursorStates } from "../../db/cursor-states.ts";
import { isStorable } from "../body.ts";
import { setSyncState } from "../commands/set-sync-state.ts";
import { type ApiDeps, callerOf } from "../deps.ts";
import { presentPage, presentState, presentStateVersion } from "../present.ts";
import { requireSyncRow } from "../require.ts";
import { createRouter } from "../router.ts";
import { ok, problem, requiredBody } from "../schemas/responses.ts";
import {
  setSyncStateBody,
  stateVersionPage,
  stateVersionsQuery,
  syncState,
  syncStatePage,
  syncStateQuery,
} from "../schemas/state.ts";
import { syncIdParams } from "../schemas/syncs.ts";

const get = createRoute({
  method: "get",
  path: "/api/v1/syncs/{sync_id}/state",
  operationId: "getSyncState",
  summary: "Get Sync State",
  tags: ["State"],
  description: "Of each entity, in the order of the sync's `entities`, where the next incremental run starts.",
  request: { params: syncIdParams, query: syncStateQuery },
  responses: {
    200: ok(syncStatePage, "A page of entities with their states"),
    404: problem[404],
    422: problem[422],
    503: problem[503],
  },
});

const set = createRoute({
  method: "patch",
  path: "/api/v1/syncs/{sync_id}/state",
  operationId: "setSyncState",
  summary: "Set Sync State",
  tags: ["State"],
  description:
    "Sets, resets or takes back the states of the entities that are named: all of them or, when one cannot be, none. Each makes a version of its own. 409 while a run is active.",
  request: { params: syncIdParams, body: requiredBody(setSyncStateBody) },
  responses: {
    200: ok(syncState, "The new states of the entities that were named"),
    404: problem[404],
    409: problem[409],
    422: problem[422],
    503: problem[503],
  },
});

const versions = createRoute({
  method: "get",
  path: "/api/v1/syncs/{sync_id}/state/versions",
  operationId: "listSyncStateVersions",
  summary: "List Versions of Sync State",
  tags: ["State"],
  description:
    "How the states came to be what they are, newest first. Also of entities that were taken out of the sync.",
  request: { params: syncIdParams, query: stateVersionsQuery },
  responses: {
    200: ok(stateVersionPage, "A page of versions"),
    404: problem[404],
    422: problem[422],
    503: problem[503],
  },
});

export function stateRoutes(deps: ApiDeps) {
  return createRouter()
    .openapi(get, async (c) => {
      const page = c.req.valid("query");
      const sync = await requireSyncRow(deps, c.req.valid("param").sync_id);
      const entityKeys = sync.entities.slice(page.offset, page.offset + page.limit);
      const states = await readCursorStates(deps.db, sync.id, entityKeys);
      const entities = entityKeys.map((entityKey) => presentState(states.get(entityKey) ?? { entityKey }));
      return c.json({ ...presentPage(page, sync.entities.length), entities }, 200);
    })
    .openapi(set, async (c) => {
      const { sync_id: syncId } = c.req.valid("param");
      const changes = c.req.valid("json").entities;
      const states = await setSyncState(deps, { syncId, changes, caller: callerOf(c) });
      return c.json({ entities: states.map(presentState) }, 200);
    })
    .openapi(versions, async (c) => {
      const { entityKey = null, ...page } = c.req.valid("query");
      const { id: syncId } = await requireSyncRow(deps, c.req.valid("param").sync_id);
      // No key holds what Postgres cannot keep.
      if (entityKey !== null && !isStorable(entityKey)) return c.json({ ...presentPage(page, 0), versions: [] }, 200);
      const found = await listCursorVersions(deps.db, { ...page, syncId, entityKey });
      const listed = found.versions.map(presentStateVersion);
      return c.json({ ...presentPage(page, found.total), versions: listed }, 200);
    });
}
