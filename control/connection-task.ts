import { type Client, WorkflowFailedError } from "@temporalio/client";
import { AppError } from "../core/errors.ts";
import { type ConnectionTaskInput, type ConnectionTaskOutcome, WORKFLOW_TYPES } from "../core/workflow-contract.ts";
import { isUnreachable } from "./temporal.ts";

const TASK_TIMEOUT_MS = 30_000;

export interface TaskOrder {
  taskId: string;
  connectionId: string;
  taskQueue: string;
}

/**
 * Lets a worker of the connection's task queue do the task and waits for it, at most 30 s. The answer lies in its row.
 * @throws AppError no_worker, check_timeout, temporal_unavailable
 */
export async function runConnectionTask(
  client: Client,
  namespace: string,
  { taskId, connectionId, taskQueue }: TaskOrder,
): Promise<ConnectionTaskOutcome> {
  try {
    return await client.withDeadline(Date.now() + TASK_TIMEOUT_MS, () =>
      client.workflow.execute<(input: ConnectionTaskInput) => Promise<ConnectionTaskOutcome>>(
        WORKFLOW_TYPES.connectionTask,
        {
          workflowId: `connection-task/${connectionId}/${taskId}`,
          taskQueue,
          args: [{ taskId }],
          workflowExecutionTimeout: TASK_TIMEOUT_MS,
          staticSummary: `look at connection ${connectionId}`,
        },
      ),
    );
  } catch (cause) {
    if (cause instanceof WorkflowFailedError || isUnreachable(cause))
      throw await explain(client, namespace, taskQueue, cause);
    throw cause;
  }
}

/** Why no answer came: nobody polls the queue, somebody does but was too slow, or Temporal itself is away. */
async function explain(client: Client, namespace: string, taskQueue: string, cause: unknown): Promise<AppError> {
  try {
    const queue = await client.withDeadline(Date.now() + 3_000, () =>
      client.workflowService.describeTaskQueue({ namespace, taskQueue: { name: taskQueue }, taskQueueType: 2 }),
    );
    if ((queue.pollers ?? []).length === 0) {
      return new AppError(
        "no_worker",
        `No worker polls task queue ${taskQueue}. Start one with npm run start:worker.`,
        { cause },
      );
    }
    return new AppError(
      "check_timeout",
      "The check did not finish within 30 s. Look at the worker and at the source's network.",
      { cause },
    );
  } catch (unreachable) {
    return new AppError("temporal_unavailable", "Temporal cannot be reached. Try again when it is back.", {
      cause: unreachable,
    });
  }
}
