import { recordAudit } from "../../db/audit.ts";
import { inTransaction } from "../../db/client.ts";
import { lockSync, markSyncDeleted } from "../../db/syncs.ts";
import { deliverCancels } from "../deliver.ts";
import type { ApiDeps, Caller } from "../deps.ts";
import { notFound } from "../errors.ts";
import { presentSync } from "../present.ts";
import { cancelRunsOfSync } from "./cancel-run.ts";

/** Gone from now on, its slug free; its runs stay readable by id. @throws AppError not_found */
export async function deleteSync(
  deps: Pick<ApiDeps, "db" | "control">,
  request: { id: string; caller: Caller },
): Promise<void> {
  const { id, caller } = request;
  const cancelled = await inTransaction(deps.db, async (trx) => {
    const sync = await lockSync(trx, id);
    if (!sync) throw notFound("Sync", id);
    await markSyncDeleted(trx, id, caller.actor);
    await recordAudit(trx, {
      ...caller,
      action: "sync.delete",
      subjectType: "sync",
      subjectId: id,
      before: presentSync(sync),
      after: null,
    });
    return cancelRunsOfSync(trx, { syncId: id, caller, reason: "The sync was deleted." });
  });
  await deliverCancels(deps, cancelled);
}
