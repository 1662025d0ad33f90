import { WORKFLOW_TYPES } from "../core/workflow-contract.ts";
import { cancelRunsOfSync } from "../db/run-chains.ts";
import { findUnfenced } from "../db/run-fences.ts";
import { filterRuns, findInactiveSyncsWithRuns, findSuspects } from "../db/run-suspects.ts";
import { deliverCancel } from "./cancel.ts";
import { examineRun, type ReconcileDeps } from "./examine-run.ts";

const SUSPECTS_PER_PASS = 100;
/** Closed workflows are looked at twice rather than not at all: visibility is written behind. */
const OVERLAP_MS = 2 * 60_000;
/** Later than that after the last pass, Temporal was away or no worker was there: nobody's fault, and no deadline runs. */
const LONGEST_BREAK_MS = 60_000;

/** One pass after the other; keeps the instant up to which closed workflows were seen, and since when without a break. */
export function createReconciler(deps: ReconcileDeps) {
  let seenUntilMs = Date.now() - 10 * 60_000;
  let watchedSinceMs = 0;
  let lookedAtMs = 0;
  return async (): Promise<void> => {
    const startedAtMs = Date.now();
    if (startedAtMs - lookedAtMs > LONGEST_BREAK_MS) watchedSinceMs = startedAtMs;
    await cancelInactive(deps);
    const runIds = new Set(await findSuspects(deps.db, SUSPECTS_PER_PASS));
    for (const id of await filterRuns(deps.db, await closedSince(deps, seenUntilMs - OVERLAP_MS), "open"))
      runIds.add(id);
    for (const id of await filterRuns(deps.db, await listRunIds(deps, "ExecutionStatus = 'Running'"), "ended"))
      runIds.add(id);
    await forEach(deps, [...runIds], (runId) => examineRun(deps, runId, watchedSinceMs));
    await forEach(deps, await findUnfenced(deps.db, SUSPECTS_PER_PASS), (runId) => deps.fenceRun(runId));
    seenUntilMs = startedAtMs;
    lookedAtMs = Date.now();
  };
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
async function forEach(deps: ReconcileDeps, runIds: string[], work: (runId: string) => Promise<void>): Promise<void> {
  for (const runId of runIds) {
    try {
      await work(runId);
    } catch (error) {
      deps.log.warn({ err: error, runId }, "the run could not be reconciled; it is tried again");
    }
  }
}

function closedSince(deps: ReconcileDeps, sinceMs: number): Promise<string[]> {
  return listRunIds(deps, `ExecutionStatus != 'Running' and CloseTime > '${new Date(sinceMs).toISOString()}'`);
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
