import { ApplicationFailure } from "@temporalio/common";
import { patched, sleep } from "@temporalio/workflow";
import { RESULT_REASONS } from "../core/result-reasons.ts";
import type { SyncRunResult } from "../core/workflow-contract.ts";

/** The run's row says that it is cancelled before Temporal has heard of the cancel, where it is asked for at the last moment. */
const LONGEST_WAIT_FOR_CANCEL = "10s";

/**
 * The last step of a workflow whose run has ended: Temporal's list is to show it as the run ended. A failed run's workflow fails with the
 * reason code as the failure's type, a cancelled run's is cancelled, all others complete.
 * @throws ApplicationFailure, or CancelledFailure where the cancel has arrived
 */
export async function closeWorkflow(result: SyncRunResult): Promise<SyncRunResult> {
  const { status, resultReasonCode, error } = result;
  if (status !== "failed" && status !== "cancelled") return result;
  // Histories of before end with completion.
  if (!patched("closes-as-its-run")) return result;
  if (status === "failed") {
    const reasonCode = resultReasonCode ?? "internal_error";
    throw ApplicationFailure.nonRetryable(error ?? RESULT_REASONS[reasonCode].meaning, reasonCode);
  }
  // Ends with CancelledFailure as soon as the workflow is cancelled, at once where it is already.
  await sleep(LONGEST_WAIT_FOR_CANCEL);
  return result;
}
