import { Context } from "@temporalio/activity";
import { ApplicationFailure, CancelledFailure } from "@temporalio/common";
import { isProviderError, TransientError } from "../core/errors.ts";
import type { ReasonCode } from "../core/result-reasons.ts";
import { RUN_STOPPED, type Wait } from "../core/workflow-contract.ts";
import { SupersededError } from "../destinations/load/writer-errors.ts";

/** Type of the failure with which a worker that is stopped hands its work back. */
export const WORKER_STOPPED: ReasonCode = "worker_shutdown";

/** The run of an activity is over: being cancelled, or terminal. Not a failure of the work. */
export class RunStoppedError extends Error {
  override readonly name = "RunStoppedError";
}

/**
 * What an activity throws for `error`: the one place where our errors become Temporal's. The failure's type is the reason
 * code; Terminal errors are not retried; a source's own waiting time becomes the delay of the next try.
 */
export function toFailure(error: unknown, stop?: AbortSignal): Error {
  const cancellation = Context.current().cancellationSignal;
  if (cancellation.aborted) return cancellationFailure(cancellation.reason, error);
  if (stop?.aborted || error instanceof RunStoppedError) {
    return ApplicationFailure.create({
      type: RUN_STOPPED,
      message: "The run is being cancelled or has ended.",
      nonRetryable: true,
    });
  }
  if (error instanceof ApplicationFailure) return error;
  const { reasonCode, message } = describeError(error);
  return ApplicationFailure.create({
    type: reasonCode,
    message,
    nonRetryable: !isRetryable(error),
    ...(error instanceof TransientError && error.retryAfterSeconds !== null
      ? { nextRetryDelay: `${error.retryAfterSeconds}s` }
      : {}),
    ...(error instanceof Error ? { cause: withoutDetails(error) } : {}),
  });
}

export function describeError(error: unknown): { reasonCode: ReasonCode; message: string } {
  if (isProviderError(error)) return { reasonCode: error.reasonCode, message: error.message };
  if (error instanceof SupersededError) return { reasonCode: "worker_lost", message: error.message };
  return { reasonCode: "internal_error", message: error instanceof Error ? error.message : String(error) };
}

/** A shorter wait that the source asks for is a delayed retry; a longer one gives the slot back. */
const LONGEST_DELAY_SECONDS = 5;

/**
 * How long the source wants to be left alone; null when `error` says nothing of the kind, or it is soon over. Asking for a job that is
 * still running is no failed try, however soon it is asked for again.
 */
export function waitOf(error: unknown): { reasonCode: ReasonCode; until: Date } | null {
  if (!(error instanceof TransientError)) return null;
  const isSoonOver = (error.retryAfterSeconds ?? 0) <= LONGEST_DELAY_SECONDS;
  if (isSoonOver && error.reasonCode !== "source_job_running") return null;
  return { reasonCode: error.reasonCode, until: new Date(Date.now() + (error.retryAfterSeconds ?? 0) * 1000) };
}

/** A takeover means that somebody else does this work; everything unknown may pass. An expired feed stays expired in this attempt. */
export function isRetryable(error: unknown): boolean {
  if (isProviderError(error)) return error instanceof TransientError && error.reasonCode !== "source_cursor_expired";
  return !(error instanceof SupersededError);
}

/**
 * What an activity answers whose worker is stopped, and whose work another one goes on with: a wait that is over already. As a failure it
 * would use up a try, and a slice of days outlives more workers than it has tries. Null: nobody stopped the worker, or the run is over too.
 */
export function handOver(stop: AbortSignal): Wait | null {
  if (stop.aborted || !isShutdown(Context.current().cancellationSignal.reason)) return null;
  return { kind: "wait", resumeAt: new Date().toISOString(), reasonCode: "worker_shutdown" };
}

function isShutdown(reason: unknown): boolean {
  return reason instanceof CancelledFailure && reason.message === "WORKER_SHUTDOWN";
}

function cancellationFailure(reason: unknown, error: unknown): Error {
  if (isShutdown(reason)) {
    return ApplicationFailure.retryable(
      "The worker was stopped; another one goes on from the last committed batch.",
      WORKER_STOPPED,
    );
  }
  return reason instanceof Error
    ? reason
    : new CancelledFailure("CANCELLED", [], error instanceof Error ? error : undefined);
}

/** Name and message only: a driver's error carries detail fields that can hold rows. */
function withoutDetails(error: Error): Error {
  const plain = new Error(error.message.slice(0, 1000));
  plain.name = error.name;
  return plain;
}
