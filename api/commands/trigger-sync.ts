import { AppError } from "../../core/errors.ts";
import type { RunMode } from "../../core/vocabulary.ts";
import { recordAudit } from "../../db/audit.ts";
import { inTransaction } from "../../db/client.ts";
import { admitRun, findRun, getRun, type RunRow } from "../../db/runs.ts";
import { holdSync } from "../../db/syncs.ts";
import type { ApiDeps, Caller } from "../deps.ts";
import { notFound } from "../errors.ts";
import { presentRun } from "../present.ts";
import { dispatch } from "./deliver.ts";

/**
 * The run exists once this returns, whether Temporal is there or not.
 * @param request.id of the new run; the same again for the same request, which finds what was made then
 * @throws AppError not_found, sync_archived, sync_without_entities, run_active (with `activeRunId`)
 */
export async function triggerSync(
  deps: Pick<ApiDeps, "db" | "control">,
  request: { id: string; syncId: string; runMode: RunMode | null; caller: Caller },
): Promise<RunRow> {
  const { id, syncId, caller } = request;
  const run = await inTransaction(deps.db, async (trx) => {
    const made = await findRun(trx, id);
    if (made) return made;
    const sync = await holdSync(trx, syncId);
    if (!sync) throw notFound("Sync", syncId);
    if (sync.status === "archived") throw archived(syncId);
    if (sync.entities.length === 0) {
      throw new AppError("sync_without_entities", `Sync ${syncId} has no entities: there is nothing to run.`);
    }
    const admitted = await admitRun(trx, {
      id,
      syncId,
      runMode: request.runMode ?? "incremental",
      triggeredBy: "manual",
      triggerRef: caller.actor,
      actor: caller.actor,
    });
    if ("activeRunId" in admitted) throw runActive(admitted.activeRunId);
    const after = presentRun(admitted.run);
    await recordAudit(trx, {
      ...caller,
      action: "run.trigger",
      subjectType: "run",
      subjectId: id,
      before: null,
      after,
    });
    return admitted.run;
  });
  await dispatch(deps, run.id);
  return getRun(deps.db, run.id);
}

export function runActive(activeRunId: string): AppError {
  return new AppError("run_active", `Run ${activeRunId} of this sync is active. Wait for it or cancel it.`, {
    extra: { activeRunId },
  });
}

export function archived(syncId: string): AppError {
  return new AppError("sync_archived", `Sync ${syncId} is archived. Set its status to paused first.`);
}
