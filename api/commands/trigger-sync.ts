import { AppError } from "../../core/errors.ts";
import type { RunMode } from "../../core/vocabulary.ts";
import { inTransaction } from "../../db/client.ts";
import { admitRun, getRun, type RunRow } from "../../db/runs.ts";
import { holdSync } from "../../db/syncs.ts";
import type { ApiDeps } from "../deps.ts";
import { notFound } from "../errors.ts";
import { dispatch } from "./deliver.ts";

/**
 * The run exists once this returns, whether Temporal is there or not.
 * @throws AppError not_found, sync_archived, sync_without_entities, run_active (with `activeRunId`)
 */
export async function triggerSync(
  deps: Pick<ApiDeps, "db" | "control">,
  request: { syncId: string; runMode: RunMode | null; actor: string },
): Promise<RunRow> {
  const { syncId, actor } = request;
  const run = await inTransaction(deps.db, async (trx) => {
    const sync = await holdSync(trx, syncId);
    if (!sync) throw notFound("Sync", syncId);
    if (sync.status === "archived") throw archived(syncId);
    if (sync.entities.length === 0) {
      throw new AppError("sync_without_entities", `Sync ${syncId} has no entities: there is nothing to run.`);
    }
    const admitted = await admitRun(trx, {
      syncId,
      runMode: request.runMode ?? "incremental",
      triggeredBy: "manual",
      triggerRef: null,
      actor,
    });
    if ("run" in admitted) return admitted.run;
    throw new AppError("run_active", `Run ${admitted.activeRunId} of this sync is active. Wait for it or cancel it.`, {
      extra: { activeRunId: admitted.activeRunId },
    });
  });
  await dispatch(deps, run.id);
  return getRun(deps.db, run.id);
}

export function archived(syncId: string): AppError {
  return new AppError("sync_archived", `Sync ${syncId} is archived. Set its status to paused first.`);
}
