import { AppError } from "../../core/errors.ts";
import type { RunRequest } from "../../core/run-request.ts";
import type { RunMode } from "../../core/vocabulary.ts";
import { recordAudit } from "../../db/audit.ts";
import { type Db, inTransaction } from "../../db/client.ts";
import { admitRun, findRun, getRun, type NewRun, type RunRow } from "../../db/runs.ts";
import { holdSync, type SyncRow } from "../../db/syncs.ts";
import { requireComparable, unknownEntities } from "../definitions/run-modes.ts";
import { dispatch } from "../deliver.ts";
import type { ApiDeps, Caller } from "../deps.ts";
import { notFound, refused } from "../errors.ts";
import { presentRun } from "../present.ts";

/** @throws AppError validation_failed, and what `startRun` throws */
export function triggerSync(
  deps: Pick<ApiDeps, "db" | "control" | "findProvider">,
  asked: {
    id: string;
    syncId: string;
    runMode: RunMode;
    request?: Pick<RunRequest, "entities" | "confirmedPlan">;
    caller: Caller;
  },
): Promise<RunRow> {
  const { runMode, request = {}, ...rest } = asked;
  return startRun(deps, { ...rest, action: "run.trigger" }, async (trx, sync) => {
    const unknown = unknownEntities(request.entities ?? [], sync.entities);
    if (unknown.length > 0) throw refused(unknown);
    await requireComparable(deps, trx, sync, { runMode, entities: request.entities });
    return { runMode, triggeredBy: "manual", request };
  });
}

type Described = Pick<NewRun, "runMode" | "triggeredBy" | "request">;

/**
 * The run exists once this returns, whether Temporal is there or not.
 * @param asked.id of the new run; the same again for the same request, which finds what was made then
 * @param describe what the run is to be, of a sync that is held; throws where it cannot be
 * @throws AppError not_found, sync_archived, sync_without_entities, run_active (with `activeRunId`)
 */
export async function startRun(
  deps: Pick<ApiDeps, "db" | "control">,
  asked: { id: string; syncId: string; caller: Caller; action: "run.trigger" | "run.backfill" },
  describe: (trx: Db, sync: SyncRow) => Described | Promise<Described>,
): Promise<RunRow> {
  const { id, syncId, caller, action } = asked;
  const run = await inTransaction(deps.db, async (trx) => {
    const made = await findRun(trx, id);
    if (made) return made;
    const sync = await holdSync(trx, syncId);
    if (!sync) throw notFound("Sync", syncId);
    if (sync.status === "archived") throw archived(syncId);
    if (sync.entities.length === 0) {
      throw new AppError("sync_without_entities", `Sync ${syncId} has no entities: there is nothing to run.`);
    }
    const described = await describe(trx, sync);
    const { actor } = caller;
    const admitted = await admitRun(trx, { ...described, id, syncId, triggerRef: actor, actor });
    if ("activeRunId" in admitted) throw runActive(admitted.activeRunId);
    const after = presentRun(admitted.run);
    await recordAudit(trx, { ...caller, action, subjectType: "run", subjectId: id, before: null, after });
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
