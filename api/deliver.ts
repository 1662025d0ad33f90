import type { RunRow } from "../db/runs.ts";
import { atMost } from "./at-most.ts";
import type { ApiDeps } from "./deps.ts";

/** How long a caller waits for Temporal; what it has not taken by then, the loops in the workers deliver. */
const PATIENCE_MS = 1_000;

/** Starts the run's workflow if Temporal is there. The row is committed already: the answer does not depend on it. */
export async function dispatch({ control }: Pick<ApiDeps, "control">, runId: string): Promise<void> {
  await atMost(PATIENCE_MS, control.dispatchRun(runId), undefined);
}

/** Hands recorded cancels to the workflows that there are. */
export async function deliverCancels({ control }: Pick<ApiDeps, "control">, runs: RunRow[]): Promise<void> {
  const reachable = runs.filter((run) => run.status === "cancelling" || run.dispatchedAt !== null);
  await atMost(PATIENCE_MS, Promise.all(reachable.map((run) => control.deliverCancel(run.id))), undefined);
}
