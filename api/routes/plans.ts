import { createRoute } from "@hono/zod-openapi";
import { planSync } from "../commands/plan-sync.ts";
import { readPlanTask } from "../commands/read-plan-task.ts";
import { type ApiDeps, callerOf } from "../deps.ts";
import { presentPlan, presentPlanTask } from "../present-plan.ts";
import { createRouter } from "../router.ts";
import { planIdParams, planSyncBody, planTask, syncPlan } from "../schemas/plans.ts";
import { ok, optionalBody, problem } from "../schemas/responses.ts";
import { syncIdParams } from "../schemas/syncs.ts";

const plan = createRoute({
  method: "post",
  path: "/api/v1/syncs/{sync_id}/plan",
  operationId: "planSync",
  summary: "Plan Sync",
  tags: ["Runs"],
  description:
    "What a run would do now: slices, DDL, deletes, and what the tables would lose for good. A worker asks source and destination, and changes nothing. 202 with `Location` when it takes longer than 5 s, or than 20 s for up to 50 entities. 409 `connection_failed` with `checks` when the connection does not work.",
  request: { params: syncIdParams, body: optionalBody(planSyncBody) },
  responses: {
    200: ok(syncPlan, "The plan"),
    202: ok(planTask, "The plan is being made: `Location` says where it is told"),
    404: problem[404],
    409: problem[409],
    422: problem[422],
    500: problem[500],
    503: problem[503],
    504: problem[504],
  },
});

const read = createRoute({
  method: "get",
  path: "/api/v1/syncs/{sync_id}/plans/{plan_id}",
  operationId: "getSyncPlan",
  summary: "Get Sync Plan",
  tags: ["Runs"],
  description:
    "A plan that was answered with 202: while it is being made, the entities that are planned so far. It takes the same scope as to ask for it, and is kept for a day.",
  request: { params: planIdParams },
  responses: {
    200: ok(planTask, "The plan as far as it is made"),
    404: problem[404],
    422: problem[422],
    503: problem[503],
  },
});

export function planRoutes(deps: ApiDeps) {
  return createRouter()
    .openapi(plan, async (c) => {
      const { sync_id: syncId } = c.req.valid("param");
      const planned = await planSync(deps, {
        id: c.get("newId"),
        syncId,
        body: c.req.valid("json"),
        caller: callerOf(c),
      });
      if (planned.status === "succeeded") return c.json(presentPlan(planned), 200);
      c.header("location", `/api/v1/syncs/${syncId}/plans/${planned.id}`);
      return c.json(presentPlanTask(planned), 202);
    })
    .openapi(read, async (c) => {
      const { sync_id: syncId, plan_id: id } = c.req.valid("param");
      return c.json(presentPlanTask(await readPlanTask(deps, { id, syncId })), 200);
    });
}
