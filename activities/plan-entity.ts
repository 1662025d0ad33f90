import { entityRulesOf } from "../core/entity-rules.ts";
import { isProviderError, TerminalError } from "../core/errors.ts";
import type { LoadMode } from "../core/vocabulary.ts";
import { type BindingRow, findDeletedOwners, settleBinding } from "../db/bindings.ts";
import { readCursorState } from "../db/cursor-states.ts";
import type { NewPlanEntity } from "../db/plans.ts";
import type { Destination, LoadTarget } from "../destinations/destination.ts";
import type { EntitySchema, PlanRequest, Source } from "../providers/provider.ts";
import type { ActivityDeps } from "./deps.ts";
import type { RunContext } from "./run-context.ts";

/** How an entity is loaded: what the user gave, else what discovery found. */
export interface ResolvedBinding {
  loadMode: LoadMode;
  keyColumns: string[];
  cursorField: string | null;
}

export interface EntityPlanning {
  context: RunContext;
  source: Source;
  destination: Destination;
  deploymentId: string;
  planId: string;
  maxSlices: number;
}

/** @throws TerminalError primary_key_missing, source_schema_breaking_change */
export function resolveBinding(binding: BindingRow, schema: EntitySchema): ResolvedBinding {
  const { loadMode, primaryKeyColumns, cursorField } = binding;
  const resolved: ResolvedBinding = {
    loadMode: loadMode ?? schema.loadMode,
    keyColumns: primaryKeyColumns ?? schema.primaryKeyColumns,
    // A given null says that there is to be none.
    cursorField: binding.given.cursorField === null ? null : (cursorField ?? schema.cursorFields[0] ?? null),
  };
  const columns = new Set(schema.columns.map((column) => column.name));
  const named = [...resolved.keyColumns, ...(resolved.cursorField === null ? [] : [resolved.cursorField])];
  const missing = named.filter((name) => !columns.has(name));
  if (missing.length > 0) {
    throw new TerminalError(
      "source_schema_breaking_change",
      `${schema.entityKey} has no column ${missing.join(", ")} any more, which the table binding uses as key or cursor. Correct the binding.`,
    );
  }
  if (resolved.loadMode === "upsert" && resolved.keyColumns.length === 0) {
    throw new TerminalError(
      "primary_key_missing",
      `${schema.entityKey} has no key, and load mode upsert needs one. Set primaryKeyColumns in the table binding, or choose replace or append_event.`,
    );
  }
  return resolved;
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
    return await planFoundEntity(deps, planning, entity.schema, entity.binding);
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
  const { run, sync, execution } = planning.context;
  const { entityKey } = schema;
  const resolved = resolveBinding(binding, schema);
  const { loadMode, keyColumns } = resolved;
  const complete = loadMode === "replace" || run.runMode === "full_refresh";
  const state = await readCursorState(deps.db, sync.id, entityKey);
  const target = await planning.destination.prepareEntity({
    chain: { rootRunId: run.attemptRootRunId, attempt: run.attemptNumber },
    planId: planning.planId,
    deploymentId: planning.deploymentId,
    syncId: sync.id,
    formerOwners: await findDeletedOwners(deps.db, binding),
    entityKey,
    schema: destinationSchemaOf(planning.context),
    table: binding.physicalTableName,
    columns: schema.columns,
    keyColumns,
    cursorField: resolved.cursorField,
    loadMode,
    complete,
    schemaPolicy: entityRulesOf(sync.destinationConfig, entityKey).schemaPolicy,
    confirmedPlan: run.request.confirmedPlan ?? null,
  });
  // Without one where the table does not take the column.
  const { cursorField } = target;
  await settleBinding(deps.db, binding.id, { loadMode, primaryKeyColumns: keyColumns, cursorField });
  const incremental = !complete && run.runMode === "incremental" && cursorField !== null && state?.cursor != null;
  const request: PlanRequest = {
    entityKey,
    scan: incremental ? "incremental" : "full",
    columns: readColumnsOf(target),
    keyColumns,
    cursorField,
    cursorState: incremental ? state.cursor : null,
    // A keyless append compares whole ranges, and rows without a cursor lie in none: one slice then.
    windows: run.executionMode === "fan_out_window" && !(loadMode === "append_event" && keyColumns.length === 0),
    windowSize: execution.windowSize,
    maxSlices: planning.maxSlices,
    lookbackSeconds: execution.lookbackSeconds,
    safetyLagSeconds: execution.safetyLagSeconds,
    between: run.runMode === "backfill" ? (run.request.window ?? null) : null,
    catchUp: target.swap && cursorField !== null,
  };
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
    slices: plan.slices,
  };
}

/** A column that only decides whether a row is rejected is read all the same. */
function readColumnsOf({ columns, discards }: LoadTarget): string[] {
  return [...columns.map(({ name }) => name), ...(discards?.rowsWith ?? [])];
}

export function destinationSchemaOf(context: RunContext): string {
  const { schema } = context.sync.destinationConfig;
  return typeof schema === "string" ? schema : context.sync.providerKey;
}

function missingEntity(binding: BindingRow): TerminalError {
  const { entityKey } = binding;
  return binding.frozenAt === null
    ? new TerminalError("entity_unknown", `The source has no ${entityKey}. Correct the entities of the sync.`)
    : new TerminalError(
        "source_resource_not_found",
        `${entityKey} was loaded before but is gone from the source. Restore it, or take it out of the sync.`,
      );
}
