import { createRoute } from "@hono/zod-openapi";
import { planSync } from "../commands/plan-sync.ts";
import type { ApiDeps } from "../deps.ts";
import { presentPlan } from "../present-plan.ts";
import { createRouter } from "../router.ts";
import { planSyncBody, syncPlan } from "../schemas/plans.ts";
import { ok, optionalBody, problem } from "../schemas/responses.ts";
import { syncIdParams } from "../schemas/syncs.ts";

const plan = createRoute({
  method: "post",
  path: "/api/v1/syncs/{sync_id}/plan",
  operationId: "planSync",
  summary: "Plan Sync",
  tags: ["Runs"],
  description:
    "What a run would do now: slices, DDL, deletes, and what the tables would lose for good. A worker asks source and destination, and changes nothing. 409 `connection_failed` with `checks` when the connection does not work.",
  request: { params: syncIdParams, body: optionalBody(planSyncBody) },
  responses: {
    200: ok(syncPlan, "The plan"),
    404: problem[404],
    409: problem[409],
    422: problem[422],
    503: problem[503],
    504: problem[504],
  },
});

export function planRoutes(deps: ApiDeps) {
  return createRouter().openapi(plan, async (c) => {
    const { sync_id: syncId } = c.req.valid("param");
    const planned = await planSync(deps, { syncId, body: c.req.valid("json") });
    return c.json(presentPlan(planned), 200);
  });
}
