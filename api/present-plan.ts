import { confirmTokenOf, type EntityPlanPreview, type PreviewQuestion } from "../core/plan-preview.ts";
import type { PlanTask } from "./commands/read-plan-task.ts";
import type { PlannedEntityJson, PlanTaskJson, SyncPlanJson } from "./schemas/plans.ts";

/** Before all of it is known, nothing is said of what the whole would lose. */
export function presentPlanTask(task: PlanTask): PlanTaskJson {
  const { id, question, status, entities, error, createdAt, completedAt } = task;
  const whole = status === "succeeded" ? presentPlan(task) : null;
  return {
    completedAt: completedAt?.toISOString() ?? null,
    confirmToken: whole?.confirmToken ?? null,
    createdAt: createdAt.toISOString(),
    destructive: whole?.destructive ?? null,
    entities: entities.map(presentEntity),
    entitiesTotal: question.entities.length,
    error,
    id,
    runMode: question.runMode,
    status,
    syncId: question.syncId,
  };
}

export function presentPlan({
  id,
  question: { syncId, runMode },
  entities,
}: {
  id: string;
  question: PreviewQuestion;
  entities: EntityPlanPreview[];
}): SyncPlanJson {
  const confirmToken = confirmTokenOf(entities);
  return {
    confirmToken,
    destructive: confirmToken !== null,
    entities: entities.map(presentEntity),
    id,
    runMode,
    syncId,
  };
}

function presentEntity({ entityKey, failure, load }: EntityPlanPreview): PlannedEntityJson {
  if (load === null) return { entityKey, failure, load };
  const { schema, table, ...rest } = load;
  return { entityKey, failure, load: { ...rest, table: `${schema}.${table}` } };
}
