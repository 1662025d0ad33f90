import { WORKFLOW_TYPES } from "../core/workflow-contract.ts";
import { isDatabaseUnavailable } from "../db/pg-errors.ts";
import { forgetEndedActivities } from "../db/run-activities.ts";
import { cancelRunsOfSync } from "../db/run-chains.ts";
import { findUndeliveredCancels } from "../db/run-dispatch.ts";
import { findUnfenced } from "../db/run-fences.ts";
import { filterRuns, findInactiveSyncsWithRuns, takeSuspects } from "../db/run-suspects.ts";
import { cancelAbandonedJobs } from "./abandoned-jobs.ts";
import { deliverCancel } from "./cancel.ts";
import { examineRun, type ReconcileDeps } from "./examine-run.ts";

const RUNS_PER_PASS = 100;
/** Closed workflows are looked at twice rather than not at all: visibility is written behind. */
const OVERLAP_MS = 2 * 60_000;
/** Later than that after the last look, Temporal was away or no worker was there: nobody's fault, and no deadline runs. */
const LONGEST_BREAK_MS = 60_000;

/**
 * One pass after the other; keeps the instant up to which closed workflows were seen, and since when without a break. What somebody
 * waits for comes first. A step that fails does not stop the next.
 * @returns a pass, which stops early when `lost` aborts
 */
export function createReconciler(deps: ReconcileDeps) {
  let seenUntilMs = Date.now() - 10 * 60_000;
  let watchedSinceMs = 0;
  let lookedAtMs = 0;
  return async (lost: AbortSignal = new AbortController().signal): Promise<void> => {
    const startedAtMs = Date.now();
    if (startedAtMs - lookedAtMs > LONGEST_BREAK_MS) watchedSinceMs = startedAtMs;
    const examined = new Set<string>();
    const examineAll = async (runIds: string[]): Promise<void> => {
      const unseen = runIds.filter((runId) => !examined.has(runId));
      await forEach(deps, { runIds: unseen, lost }, async (runId) => {
        examined.add(runId);
        await examineRun(deps, runId, watchedSinceMs);
        lookedAtMs = Date.now();
      });
    };
    const steps: Record<string, () => Promise<void>> = {
      "cancels of inactive syncs": () => cancelInactive(deps),
      "undelivered cancels": async () => {
        const runIds = await findUndeliveredCancels(deps.db, RUNS_PER_PASS);
        await Promise.all(runIds.map((runId) => deliverCancel(deps, runId)));
      },
      "silent runs": async () => examineAll(await takeSuspects(deps.db, RUNS_PER_PASS)),
      "closed workflows": async () => {
        const closed = await listRunIds(deps, `${CLOSED_SINCE} '${new Date(seenUntilMs - OVERLAP_MS).toISOString()}'`);
        await examineAll(await filterRuns(deps.db, closed, "open"));
        if (!lost.aborted) seenUntilMs = startedAtMs;
        lookedAtMs = Date.now();
      },
      "workflows of ended runs": async () => {
        const running = await listRunIds(deps, "ExecutionStatus = 'Running'");
        await examineAll(await filterRuns(deps.db, running, "ended"));
        lookedAtMs = Date.now();
      },
      "export jobs that nobody waits for": () => cancelAbandonedJobs(deps),
      "activities of ended runs": () => forgetEndedActivities(deps.db),
      "runs that are not fenced": async () => {
        const runIds = await findUnfenced(deps.db, RUNS_PER_PASS);
        await forEach(deps, { runIds, lost }, (runId) => deps.fenceRun(runId));
      },
    };
    for (const [step, work] of Object.entries(steps)) {
      if (lost.aborted) return;
      await attempt(deps, step, work);
    }
  };
}

const CLOSED_SINCE = "ExecutionStatus != 'Running' and CloseTime >";

/** @throws DatabaseUnavailableError: no step can do anything then */
async function attempt(deps: ReconcileDeps, step: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (isDatabaseUnavailable(error)) throw error;
    deps.log.warn({ err: error, step }, "a step of the reconciler failed; the others go on, and it is tried again");
  }
}

async function cancelInactive(deps: ReconcileDeps): Promise<void> {
  for (const syncId of await findInactiveSyncsWithRuns(deps.db)) {
    const asked = await cancelRunsOfSync(deps.db, {
      syncId,
      actor: "system:reconciler",
      reason: "the sync is archived or deleted",
    });
    for (const { after } of asked) if (after.completedAt === null) await deliverCancel(deps, after.id);
  }
}

/** One run that cannot be mended now does not stand in the way of the others. */
async function forEach(
  deps: ReconcileDeps,
  { runIds, lost }: { runIds: string[]; lost: AbortSignal },
  work: (runId: string) => Promise<void>,
): Promise<void> {
  for (const runId of runIds) {
    if (lost.aborted) return;
    try {
      await work(runId);
    } catch (error) {
      if (isDatabaseUnavailable(error)) throw error;
      deps.log.warn({ err: error, runId }, "the run could not be reconciled; it is tried again");
    }
  }
}

async function listRunIds({ client }: ReconcileDeps, query: string): Promise<string[]> {
  const ids: string[] = [];
  const prefix = "sync-run/";
  for await (const { workflowId } of client.workflow.list({
    query: `WorkflowType = '${WORKFLOW_TYPES.syncRun}' and ${query}`,
  })) {
    if (workflowId.startsWith(prefix)) ids.push(workflowId.slice(prefix.length));
  }
  return ids;
}
