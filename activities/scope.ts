import { Context } from "@temporalio/activity";
import type { ActivityDeps } from "./deps.ts";
import type { Tracked } from "./progress.ts";

/** What ends an activity early, in one signal: Temporal's cancellation, the run row, a stall that we found ourselves. */
export interface ActivityScope {
  signal: AbortSignal;
  tracked: Tracked;
  /** Aborts, and becomes the reason in place of whatever the abort makes the work throw. */
  fail(reason: Error): void;
  reasonFor(error: unknown): unknown;
  /** From outside: the work was not at fault. */
  stopped(): boolean;
  end(): Promise<void>;
}

export function activityScope(deps: ActivityDeps, key: { runId: string; sliceNo?: number }): ActivityScope {
  const tracked = deps.progress.track(key);
  const failed = new AbortController();
  const outside = AbortSignal.any([Context.current().cancellationSignal, tracked.stop]);
  return {
    tracked,
    signal: AbortSignal.any([outside, failed.signal]),
    fail: (reason) => failed.abort(reason),
    reasonFor: (error) => (failed.signal.aborted ? failed.signal.reason : error),
    stopped: () => outside.aborted,
    end: () => tracked.end(),
  };
}
