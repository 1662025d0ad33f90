import { isProviderError } from "../core/errors.ts";
import type { EntityLoadPreview, EntityPlanPreview, PreviewQuestion } from "../core/plan-preview.ts";
import { mapSideBySide } from "../core/side-by-side.ts";
import { MAX_SLICES_PER_PLAN } from "../core/slices.ts";
import { type BindingRow, listBindings } from "../db/bindings.ts";
import { readCursorState } from "../db/cursor-states.ts";
import { readDeploymentId } from "../db/deployment.ts";
import { readLatestSpecs } from "../db/plans.ts";
import { readSync } from "../db/syncs.ts";
import type { Destination } from "../destinations/destination.ts";
import type { EntityReadSpec, EntitySchema, Source } from "../providers/provider.ts";
import { checkPlan } from "./check-plan.ts";
import { readNamedColumns } from "./column-names.ts";
import type { ActivityDeps } from "./deps.ts";
import { describeLoad } from "./describe-load.ts";
import { discoverWithParents, type EntityGroup, groupBindings } from "./entity-groups.ts";
import {
  destinationSchemaOf,
  loadRequestOf,
  type PlanSettings,
  planRequestOf,
  resolveBinding,
} from "./entity-requests.ts";
import { feedOriginOf, usableState } from "./feed-start.ts";
import { openManifest, stateOfFiles } from "./file-manifest.ts";
import { meetingDefects } from "./meeting-defects.ts";
import { missingEntity } from "./plan-entity.ts";
import { type Attempt, previewGroup, toPreview } from "./preview-group.ts";
import { executionConfigOf, loadConnection, openDestination } from "./run-context.ts";

/** A run would begin another one, under its own id. */
const NEW_GENERATION = "new";

/** Both ends of a sync, where nothing is changed. */
interface Ends {
  source: Source;
  destination: Destination;
}

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
    found: await discoverWithParents(source, entities, known, named),
  }));
  signal.throwIfAborted();
  // A run would fail as a whole, and so each of its entities.
  if ("failure" in opened) return bindings.map(({ entityKey }) => ({ entityKey, load: null, ...opened }));
  const { found, destination } = opened;
  const width = Math.min(settings.context.execution.maxConcurrency, source.plansAtOnce ?? 1);
  const ends = { source, destination };
  const previews = await mapSideBySide(groupBindings(bindings, found), width, async (group) => {
    const told = await previewTogether(deps, settings, { ...ends, group, found, signal });
    // What comes of an abort is nothing to be told of an entity.
    signal.throwIfAborted();
    for (const preview of told) await say(preview);
    return told;
  });
  const byKey = new Map(previews.flat().map((preview) => [preview.entityKey, preview]));
  return bindings.flatMap(({ entityKey }) => byKey.get(entityKey) ?? []);
}

/** As a run plans: an entity that is neither read with another nor by another's answers is by itself. */
async function previewTogether(
  deps: ActivityDeps,
  settings: PlanSettings,
  of: Ends & { group: EntityGroup; found: ReadonlyMap<string, EntitySchema>; signal: AbortSignal },
): Promise<EntityPlanPreview[]> {
  const { group, found, signal, ...ends } = of;
  const attempt: Attempt = async (entityKey, work) => {
    try {
      return { done: await meetingDefects(entityKey, work()) };
    } catch (error) {
      const told = failureOf(error);
      if (told.failure.reasonCode === "internal_error" && !signal.aborted) {
        const { syncId } = group.bindings[0] ?? {};
        deps.log.error({ err: error, syncId, entityKey }, "the plan of an entity met a defect");
      }
      return told;
    }
  };
  const [binding] = group.bindings;
  if (group.bindings.length > 1 || binding?.entityKey !== group.leadKey) {
    return previewGroup(deps, settings, { ...ends, group, found, attempt });
  }
  const { entityKey } = binding;
  const planning = await attempt(entityKey, async () => {
    const schema = found.get(entityKey) ?? null;
    if (schema === null) throw missingEntity(binding);
    if (schema.failure) throw schema.failure;
    return planFound(deps, settings, { ...ends, schema, binding });
  });
  return [toPreview(entityKey, planning)];
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

async function planFound(
  deps: ActivityDeps,
  settings: PlanSettings,
  entity: Ends & { schema: EntitySchema; binding: BindingRow },
): Promise<EntityLoadPreview> {
  const { source, destination, schema, binding } = entity;
  const { entityKey } = binding;
  const resolved = resolveBinding(binding, schema);
  const { sync } = settings.context;
  const own = { deploymentId: settings.deploymentId, syncId: sync.id, entityKey };
  const stored = usableState(await readCursorState(deps.db, sync.id, entityKey), schema, settings.feedOrigin);
  const table = { ...own, schema: destinationSchemaOf(sync), table: binding.physicalTableName };
  const state = await stateOfFiles(destination, schema, stored, table);
  const loaded = { schema, binding, resolved, cursor: state?.cursor ?? null };
  const loading = await destination.previewEntity(await loadRequestOf(deps, settings, loaded));
  const { target } = loading;
  const { cursorState } = planRequestOf(settings, { schema, binding, resolved, state, target });
  const manifest = schema.files && openManifest(destination, own, cursorState ?? NEW_GENERATION);
  const request = planRequestOf(settings, { schema, binding, resolved, state, target, manifest });
  const plan = await source.plan(request);
  checkPlan(entityKey, target, plan, manifest);
  const scan = request.between === null ? request.scan : "backfill";
  return { scan, cursor: { from: request.cursorState, to: plan.upperBound }, ...describeLoad(resolved, loading, plan) };
}
