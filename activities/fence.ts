import { sql } from "kysely";
import { getRun, type RunRow } from "../db/runs.ts";
import type { Destination } from "../destinations/destination.ts";
import type { ActivityDeps } from "./deps.ts";
import { openDestination } from "./run-context.ts";

/**
 * Before anything is read: earlier attempts of this chain, and ended runs of the sync that could not be fenced when they
 * ended (their destination was away), commit nothing more.
 */
export async function fenceEarlierRuns(deps: ActivityDeps, run: RunRow, destination: Destination): Promise<void> {
  if (run.attemptNumber > 1) {
    await destination.fence({ rootRunId: run.attemptRootRunId, minAttempt: run.attemptNumber, closed: false });
  }
  const unfenced = await deps.db
    .selectFrom("runs")
    .select(["id", "attemptRootRunId", "attemptNumber"])
    .where("syncId", "=", run.syncId)
    .where("completedAt", "is not", null)
    .where("fencedAt", "is", null)
    .execute();
  for (const earlier of unfenced) {
    await destination.fence({
      rootRunId: earlier.attemptRootRunId,
      minAttempt: earlier.attemptNumber + 1,
      closed: false,
    });
    await markFenced(deps, earlier.id);
  }
}

export async function markFenced(deps: ActivityDeps, runId: string): Promise<void> {
  await deps.db
    .updateTable("runs")
    .set({
      fencedAt: sql<Date>`coalesce(fenced_at, now())`,
      summary: sql<string>`case when summary ? 'cancel' then jsonb_set(summary, '{cancel,fenced}', 'true') else summary end`,
    })
    .where("id", "=", runId)
    .execute();
}

/** For the reconciler: an ended run whose destination was away when it ended. */
export async function fenceRun(deps: ActivityDeps, runId: string): Promise<void> {
  const run = await getRun(deps.db, runId);
  const sync = await deps.db.selectFrom("syncs").selectAll().where("id", "=", run.syncId).executeTakeFirstOrThrow();
  const destination = await openDestination(deps, sync);
  await destination.ensureLedger();
  await destination.fence({ rootRunId: run.attemptRootRunId, minAttempt: run.attemptNumber + 1, closed: false });
  await markFenced(deps, runId);
}
