import { createRoute } from "@hono/zod-openapi";
import { bytesOfSync, listSyncs, withBindingList } from "../../db/syncs.ts";
import { isStorable } from "../body.ts";
import { createSync } from "../commands/create-sync.ts";
import { deleteSync } from "../commands/delete-sync.ts";
import { updateSync } from "../commands/update-sync.ts";
import { type ApiDeps, callerOf } from "../deps.ts";
import type { LargeAnswers } from "../large-answers.ts";
import { createLargeWrites } from "../large-writes.ts";
import { presentPage, presentSync } from "../present.ts";
import { requireSyncRow } from "../require.ts";
import { createRouter } from "../router.ts";
import { ok, optionalBody, problem, requiredBody } from "../schemas/responses.ts";
import {
  createSyncBody,
  listSyncsQuery,
  syncIdParams,
  syncPage,
  syncSchema,
  updateSyncBody,
} from "../schemas/syncs.ts";

const list = createRoute({
  method: "get",
  path: "/api/v1/syncs",
  operationId: "listSyncs",
  summary: "List Syncs",
  tags: ["Syncs"],
  description: "Newest first. Without a status filter: all, archived ones included.",
  request: { query: listSyncsQuery },
  responses: { 200: ok(syncPage, "A page of syncs"), 422: problem[422], 503: problem[503] },
});

const create = createRoute({
  method: "post",
  path: "/api/v1/syncs",
  operationId: "createSync",
  summary: "Create Sync",
  tags: ["Syncs"],
  description: "With status `active`, the connection is checked and the entities are looked up first.",
  request: { body: requiredBody(createSyncBody) },
  responses: {
    201: { ...ok(syncSchema, "The new sync"), headers: { Location: { schema: { type: "string" } } } },
    404: problem[404],
    409: problem[409],
    422: problem[422],
    500: problem[500],
    503: problem[503],
    504: problem[504],
  },
});

const get = createRoute({
  method: "get",
  path: "/api/v1/syncs/{sync_id}",
  operationId: "getSync",
  summary: "Get Sync",
  tags: ["Syncs"],
  request: { params: syncIdParams },
  responses: { 200: ok(syncSchema, "The sync"), 404: problem[404], 422: problem[422], 503: problem[503] },
});

const update = createRoute({
  method: "patch",
  path: "/api/v1/syncs/{sync_id}",
  operationId: "updateSync",
  summary: "Update Sync",
  tags: ["Syncs"],
  description:
    "Absent fields stay. Objects and lists are replaced whole. `null` resets config objects and bindings to their defaults and clears schedule and SLA. The edit applies to the next chain of runs.",
  request: { params: syncIdParams, body: optionalBody(updateSyncBody) },
  responses: {
    200: ok(syncSchema, "The sync after the edit"),
    404: problem[404],
    409: problem[409],
    422: problem[422],
    500: problem[500],
    503: problem[503],
    504: problem[504],
  },
});

const remove = createRoute({
  method: "delete",
  path: "/api/v1/syncs/{sync_id}",
  operationId: "deleteSync",
  summary: "Delete Sync",
  tags: ["Syncs"],
  description: "Its run is cancelled, its runs stay readable by id, its tables in the warehouse are left alone.",
  request: { params: syncIdParams },
  responses: { 204: { description: "Deleted" }, 404: problem[404], 422: problem[422], 503: problem[503] },
});

export function syncRoutes(deps: ApiDeps, answers: LargeAnswers) {
  const writeLarge = createLargeWrites();
  return createRouter()
    .openapi(list, async (c) => {
      const { q, ...filter } = c.req.valid("query");
      // No name holds what Postgres cannot keep.
      if (q !== undefined && !isStorable(q)) return c.json({ ...presentPage(filter, 0), syncs: [] }, 200);
      return answers.answerPage(c, {
        ...{ name: "syncs", page: filter },
        begin: () => listSyncs(deps.db, { ...filter, q: q ?? null }),
        present: (syncs) => syncs.map(presentSync),
      });
    })
    .openapi(create, async (c) => {
      const body = c.req.valid("json");
      const bytes = bytesOfSync({ entities: body.entities ?? [] });
      const sync = await writeLarge(c, bytes, () =>
        createSync(deps, { id: c.get("newId"), body, caller: callerOf(c) }),
      );
      return c.json(presentSync(sync), 201, { location: `/api/v1/syncs/${sync.id}` });
    })
    .openapi(get, async (c) => {
      const { sync_id: id } = c.req.valid("param");
      const row = await requireSyncRow(deps, id);
      const make = async () => presentSync(await withBindingList(deps.db, row));
      return answers.answerOne(c, { bytes: bytesOfSync(row), make });
    })
    .openapi(update, async (c) => {
      const { sync_id: id } = c.req.valid("param");
      const body = c.req.valid("json");
      const bytes = bytesOfSync(await requireSyncRow(deps, id)) + bytesOfSync({ entities: body.entities ?? [] });
      const sync = await writeLarge(c, bytes, () => updateSync(deps, { id, body, caller: callerOf(c) }));
      return c.json(presentSync(sync), 200);
    })
    .openapi(remove, async (c) => {
      const { sync_id: id } = c.req.valid("param");
      const bytes = bytesOfSync(await requireSyncRow(deps, id));
      await writeLarge(c, bytes, () => deleteSync(deps, { id, caller: callerOf(c) }));
      return c.body(null, 204);
    });
}
