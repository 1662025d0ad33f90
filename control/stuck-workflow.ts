import type { WorkflowExecutionDescription } from "@temporalio/client";
import { queueOf, TASK_QUEUE, WORK_OF_ACTIVITIES } from "../core/queues.ts";
import type { ReasonCode } from "../core/result-reasons.ts";
import { UNSERVED_SECONDS } from "../core/run-progress.ts";
import type { RunRow } from "../db/runs.ts";
import type { ServedQueue } from "../db/workers.ts";

/** The server lets more and more time pass between tries of a workflow task: this one comes after half a minute of failures. */
const WEDGED_ATTEMPT = 5;

/** PENDING_ACTIVITY_STATE_SCHEDULED and PENDING_WORKFLOW_TASK_STATE_SCHEDULED: no worker has taken it. */
const SCHEDULED = 1;

/** How long work may lie there with no worker that serves its queue. A queue that is long is served all the same. */
export interface Deadlines {
  /** The whole workflow. */
  startMs: number;
  /** What a workflow that has begun has to do next. */
  queueMs: number;
}

export const DEADLINES: Deadlines = { startMs: UNSERVED_SECONDS * 1000, queueMs: UNSERVED_SECONDS * 1000 };

export interface Watch {
  /** While nobody looked, there may have been no worker either: the deadlines begin there at the earliest. */
  sinceMs: number;
  deadlines: Deadlines;
  /** By workers that know enough for the run. */
  queues: Map<string, ServedQueue>;
}

/** Why a workflow that Temporal calls running does not go on by itself; null when it may. */
export function findStuck(
  run: RunRow,
  { raw }: WorkflowExecutionDescription,
  watch: Watch,
): { reasonCode: ReasonCode; message: string } | null {
  const task = raw.pendingWorkflowTask;
  if ((task?.attempt ?? 0) >= WEDGED_ATTEMPT)
    return { reasonCode: "workflow_wedged", message: "The workflow's task keeps failing, so it cannot go on." };

  if (run.status === "pending") {
    const dispatchedMs = run.dispatchedAt?.getTime();
    const isOver = dispatchedMs && unservedForMs(watch, TASK_QUEUE, dispatchedMs) > watch.deadlines.startMs;
    if (!isOver) return null;
    return {
      reasonCode: "start_timeout",
      message: `No worker serves task queue ${TASK_QUEUE}, so nobody began the run.`,
    };
  }
  const work = [
    ...(raw.pendingActivities ?? []).map(({ activityType, ...activity }) => {
      const kind = WORK_OF_ACTIVITIES[activityType?.name ?? ""];
      return { ...activity, queue: kind === undefined ? TASK_QUEUE : queueOf(kind) };
    }),
    ...(task ? [{ ...task, queue: TASK_QUEUE }] : []),
  ];
  const isUnserved = ({ state, scheduledTime, queue }: (typeof work)[number]): boolean =>
    state === SCHEDULED && unservedForMs(watch, queue, millisOf(scheduledTime)) > watch.deadlines.queueMs;
  const [first] = work;
  if (first === undefined || !work.every(isUnserved)) return null;
  return {
    reasonCode: "queue_timeout",
    message: `No worker serves task queue ${first.queue}, where the run's next work lies.`,
  };
}

/** How long work has lain on the queue with nobody to take it. */
function unservedForMs({ queues, sinceMs }: Watch, queue: string, scheduledMs: number): number {
  const known = queues.get(queue);
  if (known?.served) return 0;
  return Date.now() - Math.max(scheduledMs, sinceMs, known?.seenAt.getTime() ?? 0);
}

function millisOf(timestamp: { seconds?: { toString(): string } | null } | null | undefined): number {
  const { seconds } = timestamp ?? {};
  return seconds ? Number(seconds.toString()) * 1000 : Date.now();
}
