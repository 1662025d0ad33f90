import { Context } from "@temporalio/activity";
import { createRedactor, type Redactor } from "../core/redact.ts";
import type { ActivityDeps } from "./deps.ts";
import { RunStoppedError } from "./failures.ts";
import { outlastOutage } from "./outlast-outage.ts";
import type { Tracked } from "./progress.ts";

/** What ends an activity early, in one signal: Temporal's cancellation, the run row, a stall that we found ourselves. */
export interface ActivityScope {
  signal: AbortSignal;
  /** Knows the secrets that the activity works with. */
  redactor: Redactor;
  tracked: Tracked;
  /** Aborts, and becomes the reason in place of whatever the abort makes the work throw. */
  fail(reason: Error): void;
  /** Without secrets, wherever they came from. */
  reasonFor(error: unknown): unknown;
  /** The activity waits for a lock; null: no more. */
  blocked(blockedBy: string | null): void;
  /** From outside: the work was not at fault. @param error what it threw, which may be the first to tell */
  stopped(error: unknown): boolean;
  /** Writes what progress is left, however long the control database is away; only a cancel or a stop of the worker ends that. */
  end(): Promise<void>;
}

export function activityScope(deps: ActivityDeps, key: { runId: string; sliceNo?: number }): ActivityScope {
  const tracked = deps.progress.track(key);
  const failed = new AbortController();
  const context = Context.current();
  const redactor = createRedactor();
  const outside = AbortSignal.any([context.cancellationSignal, tracked.stop]);
  return {
    tracked,
    redactor,
    signal: AbortSignal.any([outside, failed.signal]),
    fail: (reason) => failed.abort(reason),
    reasonFor(error) {
      const reason: unknown = failed.signal.aborted ? failed.signal.reason : error;
      redactor.redactError(reason);
      return reason;
    },
    blocked: (blockedBy) => deps.notes.blocked(context, blockedBy),
    stopped: (error) => outside.aborted || error instanceof RunStoppedError,
    async end() {
      try {
        await outlastOutage(tracked.flush);
      } finally {
        tracked.end();
      }
    },
  };
}
