import { AppError, type ValidationIssue } from "../../core/errors.ts";
import type { EntityPlanPreview, PreviewQuestion } from "../../core/plan-preview.ts";
import { getTask } from "../../db/connection-tasks.ts";
import type { ApiDeps } from "../deps.ts";
import { refused } from "../errors.ts";
import { MAX_PLANNED_ENTITIES, type PlanSyncBody } from "../schemas/plans.ts";
import { connectionFailed, lookAtConnection } from "./connection-task.ts";
import { requireConnection, requireSync } from "./require.ts";
import { archived } from "./trigger-sync.ts";

/**
 * What a run with this body would do, found by a worker, which changes nothing.
 * @throws AppError validation_failed, not_found, sync_archived, sync_without_entities, connection_failed (with `checks`), no_worker,
 *   check_timeout, temporal_unavailable
 */
export async function planSync(
  deps: Pick<ApiDeps, "db" | "control">,
  { syncId, body }: { syncId: string; body: PlanSyncBody },
): Promise<{ question: PreviewQuestion; entities: EntityPlanPreview[] }> {
  const sync = await requireSync(deps, syncId);
  if (sync.status === "archived") throw archived(syncId);
  if (sync.entities.length === 0) {
    throw new AppError("sync_without_entities", `Sync ${syncId} has no entities: there is nothing to plan.`);
  }
  const issues = planIssues(body, sync.entities);
  if (issues.length > 0) throw refused(issues);
  const { runMode, entities = sync.entities, window = null } = body;
  const question = { syncId, runMode: runMode ?? "incremental", entities, window };
  const connection = await requireConnection(deps, sync.connectionId);
  const { sourceConfig } = sync;
  const { taskId, ok, checks } = await lookAtConnection(deps, connection, {
    entities: [],
    sourceConfig,
    plan: question,
  });
  if (!ok) throw connectionFailed(checks);
  const { result } = await getTask(deps.db, taskId);
  if (result?.plan) return { question, entities: result.plan };
  throw new AppError("no_worker", "The worker that answered is of a version that cannot plan. Upgrade it.");
}

function planIssues({ runMode, entities, window }: PlanSyncBody, known: string[]): ValidationIssue[] {
  const value = (loc: ValidationIssue["loc"], msg: string) => ({ loc: ["body", ...loc], msg, type: "value_error" });
  const unknown = (entities ?? []).flatMap((entityKey, index) =>
    known.includes(entityKey) ? [] : [value(["entities", index], `'${entityKey}' is not among the sync's entities`)],
  );
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
