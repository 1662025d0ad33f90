import { findDiscovery } from "../../db/connection-tasks.ts";
import type { ConnectionRow } from "../../db/connections.ts";
import type { ApiDeps, Caller } from "../deps.ts";
import { connectionFailed, lookAtConnection } from "./connection-task.ts";

/** So that turning pages does not ask the source again for each of them. */
const MAX_AGE_SECONDS = 60;

type Deps = Pick<ApiDeps, "db" | "control">;

export interface CatalogRequest {
  /** Asks the source in any case. */
  refresh: boolean;
  /** Also where it failed a moment ago: who only reads could make a worker try a wrong password as often as they like. */
  mayTryAgain: boolean;
  /** Called when a worker is to ask the source; what it throws keeps the worker from it. */
  beforeAsking: () => void;
  asker: Caller;
}

/**
 * What the source has now, or had a moment ago.
 * @returns id of the task that holds it
 * @throws AppError connection_failed (with `checks`), no_worker, check_timeout, temporal_unavailable
 */
export async function discoverConnection(
  deps: Deps,
  connection: ConnectionRow,
  { refresh, mayTryAgain, beforeAsking, asker }: CatalogRequest,
): Promise<string> {
  const wanted = { maxAgeSeconds: MAX_AGE_SECONDS, whole: mayTryAgain };
  const known = refresh ? null : await findDiscovery(deps.db, connection, wanted);
  if (known?.ok) return known.id;
  if (known) throw connectionFailed(known.checks);
  beforeAsking();
  return discover(deps, connection, asker);
}

async function discover(deps: Deps, connection: ConnectionRow, asker: Caller): Promise<string> {
  const { taskId, ok, checks } = await lookAtConnection(deps, connection, { entities: null, sourceConfig: {} }, asker);
  if (ok) return taskId;
  throw connectionFailed(checks);
}
