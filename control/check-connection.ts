import { randomUUID } from "node:crypto";
import { type Client, WorkflowFailedError } from "@temporalio/client";
import { AppError } from "../core/errors.ts";
import { type CheckConnectionInput, type CheckConnectionResult, WORKFLOW_TYPES } from "../core/workflow-contract.ts";
import { isUnreachable } from "./temporal.ts";

const CHECK_TIMEOUT_MS = 30_000;

/**
 * Runs a check on a worker of the connection's task queue and waits for it, at most 30 s.
 * @throws AppError no_worker, check_timeout, temporal_unavailable
 */
export async function checkConnection(
  client: Client,
  namespace: string,
  input: CheckConnectionInput & { taskQueue: string },
): Promise<CheckConnectionResult> {
  const { taskQueue, ...args } = input;
  try {
    return await client.withDeadline(Date.now() + CHECK_TIMEOUT_MS, () =>
      client.workflow.execute<(input: CheckConnectionInput) => Promise<CheckConnectionResult>>(
        WORKFLOW_TYPES.checkConnection,
        {
          workflowId: `check-connection/${input.connectionId}/${randomUUID()}`,
          taskQueue,
          args: [args],
          workflowExecutionTimeout: CHECK_TIMEOUT_MS,
          staticSummary: `check connection ${input.connectionId}`,
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
