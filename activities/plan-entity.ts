import { isComparison } from "../core/digests.ts";
import { isProviderError, TerminalError } from "../core/errors.ts";
import { type BindingRow, settleBinding } from "../db/bindings.ts";
import { readCursorState } from "../db/cursor-states.ts";
import type { NewPlanEntity } from "../db/plans.ts";
import type { ComparingDestination } from "../destinations/comparison.ts";
import type { EntitySchema, Source } from "../providers/provider.ts";
import type { ActivityDeps } from "./deps.ts";
import { loadRequestOf, type PlanSettings, planRequestOf, resolveBinding } from "./entity-requests.ts";
import { planComparedEntity } from "./plan-comparison.ts";
import { orderSlices } from "./replacing-slices.ts";
import type { RunContext } from "./run-context.ts";

export interface EntityPlanning extends PlanSettings {
  context: RunContext;
  source: Source;
  destination: ComparingDestination;
  planId: string;
}

/**
 * Plans one entity: target first, since a complete scan is planned with a catch-up only where it is swapped in.
 * What stands in this entity's way is recorded with it and does not stop the others.
 * @throws TransientError: worth planning again
 */
export async function planEntity(
  deps: ActivityDeps,
  planning: EntityPlanning,
  entity: { entityKey: string; schema: EntitySchema | null; binding: BindingRow },
): Promise<NewPlanEntity> {
  try {
    if (entity.schema === null) throw missingEntity(entity.binding);
    if (entity.schema.failure) throw entity.schema.failure;
    const { schema, binding } = entity;
    if (isComparison(planning.context.run.runMode))
      return await planComparedEntity(deps, planning, { schema, binding });
    return await planFoundEntity(deps, planning, schema, binding);
  } catch (error) {
    if (!isProviderError(error) || !(error instanceof TerminalError)) throw error;
    return {
      entityKey: entity.entityKey,
      dependsOn: [],
      spec: {},
      target: {},
      upperBound: null,
      cursorVersion: 0,
      evidence: {},
      reasonCode: error.reasonCode,
      error: error.message,
      slices: [],
    };
  }
}

async function planFoundEntity(
  deps: ActivityDeps,
  planning: EntityPlanning,
  schema: EntitySchema,
  binding: BindingRow,
): Promise<NewPlanEntity> {
  const { run, sync } = planning.context;
  const { entityKey } = schema;
  const resolved = resolveBinding(binding, schema);
  const state = await readCursorState(deps.db, sync.id, entityKey);
  const target = await planning.destination.prepareEntity({
    ...(await loadRequestOf(deps, planning, { schema, binding, resolved, cursor: state?.cursor ?? null })),
    chain: { rootRunId: run.attemptRootRunId, attempt: run.attemptNumber },
    planId: planning.planId,
    confirmedPlan: run.request.confirmedPlan ?? null,
  });
  // The target is without a cursor where the table does not take the column.
  const { loadMode, keyColumns } = resolved;
  await settleBinding(deps.db, binding.id, {
    loadMode,
    primaryKeyColumns: keyColumns,
    cursorField: target.cursorField,
  });
  const request = planRequestOf(planning, { entityKey, resolved, target, cursor: state?.cursor ?? null });
  const plan = await planning.source.plan(request);
  return {
    entityKey,
    dependsOn: schema.dependsOn,
    spec: plan.spec,
    target,
    upperBound: plan.upperBound,
    cursorVersion: state?.version ?? 0,
    evidence: state?.cursor === null ? { ...plan.evidence, cursorResetBy: state.createdBy } : plan.evidence,
    reasonCode: null,
    error: null,
    slices: orderSlices(target, plan.slices, run.runMode === "backfill" ? (state?.cursor ?? null) : null),
  };
}

export function missingEntity(binding: BindingRow): TerminalError {
  const { entityKey } = binding;
  return binding.frozenAt === null
    ? new TerminalError("entity_unknown", `The source has no ${entityKey}. Correct the entities of the sync.`)
    : new TerminalError(
        "source_resource_not_found",
        `${entityKey} was loaded before but is gone from the source. Restore it, or take it out of the sync.`,
      );
}
