import { isProviderError } from "../core/errors.ts";
import type { EntityLoadPreview, EntityPlanPreview, PreviewQuestion } from "../core/plan-preview.ts";
import { MAX_SLICES_PER_PLAN } from "../core/slices.ts";
import { type BindingRow, listBindings } from "../db/bindings.ts";
import { readCursorState } from "../db/cursor-states.ts";
import { readDeploymentId } from "../db/deployment.ts";
import { readLatestSpecs } from "../db/plans.ts";
import { readSync } from "../db/syncs.ts";
import type { Destination, EntityPreview } from "../destinations/destination.ts";
import type { EntityPlan, EntityReadSpec, EntitySchema, Source } from "../providers/provider.ts";
import { checkPlan } from "./check-plan.ts";
import { readNamedColumns } from "./column-names.ts";
import type { ActivityDeps } from "./deps.ts";
import {
  loadRequestOf,
  type PlanSettings,
  planRequestOf,
  type ResolvedBinding,
  resolveBinding,
} from "./entity-requests.ts";
import { feedOriginOf, usableState } from "./feed-start.ts";
import { meetingDefects } from "./meeting-defects.ts";
import { missingEntity } from "./plan-entity.ts";
import { executionConfigOf, loadConnection, openDestination } from "./run-context.ts";
import { mapSideBySide } from "./side-by-side.ts";

/** An answer holds all entities, so each is told in brief. */
const MAX_LABELS = 20;
const MAX_STATEMENT = 4_000;

/**
 * What a run would do, by what it would ask of both ends. Changes nothing at either, nor in the control database.
 * @param say is told each entity as soon as it is planned
 * @returns by entity key
 */
export async function previewRun(
  deps: ActivityDeps,
  source: Source,
  { syncId, runMode, entities, window }: PreviewQuestion,
  { signal, say }: { signal: AbortSignal; say: (preview: EntityPlanPreview) => Promise<void> },
): Promise<EntityPlanPreview[]> {
  const sync = await readSync(deps.db, syncId);
  const request = { entities, ...(window === null ? {} : { window }) };
  const run = { runMode, request, executionMode: sync.executionMode };
  const settings: PlanSettings = {
    context: { run, sync, execution: executionConfigOf(sync) },
    deploymentId: await readDeploymentId(deps.db),
    maxSlices: Math.floor(MAX_SLICES_PER_PLAN / entities.length),
    feedOrigin: feedOriginOf(deps, await loadConnection(deps, sync.connectionId)),
  };
  const known =
    runMode === "full_refresh" ? undefined : await readLatestSpecs<EntityReadSpec>(deps.db, { syncId, within: null });
  const named = await readNamedColumns(deps, syncId);
  const bindings = (await listBindings(deps.db, [syncId])).filter(({ entityKey }) => entities.includes(entityKey));
  const opened = await openBoth(async () => ({
    destination: await openDestination(deps, sync),
    discovered: await source.discover(entities, known, named),
  }));
  signal.throwIfAborted();
  // A run would fail as a whole, and so each of its entities.
  if ("failure" in opened) return bindings.map(({ entityKey }) => ({ entityKey, load: null, ...opened }));
  const found = new Map(opened.discovered.map((schema) => [schema.entityKey, schema]));
  const width = Math.min(settings.context.execution.maxConcurrency, source.plansAtOnce ?? 1);
  return mapSideBySide(bindings, width, async (binding) => {
    const schema = found.get(binding.entityKey) ?? null;
    const { destination } = opened;
    const preview = await previewEntity(deps, settings, { source, destination, schema, binding, signal });
    // What comes of an abort is nothing to be told of an entity.
    signal.throwIfAborted();
    await say(preview);
    return preview;
  });
}

async function openBoth<T>(open: () => Promise<T>): Promise<T | Pick<EntityPlanPreview, "failure">> {
  try {
    return await open();
  } catch (error) {
    return failureOf(error);
  }
}

/** @throws what no contract knows */
function failureOf(error: unknown): { failure: NonNullable<EntityPlanPreview["failure"]> } {
  if (!isProviderError(error)) throw error;
  return { failure: { reasonCode: error.reasonCode, message: error.message } };
}

async function previewEntity(
  deps: ActivityDeps,
  settings: PlanSettings,
  entity: {
    source: Source;
    destination: Destination;
    schema: EntitySchema | null;
    binding: BindingRow;
    signal: AbortSignal;
  },
): Promise<EntityPlanPreview> {
  const { source, destination, schema, binding, signal } = entity;
  const { entityKey } = binding;
  try {
    if (schema === null) throw missingEntity(binding);
    if (schema.failure) throw schema.failure;
    const planning = planFound(deps, settings, { source, destination, schema, binding });
    return { entityKey, load: await meetingDefects(entityKey, planning), failure: null };
  } catch (error) {
    const told = failureOf(error);
    if (told.failure.reasonCode === "internal_error" && !signal.aborted) {
      deps.log.error({ err: error, syncId: binding.syncId, entityKey }, "the plan of an entity met a defect");
    }
    return { entityKey, load: null, ...told };
  }
}

async function planFound(
  deps: ActivityDeps,
  settings: PlanSettings,
  entity: { source: Source; destination: Destination; schema: EntitySchema; binding: BindingRow },
): Promise<EntityLoadPreview> {
  const { source, destination, schema, binding } = entity;
  const { entityKey } = binding;
  const resolved = resolveBinding(binding, schema);
  const stored = await readCursorState(deps.db, settings.context.sync.id, entityKey);
  const state = usableState(stored, schema, settings.feedOrigin);
  const loaded = { schema, binding, resolved, cursor: state?.cursor ?? null };
  const loading = await destination.previewEntity(await loadRequestOf(deps, settings, loaded));
  const request = planRequestOf(settings, { schema, binding, resolved, state, target: loading.target });
  const plan = await source.plan(request);
  checkPlan(entityKey, loading.target, plan);
  const scan = request.between === null ? request.scan : "backfill";
  return { scan, cursor: { from: request.cursorState, to: plan.upperBound }, ...describeLoad(resolved, loading, plan) };
}

function describeLoad(
  { loadMode }: ResolvedBinding,
  { target, apply, statements, losses, confirmation, estimatedRows: present }: EntityPreview,
  plan: EntityPlan,
): Omit<EntityLoadPreview, "scan" | "cursor"> {
  const toRead = rowsToRead(plan);
  const fewer = present === null || toRead === null ? null : Math.max(0, present - toRead);
  return {
    ...{ schema: target.schema, table: target.table, loadMode },
    ...{ keyColumns: target.keyColumns, cursorField: target.cursorField },
    estimatedRows: { toRead, present },
    slices: { count: plan.slices.length, labels: plan.slices.slice(0, MAX_LABELS).map(({ label }) => label) },
    apply,
    changes: statements.map((statement) => statement.slice(0, MAX_STATEMENT)),
    deletes: deletesOf(loadMode, target, fewer),
    ...{ losses, confirmation },
  };
}

function deletesOf(
  loadMode: EntityLoadPreview["loadMode"],
  { kind }: EntityPreview["target"],
  rows: number | null,
): EntityLoadPreview["deletes"] {
  if (kind === "beside") return { kind: "swap", rows };
  if (kind === "scan_in_place") return { kind: "mark_deleted", rows };
  return loadMode === "delete_insert" ? { kind: "window", rows: null } : { kind: "none", rows: 0 };
}

/** As the evidence says, where the source counts or guesses. */
function rowsToRead({ evidence }: EntityPlan): number | null {
  const rows = evidence.estimatedRows ?? evidence.count;
  return typeof rows === "number" ? rows : null;
}
