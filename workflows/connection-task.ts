import { proxyActivities, workflowInfo } from "@temporalio/workflow";
import type { Activities } from "../activities/index.ts";
import { queueOf } from "../core/queues.ts";
import { type ConnectionTaskInput, type ConnectionTaskOutcome, PLAN_TASK_MINUTES } from "../core/workflow-contract.ts";

/** One look at a source, on a worker that can reach it: the API process never connects to one. */
export async function connectionTask(input: ConnectionTaskInput): Promise<ConnectionTaskOutcome> {
  const { doConnectionTask } = proxyActivities<Activities>({
    taskQueue: queueOf("looks", workflowInfo().taskQueue),
    ...(input.lasting
      ? // Whoever dies at it stops beating, and another worker begins again: nothing was changed.
        { startToCloseTimeout: `${PLAN_TASK_MINUTES}m`, heartbeatTimeout: "15s", retry: { maximumAttempts: 3 } }
      : { startToCloseTimeout: "25s", retry: { maximumAttempts: 1 } }),
  });
  return doConnectionTask(input);
}
