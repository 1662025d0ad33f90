import { AppError } from "../../core/errors.ts";
import { deleteConnection as remove } from "../../db/connections.ts";
import type { ApiDeps } from "../deps.ts";
import { notFound } from "../errors.ts";

/** @throws AppError not_found, connection_in_use (with `syncIds`) */
export async function deleteConnection(
  { db }: Pick<ApiDeps, "db">,
  request: { id: string; actor: string },
): Promise<void> {
  const deleted = await remove(db, request.id, request.actor);
  if (!deleted) throw notFound("Connection", request.id);
  const { usedBy } = deleted;
  if (usedBy.length === 0) return;
  throw new AppError(
    "connection_in_use",
    `Connection ${request.id} is used by ${usedBy.length} sync${usedBy.length === 1 ? "" : "s"}. Delete them first.`,
    { extra: { syncIds: usedBy.slice(0, 100) } },
  );
}
