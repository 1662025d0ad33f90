import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { isComparison } from "../core/digests.ts";
import { planningConfigOf } from "../core/entity-rules.ts";
import { isOfEntity, TerminalError } from "../core/errors.ts";
import { firstPage, MAX_SLICES_PER_PLAN } from "../core/slices.ts";
import type { PlanInput, PlannedWork, PlanOutcome } from "../core/workflow-contract.ts";
import { readDeploymentId } from "../db/deployment.ts";
import {
  bindPlan,
  findOvertakenChains,
  findResumablePlan,
  type NewPlanEntity,
  type Plan,
  readLatestSpecs,
  readPlan,
  recordPlan,
  refreshFrozen,
  replaceFailedEntity,
} from "../db/plans.ts";
import { listDifferences } from "../db/run-slices.ts";
import { type RunWarning, recordWarnings } from "../db/run-warnings.ts";
import { setRunWait } from "../db/runs.ts";
import type { ComparingDestination } from "../destinations/compare/comparison.ts";
import type { EntityReadSpec, EntitySchema, Source } from "../providers/provider.ts";
import { readNamedColumns } from "./column-names.ts";
import type { ActivityDeps } from "./deps.ts";
import { discoverWithParents } from "./entity-groups.ts";
import { entitiesOf } from "./entity-requests.ts";
import { handOver, toFailure, waitOf } from "./failures.ts";
import { feedOriginOf } from "./feed-start.ts";
import { fenceEarlierRuns } from "./fence.ts";
import { addressOf, freezeSettings } from "./frozen-settings.ts";
import { type Vigil, withHeartbeat } from "./heartbeat.ts";
import { resetLostPositions } from "./lost-positions.ts";
import { beginAgainAfterOutage, outlastOutage } from "./outlast-outage.ts";
import { planEntities, requireSomePlanned } from "./plan-entities.ts";
import type { EntityPlanning } from "./plan-entity.ts";
import { workOf } from "./planned-work.ts";
import { loadRunContext, openSource, openWarehouse, type RunContext } from "./run-context.ts";
import { type ActivityScope, activityScope } from "./scope.ts";
import { planAsks } from "./shared-connection.ts";

/**
 * The chain's plan: resumed while it still fits, made anew otherwise, and what is left to do of it. Idempotent: a plan
 * once recorded for the run is the answer, however often it is asked. A source that wants to be left alone is asked again later.
 */
export function createPlanRun(deps: ActivityDeps) {
  return async ({ runId, failed = [] }: PlanInput): Promise<PlanOutcome> => {
    const scope = activityScope(deps, { runId });
    try {
      try {
        return await beginAgainAfterOutage(() => planOnce(deps, { runId, failed }, scope));
      } catch (thrown) {
        const error = scope.reasonFor(thrown);
        const wait = scope.stopped(error) ? null : waitOf(error);
        if (wait === null) throw error;
        await outlastOutage(() => setRunWait(deps.db, runId, wait));
        return { kind: "wait", resumeAt: wait.until.toISOString(), reasonCode: wait.reasonCode };
      } finally {
        await scope.end();
      }
    } catch (error) {
      const handedOver = handOver(scope.tracked.stop);
      if (handedOver) return handedOver;
      throw toFailure(error, scope.tracked.stop);
    }
  };
}

const PLANNING_HOURS = 6;

/** A plan is many statements and requests, each with a limit of its own; nothing else would end a source that answers all of them slowly. */
const PLANNING_DEADLINE = {
  seconds: PLANNING_HOURS * 60 * 60,
  error: new TerminalError("source_timeout", `The run could not be planned within ${PLANNING_HOURS} hours.`, {
    fix: "Look for slow views and slow answers at the source, or give the sync fewer entities.",
  }),
};

interface Planner {
  source: Source;
  destination: ComparingDestination;
  scope: ActivityScope;
  vigil: Vigil;
}

async function planOnce(deps: ActivityDeps, { runId, failed }: PlanInput, scope: ActivityScope): Promise<PlannedWork> {
  const context = await outlastOutage(async () => {
    const loaded = await loadRunContext(deps, runId);
    await setRunWait(deps.db, runId, null);
    return loaded;
  });
  const destination = openWarehouse(deps, context.destination);
  const asker = planAsks(runId);
  const source = await openSource(deps, context.connection, context.sync.sourceConfig, { ...scope, asker });
  try {
    return await withHeartbeat(
      {
        tracked: scope.tracked,
        progressTimeoutSeconds: context.execution.progressTimeoutSeconds,
        onStall: scope.fail,
        onBlocked: scope.blocked,
        late: PLANNING_DEADLINE,
      },
      async (vigil) => {
        vigil.watch(source.probe);
        await vigil.bounded(() => destination.ensureLedger());
        const plan = await findOrMakePlan(deps, context, { source, destination, scope, vigil });
        return vigil.bounded(() => attachPlan(deps, context, plan, { destination, failed }));
      },
    );
  } finally {
    await source.close();
  }
}

async function findOrMakePlan(
  deps: ActivityDeps,
  context: RunContext,
  { source, destination, scope, vigil }: Planner,
): Promise<Plan> {
  const { run, sync } = context;
  if (run.planId !== null) return requirePlan(deps, run.planId);
  const entities = entitiesOf(context);
  // A run that compares finds itself what is lost.
  const setBack =
    !isComparison(run.runMode) && (await vigil.bounded(() => resetLostPositions(deps, context.run, destination)));
  await vigil.bounded(() => fenceEarlierRuns(deps, context.run, destination));

  // A full refresh may find other columns than before; its own attempts have to agree.
  const within = run.runMode === "full_refresh" ? run.attemptRootRunId : null;
  const known = await readLatestSpecs<EntityReadSpec>(deps.db, { syncId: sync.id, within });
  const found = await discoverWithParents(source, entities, known, await readNamedColumns(deps, sync.id));
  const planning = await preparePlanning(deps, context, { source, destination });
  const plan = (entityKeys: string[], planId: string) =>
    planEntities(
      deps,
      { ...planning, planId, signal: scope.signal, onWork: vigil.watch },
      { entityKeys, found, tracked: scope.tracked },
    );

  const configHash = hashOf(deps, context);
  const frozen = freezeSettings(context);
  const chain = { rootRunId: run.attemptRootRunId, syncId: sync.id, configHash };
  const resumableId = setBack ? null : await findResumablePlan(deps.db, chain);
  const resumable = resumableId === null ? null : await requirePlan(deps, resumableId);
  if (resumable && fitsSchema(resumable, found)) {
    // What could not be planned then may be possible now.
    const failed = resumable.entities.filter((entity) => entity.reasonCode !== null).map((entity) => entity.entityKey);
    const again = await plan(failed, resumable.id);
    await tellFindings(deps, run.id, again);
    for (const entity of again) await outlastOutage(() => replaceFailedEntity(deps.db, resumable.id, entity));
    await outlastOutage(() => refreshFrozen(deps.db, { planId: resumable.id, configHash, frozen }));
    return requirePlan(deps, resumable.id);
  }
  const planned = await plan(entities, run.id);
  await tellFindings(deps, run.id, planned);
  requireSomePlanned(planned);
  await deps.failpoint?.("plan.before");
  await outlastOutage(() => recordPlan(deps.db, { runId: run.id, ...chain, frozen, entities: planned }));
  await deps.failpoint?.("plan.after");
  return requirePlan(deps, run.id);
}

async function preparePlanning(
  deps: ActivityDeps,
  context: RunContext,
  { source, destination }: { source: Source; destination: ComparingDestination },
): Promise<Omit<EntityPlanning, "planId" | "signal" | "onWork">> {
  const deploymentId = await readDeploymentId(deps.db);
  const maxSlices = Math.max(1, Math.floor(MAX_SLICES_PER_PLAN / entitiesOf(context).length));
  const feedOrigin = feedOriginOf(deps, context.connection);
  return { context, source, destination, deploymentId, maxSlices, feedOrigin };
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
  await bindPlan(deps.db, { runId: run.id, planId: plan.id, committed: ledger, replanned });
  // A window that differs is never done, and yet there is nothing more to do about it in this run.
  const different = new Set((await listDifferences(deps.db, run.id)).map(({ sliceNo }) => sliceNo));
  const open = ({ sliceNo }: { sliceNo: number }) => !done.has(sliceNo) && !different.has(sliceNo);
  await dropSuperseded(deps, run, plan, destination);
  return firstPage(workOf(plan, { finished, failed, isOpen: open }));
}

/** Tables that nobody sees: one that somebody has locked is dropped by the next attempt, by a later chain, or with the chain. */
async function dropSuperseded(
  deps: ActivityDeps,
  run: RunContext["run"],
  plan: Plan,
  destination: ComparingDestination,
): Promise<void> {
  try {
    const rootRunId = run.attemptRootRunId;
    const overtaken = await findOvertakenChains(deps.db, { syncId: run.syncId, rootRunId });
    await destination.dropSuperseded({ rootRunId, keepPlanId: plan.id, overtaken });
  } catch (error) {
    if (!isOfEntity(error)) throw error;
    deps.log.warn({ err: error, runId: run.id }, "tables of earlier attempts could not be dropped yet");
  }
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

/** In the run's summary and events. */
async function tellFindings({ db }: ActivityDeps, runId: string, planned: NewPlanEntity[]): Promise<void> {
  await outlastOutage(() => recordWarnings(db, { runId, kind: "destination.table_changed" }, tableChangesOf(planned)));
  await outlastOutage(() => recordWarnings(db, { runId, kind: "source.resync" }, resyncsOf(planned)));
  const leftOut = leftOutOf(planned);
  await outlastOutage(() => recordWarnings(db, { runId, kind: "source.files_left_out" }, leftOut));
}

function resyncsOf(planned: NewPlanEntity[]): RunWarning[] {
  return planned.flatMap(({ entityKey, evidence: { resync } }) =>
    typeof resync === "string" ? [{ entityKey, message: resync }] : [],
  );
}

/** A file that could not be read is said again by every run, until it changes. */
function leftOutOf(planned: NewPlanEntity[]): RunWarning[] {
  return planned.flatMap(({ entityKey, evidence: { leftOut } }) =>
    Array.isArray(leftOut) ? leftOut.map((message) => ({ entityKey, message: String(message) })) : [],
  );
}

function tableChangesOf(planned: NewPlanEntity[]): RunWarning[] {
  return planned.flatMap(({ entityKey, target }) =>
    "tableChanges" in target && Array.isArray(target.tableChanges)
      ? target.tableChanges.map((message) => ({ entityKey, message: String(message) }))
      : [],
  );
}

/** All that the source had, also where the table does not take all of it. */
function plannedColumnsOf({ columns, discards }: Record<string, unknown>): unknown {
  return isObject(discards) && "sourceColumns" in discards ? discards.sourceColumns : columns;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Everything that decides what is read and where it goes, as the user gave it. */
function hashOf(deps: ActivityDeps, { run, sync, connection, bindings, execution, destination }: RunContext): string {
  // What may be lost or is let pass changes nothing about the plan, which goes on.
  const { entities, window } = run.request;
  const decisive = {
    connection: [connection.id, connection.config],
    ...(destination === null ? {} : { destination: addressOf(deps, destination.provider, destination.config) }),
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
