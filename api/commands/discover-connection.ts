import { findDiscovery } from "../../db/connection-tasks.ts";
import type { ConnectionRow } from "../../db/connections.ts";
import type { ApiDeps, Caller } from "../deps.ts";
import { connectionFailed, lookAtConnection } from "./look-at-connection.ts";

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
  /** Of this process, by connection and settings: who comes meanwhile waits for the same answer. */
  underWay: Map<string, Promise<string>>;
}

/**
 * What the source has now, or had a moment ago.
 * @returns id of the task that holds it
 * @throws AppError connection_failed (with `checks`), no_worker, check_timeout, temporal_unavailable
 */
export async function discoverConnection(
  deps: Deps,
  connection: ConnectionRow,
  { refresh, mayTryAgain, beforeAsking, asker, underWay }: CatalogRequest,
): Promise<string> {
  const wanted = { maxAgeSeconds: MAX_AGE_SECONDS, whole: mayTryAgain };
  const known = refresh ? null : await findDiscovery(deps.db, connection, wanted);
  if (known?.ok) return known.id;
  if (known) throw connectionFailed(known.checks);
  beforeAsking();
  const key = `${connection.id} ${connection.settingsVersion}`;
  const asked = refresh ? undefined : underWay.get(key);
  if (asked !== undefined) return asked;
  const asking = discover(deps, connection, asker).finally(() => {
    if (underWay.get(key) === asking) underWay.delete(key);
  });
  underWay.set(key, asking);
  return asking;
}

async function discover(deps: Deps, connection: ConnectionRow, asker: Caller): Promise<string> {
  const { taskId, ok, checks } = await lookAtConnection(deps, connection, { entities: null, sourceConfig: {} }, asker);
  if (ok) return taskId;
  throw connectionFailed(checks);
}
