import { setTimeout as sleep } from "node:timers/promises";
import { AppError, type ValidationIssue } from "../../core/errors.ts";
import { recordAudit } from "../../db/audit.ts";
import { inTransaction } from "../../db/client.ts";
import { type ConnectionTaskRow, getTask, insertTask } from "../../db/connection-tasks.ts";
import { recordCheck } from "../../db/connections.ts";
import { unknownEntities } from "../definitions/run-modes.ts";
import type { ApiDeps, Caller } from "../deps.ts";
import { refused } from "../errors.ts";
import { requireConnection, requireSync } from "../require.ts";
import { MAX_PLANNED_ENTITIES, type PlanSyncBody } from "../schemas/plans.ts";
import { connectionFailed } from "./look-at-connection.ts";
import { type PlanTask, readPlanTask } from "./read-plan-task.ts";
import { archived } from "./trigger-sync.ts";

type Deps = Pick<ApiDeps, "db" | "control">;

/** Of few entities the answer is waited for as long as a request may take; of many, a glance tells whether it comes at once. */
const FEW_ENTITIES = 50;
const PATIENCE_FOR_FEW_MS = 20_000;
const PATIENCE_FOR_MANY_MS = 5_000;
const POLL_INTERVAL_MS = 100;

/**
 * What a run with this body would do, found by a worker, which changes nothing.
 * @param request.id of the plan; the same again for the same request, which finds what was asked then
 * @returns a plan that is `running` where it takes longer than a request: ask `readPlanTask` for it
 * @throws AppError validation_failed, not_found, sync_archived, sync_without_entities, connection_failed (with `checks`), no_worker,
 *   check_timeout, internal_error, temporal_unavailable
 */
export async function planSync(
  deps: Deps,
  request: { id: string; syncId: string; body: PlanSyncBody; caller: Caller },
): Promise<PlanTask> {
  const { id, syncId, body, caller } = request;
  const sync = await requireSync(deps, syncId);
  if (sync.status === "archived") throw archived(syncId);
  if (sync.entities.length === 0) {
    throw new AppError("sync_without_entities", `Sync ${syncId} has no entities: there is nothing to plan.`);
  }
  const issues = planIssues(body, sync.entities);
  if (issues.length > 0) throw refused(issues);
  const { runMode, entities = sync.entities, window = null } = body;
  const plan = { syncId, runMode: runMode ?? "incremental", entities, window };
  const connection = await requireConnection(deps, sync.connectionId);
  await inTransaction(deps.db, async (trx) => {
    const isNew = await insertTask(trx, {
      id,
      connectionId: connection.id,
      kind: "plan",
      settingsVersion: connection.settingsVersion,
      request: { entities: [], sourceConfig: sync.sourceConfig, useNextSecrets: false, plan },
    });
    if (!isNew) return;
    // Before the work begins: source and destination are asked, whatever comes of it.
    await recordAudit(trx, {
      ...caller,
      action: "sync.plan",
      subjectType: "sync",
      subjectId: syncId,
      before: {},
      after: { planId: id, runMode: plan.runMode },
    });
  });
  const { taskQueue } = connection;
  await deps.control.startPlanTask({ taskId: id, connectionId: connection.id, taskQueue });
  const patienceMs = entities.length <= FEW_ENTITIES ? PATIENCE_FOR_FEW_MS : PATIENCE_FOR_MANY_MS;
  const { completedAt, result } = await waitForTask(deps, id, patienceMs);
  if (completedAt === null || result === null) {
    const noWorker = await deps.control.findNoWorker(taskQueue);
    if (noWorker !== null) throw noWorker;
    return readPlanTask(deps, { id, syncId });
  }
  const { checks } = result;
  if (checks.length > 0) await recordCheck(deps.db, connection, { ok: checks.every((check) => check.ok), checks });
  if (result.planFailure !== undefined) {
    throw new AppError(result.planTimedOut ? "check_timeout" : "internal_error", result.planFailure);
  }
  if (!result.ok) throw connectionFailed(checks);
  if (!result.plan) {
    throw new AppError("no_worker", "The worker that answered is of a version that cannot plan. Upgrade it.");
  }
  return readPlanTask(deps, { id, syncId });
}

async function waitForTask({ db }: Pick<Deps, "db">, id: string, patienceMs: number): Promise<ConnectionTaskRow> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const task = await getTask(db, id);
    if (task.completedAt !== null || Date.now() > deadline) return task;
    await sleep(POLL_INTERVAL_MS);
  }
}

function planIssues({ runMode, entities, window }: PlanSyncBody, known: string[]): ValidationIssue[] {
  const value = (loc: ValidationIssue["loc"], msg: string) => ({ loc: ["body", ...loc], msg, type: "value_error" });
  const unknown = unknownEntities(entities ?? [], known);
  if (entities === undefined && known.length > MAX_PLANNED_ENTITIES) {
    unknown.push(
      value(["entities"], `The sync has ${known.length} entities; name at most ${MAX_PLANNED_ENTITIES} of them`),
    );
  }
  if (runMode === "backfill" && window === undefined) {
    unknown.push({ loc: ["body", "window"], msg: "Field required", type: "missing" });
  }
  if (runMode !== "backfill" && window !== undefined) unknown.push(value(["window"], "Only a backfill has a window"));
  return unknown;
}
