import { type Client, type WorkflowExecutionDescription, WorkflowNotFoundError } from "@temporalio/client";
import type { Logger } from "pino";
import type { ReasonCode } from "../core/result-reasons.ts";
import { isTerminal } from "../core/run-lifecycle.ts";
import { type FinishInput, type RunOutcome, syncRunWorkflowId } from "../core/workflow-contract.ts";
import type { Db } from "../db/client.ts";
import { noteBackend } from "../db/run-suspects.ts";
import { getRun, type RunRow } from "../db/runs.ts";
import { readServedQueues } from "../db/workers.ts";
import { backendRefOf } from "./backend-ref.ts";
import { deliverCancel } from "./cancel.ts";
import { type Deadlines, findStuck } from "./stuck-workflow.ts";

const CANCEL_GRACE_MS = 60_000;
/** A workflow closes a moment after its run has ended; a cancelled one waits for its cancel first. */
const CLOSING_GRACE_MS = 60_000;

export interface ReconcileDeps {
  db: Db;
  client: Client;
  namespace: string;
  temporalUiUrl: string | null;
  log: Logger;
  deadlines: Deadlines;
  /** Ends a run with what the ledger proves (activities/finish-run.ts). */
  finishRun(input: FinishInput): Promise<unknown>;
  /** Has the destination refuse the writes of an ended run. */
  fenceRun(runId: string): Promise<void>;
}

/**
 * Looks at a run's workflow in Temporal and brings the row in line with it, whichever of the two went its own way.
 * @param watchedSinceMs since when workflows are looked at without a break
 */
export async function examineRun(deps: ReconcileDeps, runId: string, watchedSinceMs: number): Promise<void> {
  const run = await getRun(deps.db, runId);
  const workflow = await describe(deps.client, runId);
  if (isTerminal(run.status)) {
    const isClosing = Date.now() - (run.completedAt?.getTime() ?? 0) < CLOSING_GRACE_MS;
    if (workflow?.status.name === "RUNNING" && !isClosing)
      await terminate(deps, runId, `run ${runId} has ended as ${run.status}`);
    return;
  }
  if (run.dispatchedAt === null) return;
  if (workflow === null)
    return end(deps, run, "execution_not_found", "Temporal does not know the run's workflow any more.");
  if (workflow.status.name === "RUNNING") return examineRunning(deps, run, workflow, watchedSinceMs);
  const closed = hasFailedAfterReset(workflow) ? RESET : CLOSED[workflow.status.name];
  if (closed) await end(deps, run, closed.reasonCode, closed.message);
}

type Ending = { reasonCode: ReasonCode; message: string };

/** Continued-as-new is no end, and the status of an execution that `describe` finds by workflow id is never that for long. */
const CLOSED: Partial<Record<WorkflowExecutionDescription["status"]["name"], Ending>> = {
  TERMINATED: { reasonCode: "workflow_terminated", message: "The workflow was terminated in Temporal." },
  CANCELLED: { reasonCode: "cancelled_in_backend", message: "The workflow was cancelled in Temporal." },
  TIMED_OUT: { reasonCode: "run_timeout", message: "The workflow timed out in Temporal." },
  FAILED: { reasonCode: "internal_error", message: "The workflow failed in Temporal." },
  COMPLETED: { reasonCode: "internal_error", message: "The workflow completed without recording a result." },
};

const RESET: Ending = {
  reasonCode: "workflow_reset",
  message: "The workflow was reset in Temporal, and the new execution ended without recording a result.",
};

function hasFailedAfterReset({ status, raw }: WorkflowExecutionDescription): boolean {
  const byItself = status.name === "FAILED" || status.name === "COMPLETED" || status.name === "TIMED_OUT";
  return byItself && Boolean(raw.workflowExtendedInfo?.lastResetTime);
}

async function examineRunning(
  deps: ReconcileDeps,
  run: RunRow,
  workflow: WorkflowExecutionDescription,
  watchedSinceMs: number,
): Promise<void> {
  await noteBackend(deps.db, run.id, {
    // A reset continues in another execution: from now on the row points there.
    ...backendRefOf(workflow.workflowId, workflow.raw.workflowExecutionInfo?.firstRunId || workflow.runId, deps),
  });
  if (run.cancelRequestedAt !== null) {
    if (Date.now() - run.cancelRequestedAt.getTime() < CANCEL_GRACE_MS) {
      if (run.cancelDeliveredAt === null) await deliverCancel(deps, run.id);
      return;
    }
    await deps.finishRun({ runId: run.id, outcome: { ...NOTHING_KNOWN, cancelled: true } });
    return terminate(deps, run.id, "the cancel was not acknowledged in time");
  }
  const queues = await readServedQueues(deps.db, run.id);
  const stuck = findStuck(run, workflow, { sinceMs: watchedSinceMs, deadlines: deps.deadlines, queues });
  if (stuck === null) return;
  await end(deps, run, stuck.reasonCode, stuck.message);
  await terminate(deps, run.id, stuck.reasonCode);
}

const NOTHING_KNOWN: RunOutcome = { cancelled: false, failure: null, entityFailures: [], resumeAt: null };

async function end(deps: ReconcileDeps, run: RunRow, reasonCode: ReasonCode, message: string): Promise<void> {
  const outcome: RunOutcome =
    reasonCode === "cancelled_in_backend"
      ? { ...NOTHING_KNOWN, cancelled: true }
      : { ...NOTHING_KNOWN, failure: { reasonCode, message } };
  await deps.finishRun({ runId: run.id, outcome });
  deps.log.info({ runId: run.id, reasonCode }, "the row follows what happened in Temporal");
}

async function describe(client: Client, runId: string): Promise<WorkflowExecutionDescription | null> {
  try {
    return await client.workflow.getHandle(syncRunWorkflowId(runId)).describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

async function terminate({ client }: ReconcileDeps, runId: string, reason: string): Promise<void> {
  try {
    await client.workflow.getHandle(syncRunWorkflowId(runId)).terminate(`sluice: ${reason}`);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
