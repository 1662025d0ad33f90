import { Context } from "@temporalio/activity";
import type { ConnectionTaskRequest, ConnectionTaskResult } from "../core/connection-tasks.ts";
import { isProviderError } from "../core/errors.ts";
import { reasonOf } from "../core/result-reasons.ts";
import type { ConnectionTaskInput, ConnectionTaskOutcome } from "../core/workflow-contract.ts";
import { completeTask, getTask } from "../db/connection-tasks.ts";
import type { EntitySchema } from "../providers/provider.ts";
import type { ActivityDeps } from "./deps.ts";
import { toFailure } from "./failures.ts";
import { previewRun } from "./preview-run.ts";
import { loadConnection, openSource } from "./run-context.ts";

const TASK_TIMEOUT_MS = 20_000;

/** Checks a connection and looks entities up. The answer goes into the task's row, for the API to read. */
export function createConnectionTask(deps: ActivityDeps) {
  return async ({ taskId }: ConnectionTaskInput): Promise<ConnectionTaskOutcome> => {
    try {
      const { connectionId, request } = await getTask(deps.db, taskId);
      const result = await lookAt(deps, connectionId, request).catch(notReached);
      await completeTask(deps.db, taskId, result);
      return { ok: result.ok };
    } catch (error) {
      throw toFailure(error);
    }
  };
}

async function lookAt(
  deps: ActivityDeps,
  connectionId: string,
  { entities, sourceConfig, useNextSecrets, plan }: ConnectionTaskRequest,
): Promise<ConnectionTaskResult> {
  const signal = AbortSignal.any([AbortSignal.timeout(TASK_TIMEOUT_MS), Context.current().cancellationSignal]);
  const connection = await loadConnection(deps, connectionId);
  const source = openSource(deps, connection, sourceConfig, signal, useNextSecrets ? "next" : "present");
  try {
    const checks = await source.check();
    const ok = checks.every((each) => each.ok);
    if (plan && ok) return { ok, checks, entities: [], plan: await previewRun(deps, source, plan, signal) };
    const wanted = ok && (entities === null || entities.length > 0);
    const found = wanted ? await source.discover(entities) : [];
    // Of all that there is, one that cannot be read is no fault of the connection; one that is asked for stands in the way.
    const failed = entities === null ? [] : found.flatMap(failedCheck);
    return {
      ok: ok && failed.length === 0,
      checks,
      entityChecks: failed,
      entities: found.map(({ failure: _failure, inferred: _inferred, ...entity }) => entity),
    };
  } finally {
    await source.close();
  }
}

function failedCheck({ entityKey, failure }: EntitySchema): ConnectionTaskResult["checks"] {
  if (failure === undefined) return [];
  return [{ name: `read ${entityKey}`, ok: false, message: failure.message, fix: reasonOf(failure.reasonCode).fix }];
}

/** What stood in the way of even a check. */
function notReached(error: unknown): ConnectionTaskResult {
  if (!isProviderError(error)) throw error;
  const { message, reasonCode } = error;
  return {
    ok: false,
    checks: [{ name: "connect", ok: false, message, fix: reasonOf(reasonCode).fix }],
    entities: [],
  };
}
