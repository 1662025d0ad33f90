import { proxyActivities, workflowInfo } from "@temporalio/workflow";
import type { Activities } from "../activities/index.ts";
import { queueOf } from "../core/queues.ts";
import type { CancelJobInput } from "../core/workflow-contract.ts";

/** One try to cancel an export job, on a worker that can reach its source. Whoever started it comes again. */
export async function cancelJob(input: CancelJobInput): Promise<void> {
  const { cancelExportJob } = proxyActivities<Activities>({
    taskQueue: queueOf("looks", workflowInfo().taskQueue),
    startToCloseTimeout: "1m",
    heartbeatTimeout: "15s",
    retry: { maximumAttempts: 1 },
  });
  await cancelExportJob(input);
}
