import { ActivityFailure, ApplicationFailure, RetryState, TimeoutFailure, TimeoutType } from "@temporalio/common";
import { isCancellation } from "@temporalio/workflow";
import { isReasonCode, type ReasonCode } from "../core/result-reasons.ts";
import { MAX_PAYLOAD_BYTES, RUN_STOPPED, type RunOutcome } from "../core/workflow-contract.ts";

export interface Failure {
  reasonCode: ReasonCode;
  message: string;
}

/** The reason code and message of a failed activity: its failure's type is the code; timeouts have codes of their own. */
export function describeFailure(error: unknown): Failure {
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

/** Also what is tried again by itself, but for the cancel: whoever was to acknowledge it has died, for instance. */
export function isCancelled(error: unknown): boolean {
  if (!(error instanceof ActivityFailure) || isCancellation(error)) return isCancellation(error);
  const isFinal = error.cause instanceof ApplicationFailure && error.cause.nonRetryable;
  return error.retryState === RetryState.CANCEL_REQUESTED && !isFinal;
}

/** All failures together have to go into one payload, so of many each tells less. */
export function concise(outcome: RunOutcome): RunOutcome {
  const room = Math.floor(MAX_PAYLOAD_BYTES / 4 / Math.max(1, outcome.entityFailures.length));
  const entityFailures = outcome.entityFailures.map((each) => ({ ...each, message: each.message.slice(0, room) }));
  return { ...outcome, entityFailures };
}

const NO_HEARTBEAT =
  "No heartbeat came from the worker that held the slice within executionConfig.heartbeatTimeoutSeconds.";

function describeTimeout(timeout: TimeoutFailure): Failure {
  switch (timeout.timeoutType) {
    case TimeoutType.HEARTBEAT:
      return { reasonCode: "heartbeat_timeout", message: NO_HEARTBEAT };
    case TimeoutType.SCHEDULE_TO_START:
      return { reasonCode: "queue_timeout", message: "No worker took the slice in time." };
    default:
      return { reasonCode: "run_timeout", message: "A slice took longer than ten days, the most that one may take." };
  }
}
