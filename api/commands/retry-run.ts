import type { RunRequest } from "../../core/run-request.ts";
import type { RunMode } from "../../core/vocabulary.ts";
import { recordAudit } from "../../db/audit.ts";
import { inTransaction } from "../../db/client.ts";
import { retryRun as openRetry } from "../../db/run-chains.ts";
import { findRun, getRun, type RunRow } from "../../db/runs.ts";
import { holdSync } from "../../db/syncs.ts";
import { requireComparable } from "../definitions/run-modes.ts";
import { dispatch } from "../deliver.ts";
import type { ApiDeps, Caller } from "../deps.ts";
import { invalidValue, notFound } from "../errors.ts";
import { presentRun } from "../present.ts";
import { archived } from "./trigger-sync.ts";

/**
 * Opens the next attempt of the run's chain. `runMode` null: as before.
 * @param request.id of the new run; the same again for the same request, which finds what was made then
 * @param request.changes of what the chain was asked for
 * @throws AppError validation_failed, not_found (the sync's deletion included), sync_archived, run_not_terminal, run_not_retryable,
 *   run_already_followed, run_active; the last four name the run in the way
 */
export async function retryRun(
  deps: Pick<ApiDeps, "db" | "control" | "findProvider">,
  request: { id: string; runId: string; runMode: RunMode | null; changes?: RunRequest; caller: Caller },
): Promise<RunRow> {
  const { id, runId, runMode, changes = {}, caller } = request;
  const next = await inTransaction(deps.db, async (trx) => {
    const made = await findRun(trx, id);
    if (made) return made;
    const { syncId, runMode: before, request: asked } = await getRun(trx, runId);
    if (runMode === "backfill" && before !== "backfill") {
      const msg = "Only a backfill is retried as one: for another window use POST /api/v1/syncs/{sync_id}/backfills";
      throw invalidValue(["body", "runMode"], msg);
    }
    const sync = await holdSync(trx, syncId);
    if (!sync) throw notFound("Sync", syncId);
    if (sync.status === "archived") throw archived(syncId);
    const { entities = sync.entities } = asked;
    await requireComparable(deps, trx, { ...sync, entities }, { runMode: runMode ?? before, entities: undefined });
    const opened = await openRetry(trx, { id, runId, runMode, changes, actor: caller.actor });
    const after = presentRun(opened);
    await recordAudit(trx, {
      ...caller,
      action: "run.retry",
      subjectType: "run",
      subjectId: id,
      before: null,
      after,
    });
    return opened;
  });
  await dispatch(deps, next.id);
  return getRun(deps.db, next.id);
}
