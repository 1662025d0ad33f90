import { AppError } from "../../core/errors.ts";
import { recordAudit } from "../../db/audit.ts";
import { inTransaction } from "../../db/client.ts";
import { deleteConnection as remove } from "../../db/connections.ts";
import type { ApiDeps, Caller } from "../deps.ts";
import { notFound } from "../errors.ts";
import { presentConnection } from "../present.ts";

/** @throws AppError not_found, connection_in_use (with `syncIds`; none where a job at the source is still to be cancelled) */
export async function deleteConnection(
  { db }: Pick<ApiDeps, "db">,
  { id, caller }: { id: string; caller: Caller },
): Promise<void> {
  await inTransaction(db, async (trx) => {
    const found = await remove(trx, id, caller.actor);
    if (!found) throw notFound("Connection", id);
    if (found.usedBy.length > 0) throw inUse(id, found.usedBy);
    if (found.hasJob) throw isCancelling(id);
    await recordAudit(trx, {
      ...caller,
      action: "connection.delete",
      subjectType: "connection",
      subjectId: id,
      before: presentConnection(found.connection),
      after: null,
    });
  });
}

function isCancelling(id: string): AppError {
  return new AppError(
    "connection_in_use",
    `An export job that a run of connection ${id} has made is being cancelled at the source. Try again in a few seconds; after two minutes the connection is deleted all the same.`,
    { extra: { syncIds: [] } },
  );
}

function inUse(id: string, syncIds: string[]): AppError {
  return new AppError(
    "connection_in_use",
    `Connection ${id} is used by ${syncIds.length} sync${syncIds.length === 1 ? "" : "s"}. Delete them first.`,
    { extra: { syncIds: syncIds.slice(0, 100) } },
  );
}
