import { createRoute } from "@hono/zod-openapi";
import type { ApiDeps } from "../deps.ts";
import { requireSyncRow } from "../require.ts";
import { createRouter } from "../router.ts";
import { previewSchedule } from "../schedule-preview.ts";
import { ok, problem } from "../schemas/responses.ts";
import { schedulePreview, schedulePreviewQuery } from "../schemas/schedule-preview.ts";
import { syncIdParams } from "../schemas/syncs.ts";

const preview = createRoute({
  method: "get",
  path: "/api/v1/syncs/{sync_id}/schedule/preview",
  operationId: "previewSyncSchedule",
  summary: "Preview Sync Schedule",
  tags: ["Syncs"],
  description:
    "The next times of the schedule, as Temporal computes them. A sync that does not fire now gets the times that would come, and `notes` say why they do not.",
  request: { params: syncIdParams, query: schedulePreviewQuery },
  responses: {
    200: ok(schedulePreview, "The next times"),
    404: problem[404],
    422: problem[422],
    503: problem[503],
  },
});

export function scheduleRoutes(deps: ApiDeps) {
  return createRouter().openapi(preview, async (c) => {
    const sync = await requireSyncRow(deps, c.req.valid("param").sync_id);
    const { count } = c.req.valid("query");
    const { readNamespaceId } = deps.control;
    return c.json(await previewSchedule(sync, { now: new Date(), count, readNamespaceId }), 200);
  });
}
