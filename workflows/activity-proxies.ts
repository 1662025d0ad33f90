import { patched, proxyActivities, proxyLocalActivities, workflowInfo } from "@temporalio/workflow";
import type { Activities } from "../activities/index.ts";
import { queueOf, type WorkKind } from "../core/queues.ts";
import type { Beginning, EntityInput, FinishInput, SyncRunInput, SyncRunResult } from "../core/workflow-contract.ts";

/** Which activity of a run goes to which queue, and how it is tried again. */

const RETRY = { initialInterval: "1s", backoffCoefficient: 2, maximumInterval: "30s", maximumAttempts: 5 } as const;

const queue = (kind: WorkKind): string => queueOf(kind, workflowInfo().taskQueue);

/** Short bookkeeping in Postgres: idempotent. The worker that holds the workflow does it without a detour, if it can. */
const { beginRun: beginHere } = proxyLocalActivities<Activities>({
  startToCloseTimeout: "5s",
  retry: { initialInterval: "250ms", maximumInterval: "1s", maximumAttempts: 3 },
});

/** Tried until the database is back, and by a worker that knows enough for the run: an older one may hold the workflow. */
export async function beginRun(input: SyncRunInput): Promise<Beginning> {
  try {
    return await beginHere(input);
  } catch {
    const elsewhere = proxyActivities<Activities>({
      taskQueue: queue("records"),
      startToCloseTimeout: "10s",
      retry: { initialInterval: "1s", maximumInterval: "10s" },
      summary: "begin",
    });
    return await elsewhere.beginRun(input);
  }
}

/** Plans, slices and what finishes an entity, each in the slots of its kind. */
export function proxyWork({ heartbeatTimeoutSeconds }: { heartbeatTimeoutSeconds: number }) {
  const proxy = (kind: WorkKind) =>
    proxyActivities<Activities>({
      taskQueue: queue(kind),
      startToCloseTimeout: "10d",
      heartbeatTimeout: `${heartbeatTimeoutSeconds}s`,
      cancellationType: "WAIT_CANCELLATION_COMPLETED",
      retry: RETRY,
    });
  const { planRun } = proxy("plans");
  const { syncSlice, finishEntity, swapEntity } = proxy("data");
  return {
    planRun,
    syncSlice,
    // Histories of before call it by its old name. Asked when it is called, so that the marker stands in front of it.
    finishEntity: (summary: string, input: EntityInput): Promise<void> =>
      (patched("finish-entity") ? finishEntity : swapEntity).executeWithOptions({ summary }, [input]),
  };
}

/** Asks the destination's ledger, so it may take longer than bookkeeping does. Gives up never: a run must end, and the activity says when. */
export function finishRun(input: FinishInput): Promise<SyncRunResult> {
  const records = proxyActivities<Activities>({
    taskQueue: queue("records"),
    startToCloseTimeout: "2m",
    heartbeatTimeout: "10s",
    retry: { initialInterval: "1s", maximumInterval: "30s" },
    summary: "prove and record the result",
  });
  return records.finishRun(input);
}
