import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { isComparison } from "../core/digests.ts";
import { planningConfigOf } from "../core/entity-rules.ts";
import { finishOf } from "../core/load-modes.ts";
import { firstPage, inDependencyOrder, MAX_SLICES_PER_PLAN } from "../core/slices.ts";
import type { PlanInput, PlannedWork, PlanOutcome } from "../core/workflow-contract.ts";
import { readDeploymentId } from "../db/deployment.ts";
import {
  bindPlan,
  findResumablePlan,
  type Plan,
  readLatestSpecs,
  readPlan,
  recordPlan,
  replaceFailedEntity,
} from "../db/plans.ts";
import { listDifferences } from "../db/run-slices.ts";
import { setRunWait } from "../db/runs.ts";
import type { ComparingDestination } from "../destinations/comparison.ts";
import type { EntityReadSpec, EntitySchema, Source } from "../providers/provider.ts";
import type { ActivityDeps } from "./deps.ts";
import { entitiesOf } from "./entity-requests.ts";
import { toFailure, waitOf } from "./failures.ts";
import { fenceEarlierRuns } from "./fence.ts";
import { withHeartbeat } from "./heartbeat.ts";
import { resetLostPositions } from "./lost-positions.ts";
import { type EntityPlanning, planEntity } from "./plan-entity.ts";
import { loadRunContext, openDestination, openSource, type RunContext } from "./run-context.ts";
import { activityScope } from "./scope.ts";

/**
 * The chain's plan: resumed while it still fits, made anew otherwise, and what is left to do of it. Idempotent: a plan
 * once recorded for the run is the answer, however often it is asked. A source that wants to be left alone is asked again later.
 */
export function createPlanRun(deps: ActivityDeps) {
  return async ({ runId, failed = [] }: PlanInput): Promise<PlanOutcome> => {
    const scope = activityScope(deps, { runId });
    try {
      const context = await loadRunContext(deps, runId);
      await setRunWait(deps.db, runId, null);
      const destination = await openDestination(deps, context.sync);
      const source = openSource(deps, context.connection, context.sync.sourceConfig, scope.signal);
      try {
        return await withHeartbeat(
          {
            tracked: scope.tracked,
            probes: [source.probe],
            progressTimeoutSeconds: context.execution.progressTimeoutSeconds,
            onStall: scope.fail,
          },
          async () => {
            await destination.ensureLedger();
            const plan = await findOrMakePlan(deps, context, source, destination);
            return attachPlan(deps, context, plan, { destination, failed });
          },
        );
      } finally {
        await source.close();
      }
    } catch (thrown) {
      const error = scope.reasonFor(thrown);
      const wait = scope.stopped() ? null : waitOf(error);
      if (wait === null) throw toFailure(error, scope.tracked.stop);
      await setRunWait(deps.db, runId, wait);
      return { kind: "wait", resumeAt: wait.until.toISOString(), reasonCode: wait.reasonCode };
    } finally {
      await scope.end();
    }
  };
}

async function findOrMakePlan(
  deps: ActivityDeps,
  context: RunContext,
  source: Source,
  destination: ComparingDestination,
): Promise<Plan> {
  const { run, sync } = context;
  if (run.planId !== null) return requirePlan(deps, run.planId);
  const entities = entitiesOf(context);
  // A run that compares finds itself what is lost.
  const setBack = !isComparison(run.runMode) && (await resetLostPositions(deps, context.run, destination));
  await fenceEarlierRuns(deps, context.run, destination);

  // A full refresh may find other columns than before; its own attempts have to agree.
  const within = run.runMode === "full_refresh" ? run.attemptRootRunId : null;
  const known = await readLatestSpecs<EntityReadSpec>(deps.db, { syncId: sync.id, within });
  const discovered = await source.discover(entities, known);
  const found = new Map(discovered.map((schema) => [schema.entityKey, schema]));
  const planning = await preparePlanning(deps, context, source, destination);
  const plan = async (entityKeys: string[], planId: string) => {
    const bindings = context.bindings.filter((binding) => entityKeys.includes(binding.entityKey));
    const planned = [];
    for (const binding of bindings) {
      const entity = { entityKey: binding.entityKey, schema: found.get(binding.entityKey) ?? null, binding };
      planned.push(await planEntity(deps, { ...planning, planId }, entity));
    }
    return inDependencyOrder(planned);
  };

  const configHash = hashOf(context);
  const chain = { rootRunId: run.attemptRootRunId, syncId: sync.id, configHash };
  const resumableId = setBack ? null : await findResumablePlan(deps.db, chain);
  const resumable = resumableId === null ? null : await requirePlan(deps, resumableId);
  if (resumable && fitsSchema(resumable, found)) {
    // What could not be planned then may be possible now.
    const failed = resumable.entities.filter((entity) => entity.reasonCode !== null).map((entity) => entity.entityKey);
    for (const entity of await plan(failed, resumable.id)) await replaceFailedEntity(deps.db, resumable.id, entity);
    return requirePlan(deps, resumable.id);
  }
  await recordPlan(deps.db, { runId: run.id, ...chain, entities: await plan(entities, run.id) });
  return requirePlan(deps, run.id);
}

async function preparePlanning(
  deps: ActivityDeps,
  context: RunContext,
  source: Source,
  destination: ComparingDestination,
): Promise<Omit<EntityPlanning, "planId">> {
  const deploymentId = await readDeploymentId(deps.db);
  const maxSlices = Math.max(1, Math.floor(MAX_SLICES_PER_PLAN / entitiesOf(context).length));
  return { context, source, destination, deploymentId, maxSlices };
}

/** Gives the run its rows for every slice, those that the ledger has as done included. */
async function attachPlan(
  deps: ActivityDeps,
  context: RunContext,
  plan: Plan,
  { destination, failed }: { destination: ComparingDestination; failed: string[] },
): Promise<PlannedWork> {
  const ledger = await destination.readLedger(plan.id);
  const finished = await destination.readFinished(plan.id);
  const done = new Set(ledger.filter((slice) => slice.done).map((slice) => slice.sliceNo));
  const { run } = context;
  const replanned = run.previousAttemptRunId !== null && plan.id === run.id;
  await bindPlan(deps.db, { runId: run.id, planId: plan.id, doneSlices: [...done], replanned });
  // A window that differs is never done, and yet there is nothing more to do about it in this run.
  const different = new Set((await listDifferences(deps.db, run.id)).map(({ sliceNo }) => sliceNo));
  const open = ({ sliceNo }: { sliceNo: number }) => !done.has(sliceNo) && !different.has(sliceNo);
  await destination.dropSuperseded({ rootRunId: run.attemptRootRunId, keepPlanId: plan.id });
  const planned = plan.entities.filter(
    ({ entityKey, reasonCode }) => reasonCode === null && !failed.includes(entityKey),
  );
  return firstPage(
    planned.map((entity) => ({
      entityKey: entity.entityKey,
      dependsOn: entity.dependsOn,
      swap: finishOf(entity.target) !== null && !finished.includes(entity.entityKey),
      slices: plan.slices
        .filter((slice) => slice.entityKey === entity.entityKey && open(slice))
        .map(({ sliceNo, stage, label }) => ({ sliceNo, stage, label })),
    })),
  );
}

async function requirePlan(deps: ActivityDeps, planId: string): Promise<Plan> {
  const plan = await readPlan(deps.db, planId);
  if (!plan) throw new Error(`Plan ${planId} is recorded nowhere`);
  return plan;
}

/** A column that came, went or changed since makes the plan's reads and targets wrong. */
function fitsSchema(plan: Plan, found: Map<string, EntitySchema>): boolean {
  return plan.entities
    .filter((entity) => entity.reasonCode === null)
    .every((entity) => {
      const schema = found.get(entity.entityKey);
      if (schema?.failure !== undefined) return true;
      const planned = plannedColumnsOf(entity.target);
      if (!schema?.inferred) return isDeepStrictEqual(planned, schema?.columns);
      const isThere = (column: unknown) => schema.columns.some((each) => isDeepStrictEqual(each, column));
      return Array.isArray(planned) && planned.every(isThere);
    });
}

/** All that the source had, also where the table does not take all of it. */
function plannedColumnsOf({ columns, discards }: Record<string, unknown>): unknown {
  return isObject(discards) && "sourceColumns" in discards ? discards.sourceColumns : columns;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Everything that decides what is read and where it goes, as the user gave it. */
function hashOf({ run, sync, connection, bindings, execution }: RunContext): string {
  // What may be lost or is let pass changes nothing about the plan, which goes on.
  const { entities, window } = run.request;
  const decisive = {
    connection: [connection.id, connection.config],
    sync: [sync.sourceConfig, planningConfigOf(sync.destinationConfig), sync.entities],
    bindings: bindings.map(({ entityKey, physicalTableName, given }) => ({ entityKey, physicalTableName, given })),
    run: [
      run.runMode,
      { entities, window },
      run.executionMode,
      execution.windowSize,
      execution.lookbackSeconds,
      execution.safetyLagSeconds,
    ],
  };
  return createHash("sha256").update(JSON.stringify(decisive)).digest("hex");
}
