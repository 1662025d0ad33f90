import { confirmTokenOf, type EntityPlanPreview, type PreviewQuestion } from "../core/plan-preview.ts";
import type { PlannedEntityJson, SyncPlanJson } from "./schemas/plans.ts";

export function presentPlan({
  question: { syncId, runMode },
  entities,
}: {
  question: PreviewQuestion;
  entities: EntityPlanPreview[];
}): SyncPlanJson {
  const confirmToken = confirmTokenOf(entities);
  return {
    confirmToken,
    destructive: confirmToken !== null,
    entities: entities.map(presentEntity),
    runMode,
    syncId,
  };
}

function presentEntity({ entityKey, failure, load }: EntityPlanPreview): PlannedEntityJson {
  if (load === null) return { entityKey, failure, load };
  const { schema, table, ...rest } = load;
  return { entityKey, failure, load: { ...rest, table: `${schema}.${table}` } };
}
