import { createRoute, type z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { listRuns } from "../../db/run-list.ts";
import { readLiveStates } from "../../db/run-live.ts";
import { listSlices } from "../../db/run-slices.ts";
import { getRun, type RunRow } from "../../db/runs.ts";
import { requireScopeFor } from "../auth.ts";
import { cancelRun } from "../commands/cancel-run.ts";
import { retryRun } from "../commands/retry-run.ts";
import { startBackfill } from "../commands/start-backfill.ts";
import { triggerSync } from "../commands/trigger-sync.ts";
import { type ApiDeps, type AppEnv, callerOf } from "../deps.ts";
import type { LargeAnswers } from "../large-answers.ts";
import { asSeenWith } from "../observe-run.ts";
import { presentPage, presentRun, presentSlice } from "../present.ts";
import { requireSyncRow } from "../require.ts";
import { createRouter } from "../router.ts";
import { startBackfillBody } from "../schemas/backfills.ts";
import { confirmedIn, confirmHeader } from "../schemas/plans.ts";
import { ok, optionalBody, problem, requiredBody } from "../schemas/responses.ts";
import {
  cancelRunBody,
  listRunsQuery,
  listSlicesQuery,
  listSyncRunsQuery,
  type RunJson,
  retryRunBody,
  runIdParams,
  runPage,
  runSchema,
  slicePage,
  triggerSyncBody,
} from "../schemas/runs.ts";
import { syncIdParams } from "../schemas/syncs.ts";

const created = { ...ok(runSchema, "The new run"), headers: { Location: { schema: { type: "string" } } } } as const;

const list = createRoute({
  method: "get",
  path: "/api/v1/syncs/{sync_id}/runs",
  operationId: "listSyncRuns",
  summary: "List Sync Runs",
  tags: ["Runs"],
  description: "Newest first.",
  request: { params: syncIdParams, query: listSyncRunsQuery },
  responses: { 200: ok(runPage, "A page of runs"), 404: problem[404], 422: problem[422], 503: problem[503] },
});

const listAll = createRoute({
  method: "get",
  path: "/api/v1/runs",
  operationId: "listRuns",
  summary: "List Runs",
  tags: ["Runs"],
  description: "Of all syncs, deleted ones included, newest first. Of a filter that is repeated any value will do.",
  request: { query: listRunsQuery },
  responses: { 200: ok(runPage, "A page of runs"), 422: problem[422], 503: problem[503] },
});

const trigger = createRoute({
  method: "post",
  path: "/api/v1/syncs/{sync_id}/trigger",
  operationId: "triggerSync",
  summary: "Trigger Sync",
  tags: ["Runs"],
  description: "Admits a run at once, even while Temporal is down. 409 with `activeRunId` while another one is active.",
  request: { params: syncIdParams, headers: confirmHeader, body: optionalBody(triggerSyncBody) },
  responses: { 201: created, 404: problem[404], 409: problem[409], 422: problem[422], 503: problem[503] },
});

const backfill = createRoute({
  method: "post",
  path: "/api/v1/syncs/{sync_id}/backfills",
  operationId: "startBackfill",
  summary: "Start Backfill",
  tags: ["Runs"],
  description:
    "A run that reads a window of the cursor again and leaves the cursor state alone. Rows of the table that have a newer cursor stay.",
  request: { params: syncIdParams, body: requiredBody(startBackfillBody) },
  responses: { 201: created, 404: problem[404], 409: problem[409], 422: problem[422], 503: problem[503] },
});

const get = createRoute({
  method: "get",
  path: "/api/v1/syncs/runs/{run_id}",
  operationId: "getSyncRun",
  summary: "Get Sync Run",
  tags: ["Runs"],
  request: { params: runIdParams },
  responses: { 200: ok(runSchema, "The run"), 404: problem[404], 422: problem[422], 503: problem[503] },
});

const slices = createRoute({
  method: "get",
  path: "/api/v1/syncs/runs/{run_id}/slices",
  operationId: "listSyncRunSlices",
  summary: "List Slices of a Sync Run",
  tags: ["Runs"],
  description: "What of the chain's plan is done, in the order of the plan. Empty until the run is planned.",
  request: { params: runIdParams, query: listSlicesQuery },
  responses: { 200: ok(slicePage, "A page of slices"), 404: problem[404], 422: problem[422], 503: problem[503] },
});

const cancel = createRoute({
  method: "post",
  path: "/api/v1/syncs/runs/{run_id}/cancel",
  operationId: "cancelSyncRun",
  summary: "Cancel Sync Run",
  tags: ["Runs"],
  description: "The first caller is recorded; asking again answers the same run. Ends the chain of attempts.",
  request: { params: runIdParams, body: optionalBody(cancelRunBody) },
  responses: {
    200: ok(runSchema, "The run: cancelled, or cancelling until its work has stopped"),
    404: problem[404],
    409: problem[409],
    422: problem[422],
    503: problem[503],
  },
});

const retry = createRoute({
  method: "post",
  path: "/api/v1/syncs/runs/{run_id}/retry",
  operationId: "retrySyncRun",
  summary: "Retry Sync Run",
  tags: ["Runs"],
  description:
    "Opens the next attempt of a run that ended without success: it goes on where the last batch was committed.",
  request: { params: runIdParams, headers: confirmHeader, body: optionalBody(retryRunBody) },
  responses: { 201: created, 404: problem[404], 409: problem[409], 422: problem[422], 503: problem[503] },
});

/** @throws AppError insufficient_scope, where something is confirmed */
function confirmedBy(c: Context<AppEnv>, header: z.output<typeof confirmHeader>) {
  if (header["Sluice-Confirm-Plan"] !== undefined) requireScopeFor(c, "confirm", "Confirming a plan");
  return confirmedIn(header);
}

export function runRoutes(deps: ApiDeps, answers: LargeAnswers) {
  const showAll = async (c: Context<AppEnv>, runs: RunRow[]): Promise<RunJson[]> => {
    const live = await readLiveStates(deps.db, runs);
    return runs.map((run) => asSeenWith(c.get("scopes"), presentRun(run, live.get(run.id))));
  };
  const show = async (c: Context<AppEnv>, run: RunRow): Promise<RunJson> => {
    const live = (await readLiveStates(deps.db, [run])).get(run.id);
    const isOpen = run.completedAt === null && run.status !== "queued";
    // One that has ended between the two reads is told as it ended.
    const latest = isOpen && live === undefined ? await getRun(deps.db, run.id) : run;
    return asSeenWith(c.get("scopes"), presentRun(latest, live));
  };
  return createRouter()
    .openapi(list, async (c) => {
      const { since = null, ...filter } = c.req.valid("query");
      const sync = await requireSyncRow(deps, c.req.valid("param").sync_id);
      return answers.answerPage(c, {
        ...{ name: "runs", page: filter },
        begin: () => listRuns(deps.db, { ...filter, since, syncId: [sync.id], provider: [] }),
        present: (runs) => showAll(c, runs),
      });
    })
    .openapi(listAll, async (c) => {
      const { since = null, ...filter } = c.req.valid("query");
      return answers.answerPage(c, {
        ...{ name: "runs", page: filter },
        begin: () => listRuns(deps.db, { ...filter, since }),
        present: (runs) => showAll(c, runs),
      });
    })
    .openapi(trigger, async (c) => {
      const { sync_id: syncId } = c.req.valid("param");
      const { runMode, entities } = c.req.valid("json");
      const request = { ...(entities === undefined ? {} : { entities }), ...confirmedBy(c, c.req.valid("header")) };
      const asked = { runMode: runMode ?? "incremental", request } as const;
      const run = await triggerSync(deps, { id: c.get("newId"), syncId, ...asked, caller: callerOf(c) });
      return c.json(await show(c, run), 201, { location: `/api/v1/syncs/runs/${run.id}` });
    })
    .openapi(backfill, async (c) => {
      const { sync_id: syncId } = c.req.valid("param");
      const asked = { id: c.get("newId"), syncId, body: c.req.valid("json"), caller: callerOf(c) };
      const run = await startBackfill(deps, asked);
      return c.json(await show(c, run), 201, { location: `/api/v1/syncs/runs/${run.id}` });
    })
    .openapi(get, async (c) => {
      const run = await getRun(deps.db, c.req.valid("param").run_id);
      return c.json(await show(c, run), 200);
    })
    .openapi(slices, async (c) => {
      const page = c.req.valid("query");
      const run = await getRun(deps.db, c.req.valid("param").run_id);
      const found = await listSlices(deps.db, { ...page, runId: run.id });
      return c.json({ ...presentPage(page, found.total), slices: found.slices.map(presentSlice) }, 200);
    })
    .openapi(cancel, async (c) => {
      const { run_id: runId } = c.req.valid("param");
      const { reason = null } = c.req.valid("json");
      const run = await cancelRun(deps, { runId, reason, caller: callerOf(c) });
      return c.json(await show(c, run), 200);
    })
    .openapi(retry, async (c) => {
      const { run_id: runId } = c.req.valid("param");
      const { runMode = null, ...changed } = c.req.valid("json");
      if (changed.liftGuards) requireScopeFor(c, "confirm", "Lifting guards");
      const changes = { ...changed, ...confirmedBy(c, c.req.valid("header")) };
      const run = await retryRun(deps, { id: c.get("newId"), runId, runMode, changes, caller: callerOf(c) });
      return c.json(await show(c, run), 201, { location: `/api/v1/syncs/runs/${run.id}` });
    });
}
