import type { WorkflowExecutionDescription } from "@temporalio/client";
import type { ReasonCode } from "../core/result-reasons.ts";
import type { RunRow } from "../db/runs.ts";

/** The server lets more and more time pass between tries of a workflow task: this one comes after half a minute of failures. */
const WEDGED_ATTEMPT = 5;

/** PENDING_ACTIVITY_STATE_SCHEDULED and PENDING_WORKFLOW_TASK_STATE_SCHEDULED: no worker has taken it. */
const SCHEDULED = 1;

/** How long work may lie there with nobody to take it. */
export interface Deadlines {
  /** The whole workflow. */
  startMs: number;
  /** What a workflow that has begun has to do next. */
  queueMs: number;
}

export const DEADLINES: Deadlines = { startMs: 15 * 60_000, queueMs: 15 * 60_000 };

/**
 * Why a workflow that Temporal calls running does not go on by itself; null when it may.
 * @param watch.sinceMs while nobody looked, there may have been no worker either: the deadlines begin there at the earliest
 */
export function findStuck(
  run: RunRow,
  { raw }: WorkflowExecutionDescription,
  watch: { sinceMs: number; deadlines: Deadlines },
): { reasonCode: ReasonCode; message: string } | null {
  const task = raw.pendingWorkflowTask;
  if ((task?.attempt ?? 0) >= WEDGED_ATTEMPT)
    return { reasonCode: "workflow_wedged", message: "The workflow's task keeps failing, so it cannot go on." };

  const now = Date.now();
  const untakenForMs = (sinceMs: number): number => now - Math.max(sinceMs, watch.sinceMs);
  if (run.status === "pending") {
    const isOver = run.dispatchedAt && untakenForMs(run.dispatchedAt.getTime()) > watch.deadlines.startMs;
    return isOver ? { reasonCode: "start_timeout", message: "No worker began the workflow in time." } : null;
  }
  const work = [...(raw.pendingActivities ?? []), ...(task ? [task] : [])];
  const isUntaken = work.every(
    ({ state, scheduledTime }) =>
      state === SCHEDULED && untakenForMs(millisOf(scheduledTime, now)) > watch.deadlines.queueMs,
  );
  if (work.length === 0 || !isUntaken) return null;
  return { reasonCode: "queue_timeout", message: "No worker took the run's next work in time." };
}

function millisOf(timestamp: { seconds?: { toString(): string } | null } | null | undefined, missing: number): number {
  const { seconds } = timestamp ?? {};
  return seconds ? Number(seconds.toString()) * 1000 : missing;
}
