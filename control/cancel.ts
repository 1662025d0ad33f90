import { type Client, WorkflowNotFoundError } from "@temporalio/client";
import type { Logger } from "pino";
import { syncRunWorkflowId } from "../core/workflow-contract.ts";
import type { Db } from "../db/client.ts";
import { markCancelDelivered } from "../db/run-dispatch.ts";

const CANCEL_TIMEOUT_MS = 5_000;

/**
 * Hands a cancel to the run's workflow. By workflow id alone: a reset or continued execution is the one to cancel.
 * Never throws; the reconciler delivers what could not be delivered now.
 */
export async function deliverCancel(deps: { db: Db; client: Client; log: Logger }, runId: string): Promise<void> {
  try {
    await cancelWorkflow(deps.client, runId);
    await markCancelDelivered(deps.db, runId);
  } catch (error) {
    deps.log.warn({ err: error, runId }, "the cancel could not be delivered yet");
  }
}

async function cancelWorkflow(client: Client, runId: string): Promise<void> {
  try {
    await client.withDeadline(Date.now() + CANCEL_TIMEOUT_MS, () =>
      client.workflow.getHandle(syncRunWorkflowId(runId)).cancel(),
    );
  } catch (error) {
    // Not started, or closed already: nothing is there to hear it.
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
