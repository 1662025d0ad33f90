import { type Client, WorkflowExecutionAlreadyStartedError } from "@temporalio/client";
import {
  defineSearchAttributeKey,
  type SearchAttributePair,
  SearchAttributeType,
  TypedSearchAttributes,
} from "@temporalio/common";
import type { Logger } from "pino";
import type { Failpoint } from "../core/failpoints.ts";
import { TASK_QUEUE } from "../core/queues.ts";
import { syncRunWorkflowId, WORKFLOW_TYPES } from "../core/workflow-contract.ts";
import type { Db } from "../db/client.ts";
import { type DispatchableRun, leaseDispatchable, markDispatched } from "../db/run-dispatch.ts";
import { backendRefOf } from "./backend-ref.ts";

const LEASE_SECONDS = 15;
const START_TIMEOUT_MS = 5_000;

export interface DispatchDeps {
  db: Db;
  client: Client;
  namespace: string;
  temporalUiUrl: string | null;
  log: Logger;
  failpoint?: Failpoint | undefined;
}

/**
 * Starts the workflows of pending runs: all that are due, or one. Lease, commit, then start, so that no crash between the
 * two loses a run: the lease ends and somebody tries again. Never throws; what fails is tried again later.
 * @returns how many were started
 */
export async function dispatchRuns(deps: DispatchDeps, options: { limit: number; runId?: string }): Promise<number> {
  const leased = await leaseDispatchable(deps.db, { ...options, leaseSeconds: LEASE_SECONDS });
  const started = await Promise.all(leased.map((run) => startRun(deps, run)));
  return started.filter(Boolean).length;
}

async function startRun(deps: DispatchDeps, run: DispatchableRun): Promise<boolean> {
  try {
    await deps.failpoint?.("dispatch.before");
    const firstRunId = await startWorkflow(deps, run);
    await deps.failpoint?.("dispatch.after");
    await markDispatched(deps.db, run.id, backendRefOf(syncRunWorkflowId(run.id), firstRunId, deps));
    return true;
  } catch (error) {
    deps.log.warn({ err: error, runId: run.id }, "the run's workflow could not be started; it is tried again");
    return false;
  }
}

/** @returns the first execution's run id; that of the running one when somebody else was quicker */
async function startWorkflow({ client }: DispatchDeps, run: DispatchableRun): Promise<string> {
  const workflowId = syncRunWorkflowId(run.id);
  const start = (typedSearchAttributes?: TypedSearchAttributes) =>
    client.withDeadline(Date.now() + START_TIMEOUT_MS, () =>
      client.workflow.start(WORKFLOW_TYPES.syncRun, {
        workflowId,
        taskQueue: TASK_QUEUE,
        args: [{ runId: run.id }],
        workflowIdReusePolicy: "REJECT_DUPLICATE",
        staticSummary: `${run.syncName} · ${run.runMode} · attempt ${run.attemptNumber}`,
        ...(typedSearchAttributes ? { typedSearchAttributes } : {}),
      }),
    );
  try {
    const handle = await start(searchAttributesOf(run)).catch((error: unknown) => {
      if (isUnknownSearchAttribute(error)) return start();
      throw error;
    });
    return handle.firstExecutionRunId;
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const { raw, runId } = await client.workflow.getHandle(workflowId).describe();
    return raw.workflowExecutionInfo?.firstRunId ?? runId;
  }
}

function searchAttributesOf(run: DispatchableRun): TypedSearchAttributes {
  const keyword = (name: string, value: string): SearchAttributePair => ({
    key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
    value,
  });
  return new TypedSearchAttributes([
    keyword("SluiceSyncId", run.syncId),
    keyword("SluiceSyncSlug", run.slug),
    keyword("SluiceProvider", run.providerKey),
    keyword("SluiceRunId", run.id),
    keyword("SluiceRunMode", run.runMode),
    keyword("SluiceTriggeredBy", run.triggeredBy),
    { key: defineSearchAttributeKey("SluiceAttempt", SearchAttributeType.INT), value: run.attemptNumber },
  ]);
}

/** A namespace where registering was refused still runs syncs; they are only harder to find in its Web UI. */
function isUnknownSearchAttribute(error: unknown): boolean {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error && /search attribute/i.test(cause.message);
}
