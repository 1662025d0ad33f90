import { inTransaction } from "../../db/client.ts";
import { cancelRunsOfSync } from "../../db/run-chains.ts";
import { markSyncDeleted } from "../../db/syncs.ts";
import type { ApiDeps } from "../deps.ts";
import { notFound } from "../errors.ts";
import { deliverCancels } from "./deliver.ts";

/** Gone from now on, its slug free; its runs stay readable by id. @throws AppError not_found */
export async function deleteSync(
  deps: Pick<ApiDeps, "db" | "control">,
  request: { id: string; actor: string },
): Promise<void> {
  const { id, actor } = request;
  const cancelled = await inTransaction(deps.db, async (trx) => {
    if (!(await markSyncDeleted(trx, id, actor))) throw notFound("Sync", id);
    return cancelRunsOfSync(trx, { syncId: id, actor, reason: "The sync was deleted." });
  });
  await deliverCancels(deps, cancelled);
}
