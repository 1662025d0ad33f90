import type { RunMode } from "../../core/vocabulary.ts";
import { inTransaction } from "../../db/client.ts";
import { retryRun as openRetry } from "../../db/run-chains.ts";
import { getRun, type RunRow } from "../../db/runs.ts";
import { holdSync } from "../../db/syncs.ts";
import type { ApiDeps } from "../deps.ts";
import { notFound } from "../errors.ts";
import { dispatch } from "./deliver.ts";
import { archived } from "./trigger-sync.ts";

/**
 * Opens the next attempt of the run's chain. `runMode` null: as before.
 * @throws AppError not_found (the sync's deletion included), sync_archived, run_not_terminal, run_not_retryable,
 *   run_already_followed, run_active; the last four name the run in the way
 */
export async function retryRun(
  deps: Pick<ApiDeps, "db" | "control">,
  request: { runId: string; runMode: RunMode | null; actor: string },
): Promise<RunRow> {
  const next = await inTransaction(deps.db, async (trx) => {
    const { syncId } = await getRun(trx, request.runId);
    const sync = await holdSync(trx, syncId);
    if (!sync) throw notFound("Sync", syncId);
    if (sync.status === "archived") throw archived(syncId);
    return openRetry(trx, request);
  });
  await dispatch(deps, next.id);
  return getRun(deps.db, next.id);
}
