import type { ConnectionRow } from "../../db/connections.ts";
import type { ApiDeps } from "../deps.ts";
import { lookAtConnection } from "./connection-task.ts";
import { requireConnection } from "./require.ts";

/** @throws AppError not_found, no_worker, check_timeout, temporal_unavailable; nothing is recorded then */
export async function checkConnection(
  deps: Pick<ApiDeps, "db" | "control">,
  connectionId: string,
): Promise<ConnectionRow> {
  await lookAtConnection(deps, await requireConnection(deps, connectionId), { entities: [], sourceConfig: {} });
  return requireConnection(deps, connectionId);
}
