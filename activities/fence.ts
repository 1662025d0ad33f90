import { TerminalError } from "../core/errors.ts";
import { readFrozen, readPlan } from "../db/plans.ts";
import { settleFenced } from "../db/run-counts.ts";
import { findUnfencedOfSync } from "../db/run-fences.ts";
import { getRun, type RunRow } from "../db/runs.ts";
import { readSync, type SyncRow } from "../db/syncs.ts";
import type { Destination } from "../destinations/destination.ts";
import type { ActivityDeps } from "./deps.ts";
import { openDestination } from "./run-context.ts";
import { shownOf } from "./run-evidence.ts";

/**
 * Before anything is read: earlier attempts of this chain, and ended runs of the sync that could not be fenced when they
 * ended (their destination was away), commit nothing more.
 */
export async function fenceEarlierRuns(deps: ActivityDeps, run: RunRow, destination: Destination): Promise<void> {
  if (run.attemptNumber > 1) {
    await destination.fence({ rootRunId: run.attemptRootRunId, minAttempt: run.attemptNumber });
  }
  const unfenced = await findUnfencedOfSync(deps.db, run.syncId);
  if (unfenced.length === 0) return;
  const sync = await readSync(deps.db, run.syncId);
  for (const earlier of unfenced) {
    await fenceAndCount(deps, earlier, (await openPlanned(deps, sync, earlier)) ?? destination);
  }
}

/** For the reconciler: an ended run whose destination was away when it ended. */
export async function fenceRun(deps: ActivityDeps, runId: string): Promise<void> {
  const run = await getRun(deps.db, runId);
  const sync = await readSync(deps.db, run.syncId);
  const destination = (await openPlanned(deps, sync, run)) ?? (await openDestination(deps, sync));
  await destination.ensureLedger();
  await fenceAndCount(deps, run, destination);
}

/**
 * Where the run's rows went, which an edit may have changed since.
 * @returns null where its address has changed: what lies there is out of reach, and so is whoever writes there
 */
async function openPlanned(deps: ActivityDeps, sync: SyncRow, run: EndedRun): Promise<Destination | null> {
  const frozen = run.planId === null ? null : await readFrozen(deps.db, run.planId);
  if (frozen === null) return null;
  try {
    return await openDestination(deps, sync, frozen);
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    deps.log.warn({ err: error, runId: run.id }, "the run's own destination is out of reach for good");
    return null;
  }
}

type EndedRun = Pick<RunRow, "id" | "attemptRootRunId" | "attemptNumber" | "planId">;

/** From here on the ledger says for good what the run has committed. */
async function fenceAndCount({ db }: Pick<ActivityDeps, "db">, run: EndedRun, destination: Destination): Promise<void> {
  await destination.fence(fenceBehind(run));
  const plan = run.planId === null ? null : await readPlan(db, run.planId);
  const ledger = plan === null ? [] : await destination.readLedger(plan.id);
  const finished = plan === null ? [] : await destination.readFinished(plan.id);
  const shown = plan === null ? {} : shownOf(plan, { ledger, finished, attempt: run.attemptNumber });
  await settleFenced(db, { runId: run.id, ledger, shown });
}

/** What shuts this attempt out and leaves the way free for the next. */
export function fenceBehind(run: Pick<RunRow, "attemptRootRunId" | "attemptNumber">) {
  return { rootRunId: run.attemptRootRunId, minAttempt: run.attemptNumber + 1 };
}
