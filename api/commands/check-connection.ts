import type { CheckConnectionResult } from "../../core/workflow-contract.ts";
import { type ConnectionRow, recordCheck } from "../../db/connections.ts";
import type { ApiDeps } from "../deps.ts";
import { requireConnection } from "./require.ts";

/**
 * Lets a worker try the connection and records what it saw.
 * @throws AppError not_found, no_worker, check_timeout, temporal_unavailable; nothing is recorded then
 */
export async function checkConnection(
  deps: Pick<ApiDeps, "db" | "control">,
  connectionId: string,
): Promise<ConnectionRow> {
  await runCheck(deps, await requireConnection(deps, connectionId), []);
  return requireConnection(deps, connectionId);
}

/** @param entities looked up at the source too */
export async function runCheck(
  deps: Pick<ApiDeps, "db" | "control">,
  connection: ConnectionRow,
  entities: string[],
): Promise<CheckConnectionResult> {
  const result = await deps.control.checkConnection({ connectionId: connection.id, entities });
  await recordCheck(deps.db, connection, result);
  return result;
}
