import { Context } from "@temporalio/activity";
import {
  type ConnectionTaskRequest,
  type ConnectionTaskResult,
  type DiscoveredEntity,
  failedCheck,
} from "../core/connection-tasks.ts";
import { isProviderError, TransientError } from "../core/errors.ts";
import type { EntityPlanPreview, PreviewQuestion } from "../core/plan-preview.ts";
import { createRedactor } from "../core/redact.ts";
import { type ConnectionTaskInput, type ConnectionTaskOutcome, PLAN_TASK_MINUTES } from "../core/workflow-contract.ts";
import { addFound, type ConnectionTaskRow, clearFound, completeTask, getTask } from "../db/connection-tasks.ts";
import { isDatabaseUnavailable } from "../db/pg-errors.ts";
import type { EntitySchema, Source } from "../providers/provider.ts";
import type { ActivityDeps } from "./deps.ts";
import { toFailure } from "./failures.ts";
import { whileAlive } from "./heartbeat.ts";
import { beginAgainAfterOutage, outlastOutage } from "./outlast-outage.ts";
import { previewRun } from "./preview-run.ts";
import { loadConnection, openSource } from "./run-context.ts";
import { personAsks } from "./shared-connection.ts";

const TASK_TIMEOUT_MS = 20_000;
/** Of the time there is, so much may be spent on waiting for leave to ask the source: enough is left to say that its limit is used up. */
const PATIENT_SHARE = 0.9;
/** Between two writes of what a plan has found. */
const SAY_INTERVAL_MS = 1_000;

/** Checks a connection and looks entities up. The answer goes into the task's row, for the API to read. */
export function createConnectionTask(deps: ActivityDeps) {
  return async ({ taskId }: ConnectionTaskInput): Promise<ConnectionTaskOutcome> => {
    try {
      const task = await outlastOutage(() => getTask(deps.db, taskId));
      const complete = async (result: ConnectionTaskResult): Promise<ConnectionTaskOutcome> => {
        await outlastOutage(() => completeTask(deps.db, taskId, result));
        return { ok: result.ok };
      };
      const work = beginAgainAfterOutage(() => whileAlive(() => doTask(deps, task)));
      return await complete(await (task.request.plan === undefined ? work : work.catch(notPlanned)));
    } catch (error) {
      throw toFailure(error);
    }
  };
}

function doTask(deps: ActivityDeps, { id, connectionId, request }: ConnectionTaskRow): Promise<ConnectionTaskResult> {
  const { plan } = request;
  if (plan === undefined) {
    return withSource(deps, { connectionId, request, timeoutMs: TASK_TIMEOUT_MS }, (source) => lookAt(source, request));
  }
  const timeoutMs = PLAN_TASK_MINUTES * 60_000;
  return withSource(deps, { connectionId, request, timeoutMs }, (source, signal) =>
    planTask(deps, source, { id, plan, signal }),
  );
}

async function withSource(
  deps: ActivityDeps,
  of: { connectionId: string; request: ConnectionTaskRequest; timeoutMs: number },
  work: (source: Source, signal: AbortSignal) => Promise<ConnectionTaskResult>,
): Promise<ConnectionTaskResult> {
  const { sourceConfig, useNextSecrets } = of.request;
  const redactor = createRedactor();
  try {
    const signal = AbortSignal.any([AbortSignal.timeout(of.timeoutMs), Context.current().cancellationSignal]);
    const connection = await loadConnection(deps, of.connectionId);
    const source = await openSource(
      deps,
      connection,
      sourceConfig,
      { signal, redactor, asker: personAsks(Date.now() + PATIENT_SHARE * of.timeoutMs) },
      useNextSecrets ? "next" : "present",
    );
    try {
      return await work(source, signal);
    } finally {
      await source.close();
    }
  } catch (error) {
    redactor.redactError(error);
    return notReached(error, of);
  }
}

async function lookAt(
  source: Source,
  { entities, useNextSecrets }: ConnectionTaskRequest,
): Promise<ConnectionTaskResult> {
  const seen = await checkSource(source);
  const isWhole = !useNextSecrets && (entities === null || entities.length === 0);
  const checks = isWhole ? [...seen.checks, ...seen.entityChecks] : seen.checks;
  if (!seen.ok || entities?.length === 0) return { ok: checks.every((each) => each.ok), checks, entities: [] };
  const found = await source.discover(entities);
  // Of all that there is, one that cannot be read is no fault of the connection; one that is asked for stands in the way.
  const failed = entities === null ? [] : found.flatMap(entityChecks);
  return { ok: failed.length === 0, checks, entityChecks: failed, entities: found.map(toDiscovered) };
}

/** An entity that cannot be read stands in the way of nothing but itself, so it does not count for `ok`. */
async function checkSource(source: Source) {
  const seen = await source.check();
  const checks = seen.flatMap(({ entityKey, ...check }) => (entityKey === undefined ? [check] : []));
  const entityChecks = seen.flatMap(({ entityKey, ...check }) => (entityKey === undefined ? [] : [check]));
  return { ok: checks.every((each) => each.ok), checks, entityChecks };
}

function toDiscovered(schema: EntitySchema): DiscoveredEntity {
  const {
    failure: _failure,
    inferred: _inferred,
    open: _open,
    cursorAliases: _aliases,
    columnNames: _names,
    changeFeed: _feed,
    files: _files,
    ...entity
  } = schema;
  return entity;
}

/** What is found shows in the task's row while the plan is being made. */
async function planTask(
  deps: ActivityDeps,
  source: Source,
  { id, plan, signal }: { id: string; plan: PreviewQuestion; signal: AbortSignal },
): Promise<ConnectionTaskResult> {
  const { ok, checks } = await checkSource(source);
  if (!ok) return { ok, checks, entities: [] };
  await clearFound(deps.db, id);
  let unsaid: EntityPlanPreview[] = [];
  let saidAt = Date.now();
  const say = async (preview: EntityPlanPreview): Promise<void> => {
    unsaid.push(preview);
    if (Date.now() - saidAt < SAY_INTERVAL_MS) return;
    const said = unsaid;
    unsaid = [];
    saidAt = Date.now();
    await addFound(deps.db, id, said);
  };
  return { ok, checks, entities: [], plan: await previewRun(deps, source, plan, { signal, say }) };
}

/**
 * A plan that met a defect or took too long has failed for good, and nobody waits for it any more. One whose worker is stopped goes to
 * another, and one that lost the control database is made again.
 */
function notPlanned(error: unknown): ConnectionTaskResult {
  if (Context.current().cancellationSignal.aborted || isDatabaseUnavailable(error)) throw error;
  const none = { ok: false, checks: [], entities: [] };
  if (error instanceof DOMException && error.name === "TimeoutError") {
    const planFailure = `The plan was not made within ${PLAN_TASK_MINUTES} minutes. Ask for fewer entities at once.`;
    return { ...none, planFailure, planTimedOut: true };
  }
  const said = error instanceof Error ? error.message : String(error);
  return { ...none, planFailure: `The plan met a defect: ${said}. Report it with the worker's log.` };
}

function entityChecks({ entityKey, failure }: EntitySchema): NonNullable<ConnectionTaskResult["entityChecks"]> {
  return failure === undefined ? [] : [{ ...failedCheck(`read ${entityKey}`, failure), entityKey }];
}

/** What stood in the way of even a check. A source that keeps silent has failed it; one that has too much to tell has not. */
function notReached(
  error: unknown,
  { request: { entities, plan }, timeoutMs }: { request: ConnectionTaskRequest; timeoutMs: number },
): ConnectionTaskResult {
  const isLate = error instanceof DOMException && error.name === "TimeoutError" && plan === undefined;
  const found = isLate ? tookTooLong(timeoutMs, error) : error;
  if (!isProviderError(found) || (isLate && entities === null)) throw found;
  return { ok: false, checks: [failedCheck("connect", found)], entities: [] };
}

function tookTooLong(timeoutMs: number, cause: unknown): TransientError {
  return new TransientError("source_timeout", `The source did not answer within ${timeoutMs / 1000} s.`, {
    fix: "Check host and port of the connection, and look for locks and load at the source.",
    cause,
  });
}
