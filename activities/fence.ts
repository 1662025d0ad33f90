import { findUnfencedOfSync, markFenced } from "../db/run-fences.ts";
import { getRun, type RunRow } from "../db/runs.ts";
import { readSync } from "../db/syncs.ts";
import type { Destination } from "../destinations/destination.ts";
import type { ActivityDeps } from "./deps.ts";
import { openDestination } from "./run-context.ts";

/**
 * Before anything is read: earlier attempts of this chain, and ended runs of the sync that could not be fenced when they
 * ended (their destination was away), commit nothing more.
 */
export async function fenceEarlierRuns(deps: ActivityDeps, run: RunRow, destination: Destination): Promise<void> {
  if (run.attemptNumber > 1) {
    await destination.fence({ rootRunId: run.attemptRootRunId, minAttempt: run.attemptNumber });
  }
  for (const earlier of await findUnfencedOfSync(deps.db, run.syncId)) {
    await destination.fence(fenceBehind(earlier));
    await markFenced(deps.db, earlier.id);
  }
}

/** For the reconciler: an ended run whose destination was away when it ended. */
export async function fenceRun(deps: ActivityDeps, runId: string): Promise<void> {
  const run = await getRun(deps.db, runId);
  const destination = await openDestination(deps, await readSync(deps.db, run.syncId));
  await destination.ensureLedger();
  await destination.fence(fenceBehind(run));
  await markFenced(deps.db, runId);
}

/** What shuts this attempt out and leaves the way free for the next. */
export function fenceBehind(run: Pick<RunRow, "attemptRootRunId" | "attemptNumber">) {
  return { rootRunId: run.attemptRootRunId, minAttempt: run.attemptNumber + 1 };
}
