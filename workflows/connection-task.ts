import { proxyActivities } from "@temporalio/workflow";
import type { Activities } from "../activities/index.ts";
import type { ConnectionTaskInput, ConnectionTaskOutcome } from "../core/workflow-contract.ts";

/** One look at a source, on a worker that can reach it: the API process never connects to one. */
export async function connectionTask(input: ConnectionTaskInput): Promise<ConnectionTaskOutcome> {
  const { doConnectionTask } = proxyActivities<Activities>({
    startToCloseTimeout: "25s",
    retry: { maximumAttempts: 1 },
  });
  return doConnectionTask(input);
}
