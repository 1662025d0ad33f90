import { isComparison } from "../core/digests.ts";
import { isOfEntity, type ProviderError, TerminalError, TransientError } from "../core/errors.ts";
import type { OnWork } from "../core/pulse.ts";
import { type BindingRow, settleBinding } from "../db/bindings.ts";
import { readCursorState } from "../db/cursor-states.ts";
import type { NewPlanEntity } from "../db/plans.ts";
import type { ComparingDestination } from "../destinations/compare/comparison.ts";
import { storeTarget } from "../destinations/stored-target.ts";
import { TableChangedError } from "../destinations/tables/table-changes.ts";
import type { EntitySchema, Source } from "../providers/provider.ts";
import { checkPlan } from "./check-plan.ts";
import { holdColumnNames } from "./column-names.ts";
import type { ActivityDeps } from "./deps.ts";
import {
  destinationSchemaOf,
  loadedAs,
  loadRequestOf,
  type PlanSettings,
  planRequestOf,
  resolveBinding,
} from "./entity-requests.ts";
import { plannedTail, tellResync, usableState } from "./feed-start.ts";
import { openManifest, stateOfFiles } from "./file-manifest.ts";
import { meetingDefects } from "./meeting-defects.ts";
import { planComparedEntity } from "./plan-comparison.ts";
import { orderSlices } from "./replacing-slices.ts";
import type { RunContext } from "./run-context.ts";

export interface EntityPlanning extends PlanSettings {
  context: RunContext;
  source: Source;
  destination: ComparingDestination;
  planId: string;
  /** Of the activity. */
  signal: AbortSignal;
  onWork: OnWork;
}

/**
 * Plans one entity: target first, since a complete scan is planned with a catch-up only where it is swapped in.
 * What stands in this entity's way is recorded with it and does not stop the others.
 * @param entity.hasComeAgain planning has failed before in this run: what fails now, such as a table that ends every session that reads
 * it, is the entity's too, so that the others are loaded
 * @throws TransientError: a source or destination as a whole is not to be had, and all entities are worth planning again
 */
export async function planEntity(
  deps: ActivityDeps,
  planning: EntityPlanning,
  entity: { entityKey: string; schema: EntitySchema | null; binding: BindingRow; hasComeAgain: boolean },
): Promise<NewPlanEntity> {
  try {
    if (entity.schema === null) throw missingEntity(entity.binding);
    if (entity.schema.failure) throw entity.schema.failure;
    const { schema, binding } = entity;
    const making = isComparison(planning.context.run.runMode)
      ? planComparedEntity(deps, planning, { schema, binding })
      : planFoundEntity(deps, planning, schema, binding);
    return await meetingDefects(entity.entityKey, making);
  } catch (error) {
    requireOwnFault(deps, planning, entity, error);
    return unplannable(deps, planning, entity.entityKey, error);
  }
}

/** An entity that the plan is recorded without. */
export async function unplannable(
  { db }: Pick<ActivityDeps, "db">,
  { context }: EntityPlanning,
  entityKey: string,
  error: ProviderError,
): Promise<NewPlanEntity> {
  // A feed that has expired is reset, unless somebody has set its state meanwhile.
  const isReset = error.reasonCode === "source_cursor_expired";
  const state = isReset ? await readCursorState(db, context.sync.id, entityKey) : null;
  return {
    entityKey,
    dependsOn: [],
    spec: {},
    target: error instanceof TableChangedError ? { tableChanges: error.changes } : {},
    upperBound: null,
    cursorVersion: state?.version ?? 0,
    evidence: {},
    reasonCode: error.reasonCode,
    error: error.message,
    slices: [],
  };
}

/** @throws `error` where it is not the entity's own: it stands in the way of all */
export function requireOwnFault(
  deps: Pick<ActivityDeps, "log">,
  planning: EntityPlanning,
  entity: { entityKey: string; hasComeAgain: boolean },
  error: unknown,
): asserts error is ProviderError {
  const { signal, context } = planning;
  if (signal.aborted || !(isOfEntity(error) || (entity.hasComeAgain && isPassing(error)))) throw error;
  if (error.reasonCode !== "internal_error") return;
  deps.log.error({ err: error, runId: context.run.id, entityKey: entity.entityKey }, "an entity met a defect");
}

/** Also where it looks like everybody's. A wait that the source asks for is everybody's. */
function isPassing(error: unknown): error is TransientError {
  return error instanceof TransientError && error.retryAfterSeconds === null;
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
  await holdColumnNames(deps, binding, schema);
  const { feedOrigin, destination, deploymentId } = planning;
  const own = { deploymentId, syncId: sync.id, entityKey };
  const stored = usableState(await readCursorState(deps.db, sync.id, entityKey), schema, feedOrigin);
  const table = { ...own, schema: destinationSchemaOf(sync), table: binding.physicalTableName };
  const state = await stateOfFiles(destination, schema, stored, table);
  const target = await destination.prepareEntity({
    ...(await loadRequestOf(deps, planning, { schema, binding, resolved, cursor: state?.cursor ?? null })),
    chain: { rootRunId: run.attemptRootRunId, attempt: run.attemptNumber },
    ...{ planId: planning.planId, signal: planning.signal, onWork: planning.onWork },
    confirmedPlan: run.request.confirmedPlan ?? null,
  });
  // The target is without a cursor where the table does not take the column.
  const { loadMode, keyColumns } = resolved;
  await settleBinding(deps.db, binding.id, {
    loadMode,
    primaryKeyColumns: keyColumns,
    cursorField: target.cursorField,
  });
  const manifest = target.files && openManifest(destination, own, target.files.generation);
  const request = planRequestOf(planning, { schema, binding, resolved, target, state, manifest });
  const plan = await planning.source.plan(request);
  checkPlan(entityKey, target, plan, manifest);
  return {
    entityKey,
    dependsOn: schema.dependsOn,
    spec: plan.spec,
    target: storeTarget(target),
    upperBound: plan.upperBound,
    cursorVersion: state?.version ?? 0,
    evidence: {
      ...plan.evidence,
      ...plannedTail(plan, schema, { loadedAs: loadedAs(resolved, target), feedOrigin }),
      ...(request.resync ? { resync: tellResync(schema, state) } : {}),
      ...(state?.cursor === null ? { cursorResetBy: state.createdBy } : {}),
    },
    reasonCode: null,
    error: null,
    slices: orderSlices(target, plan.slices, run.runMode === "backfill" ? (state?.cursor ?? null) : null),
  };
}

export function missingEntity(binding: BindingRow): TerminalError {
  const { entityKey } = binding;
  return binding.frozenAt === null
    ? new TerminalError("entity_unknown", `The source has no ${entityKey}.`, {
        fix: "Correct the entities of the sync.",
      })
    : new TerminalError("source_resource_not_found", `${entityKey} was loaded before but is gone from the source.`, {
        fix: "Restore it, or take it out of the sync.",
      });
}
