import { ActivityFailure, ApplicationFailure, TimeoutFailure, TimeoutType } from "@temporalio/common";
import { isReasonCode, type ReasonCode } from "../core/result-reasons.ts";
import { RUN_STOPPED } from "../core/workflow-contract.ts";

/** The reason code and message of a failed activity: its failure's type is the code; timeouts have codes of their own. */
export function describeFailure(error: unknown): { reasonCode: ReasonCode; message: string } {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof TimeoutFailure) return describeTimeout(cause);
  const message = (cause instanceof Error ? cause.message : String(cause)).slice(0, 2000);
  if (cause instanceof ApplicationFailure && cause.type && isReasonCode(cause.type))
    return { reasonCode: cause.type, message };
  return { reasonCode: "internal_error", message };
}

/** The activity saw that its run is being cancelled, or has ended, before Temporal told it. */
export function isRunStopped(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure && cause.type === RUN_STOPPED;
}

function describeTimeout(timeout: TimeoutFailure): { reasonCode: ReasonCode; message: string } {
  switch (timeout.timeoutType) {
    case TimeoutType.HEARTBEAT:
      return { reasonCode: "heartbeat_timeout", message: "No heartbeat came from the worker that held the slice." };
    case TimeoutType.SCHEDULE_TO_START:
      return { reasonCode: "queue_timeout", message: "No worker took the slice in time." };
    default:
      return { reasonCode: "run_timeout", message: "The slice took longer than its limit." };
  }
}
