import type { PlanEntityRow } from "../db/plans.ts";
import type { LoadTarget } from "../destinations/load-target.ts";
import { isCompared, type PlannedTarget, readStored } from "../destinations/stored-target.ts";

/** @returns null where the entity could not be planned */
export function plannedTargetOf({ target, reasonCode }: PlanEntityRow): PlannedTarget | null {
  return reasonCode === null ? readStored(target) : null;
}

/** @returns null where the entity is compared, or could not be planned */
export function loadTargetOf(entity: PlanEntityRow): LoadTarget | null {
  const target = plannedTargetOf(entity);
  return target === null || isCompared(target) ? null : target;
}
