import type { EntityPlanPreview, PreviewQuestion } from "../../core/plan-preview.ts";
import { PLAN_TASK_MINUTES } from "../../core/workflow-contract.ts";
import { type ConnectionTaskRow, findPlanTask } from "../../db/connection-tasks.ts";
import type { ApiDeps } from "../deps.ts";
import { notFound } from "../errors.ts";
import { requireSyncRow } from "../require.ts";
import { describeFailure } from "./look-at-connection.ts";

/** Its workers had all the time that there is, and some to take over from each other. */
const LOST_AFTER_MS = (PLAN_TASK_MINUTES + 5) * 60_000;

export interface PlanTask {
  id: string;
  question: PreviewQuestion;
  status: "running" | "succeeded" | "failed";
  /** Those that are planned so far; all of them, by entity key, once it has succeeded. */
  entities: EntityPlanPreview[];
  /** Null unless it failed. */
  error: string | null;
  createdAt: Date;
  completedAt: Date | null;
}

/** @throws AppError not_found: also of another sync's plan, or one of more than a day ago */
export async function readPlanTask(
  deps: Pick<ApiDeps, "db">,
  { id, syncId }: { id: string; syncId: string },
): Promise<PlanTask> {
  await requireSyncRow(deps, syncId);
  const task = await findPlanTask(deps.db, { id, syncId });
  const question = task?.request.plan;
  if (task === null || question === undefined) throw notFound("Plan", id);
  const { createdAt, completedAt, found, result } = task;
  const error = errorOf(task);
  const status = error !== null ? "failed" : completedAt === null ? "running" : "succeeded";
  return { id, question, status, entities: result?.plan ?? found, error, createdAt, completedAt };
}

function errorOf({ createdAt, completedAt, result }: ConnectionTaskRow): string | null {
  if (result === null || completedAt === null) {
    return Date.now() - createdAt.getTime() < LOST_AFTER_MS
      ? null
      : "The worker that made the plan is gone. Ask for the plan again.";
  }
  if (result.planFailure !== undefined) return result.planFailure;
  return result.ok ? null : describeFailure(result.checks);
}
