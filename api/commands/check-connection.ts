import type { ConnectionRow } from "../../db/connections.ts";
import type { ApiDeps, Caller } from "../deps.ts";
import { requireConnection } from "../require.ts";
import { lookAtConnection } from "./look-at-connection.ts";

/** @throws AppError not_found, no_worker, check_timeout, temporal_unavailable; nothing is recorded then */
export async function checkConnection(
  deps: Pick<ApiDeps, "db" | "control">,
  connectionId: string,
  asker: Caller,
): Promise<ConnectionRow> {
  const connection = await requireConnection(deps, connectionId);
  await lookAtConnection(deps, connection, { entities: [], sourceConfig: {} }, asker);
  return requireConnection(deps, connectionId);
}
