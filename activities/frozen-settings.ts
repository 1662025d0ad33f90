import { isDeepStrictEqual } from "node:util";
import { TerminalError } from "../core/errors.ts";
import type { ConnectionRow } from "../db/connections.ts";
import type { FrozenConnection, FrozenSettings } from "../db/plan-tables.ts";
import type { SyncRow } from "../db/syncs.ts";
import { addressOf as addressIn } from "../providers/provider.ts";
import type { ActivityDeps } from "./deps.ts";

type Deps = Pick<ActivityDeps, "findProvider">;

/**
 * A plan keeps the settings that it was made from, so that an edit cannot reach the slices that are left. Secrets are renewed, so they
 * are read as they are now, but only for the address that the plan was made for: a new password never travels to the old host.
 */

/** @param settings of a run that is about to be planned */
export function freezeSettings(settings: {
  sync: Pick<SyncRow, "sourceConfig" | "destinationConfig">;
  connection: ConnectionRow;
  destination: ConnectionRow | null;
}): FrozenSettings {
  const { sync, connection, destination } = settings;
  return {
    connection: frozenConnection(connection),
    sourceConfig: sync.sourceConfig,
    destinationConfig: sync.destinationConfig,
    destination: destination === null ? null : frozenConnection(destination),
  };
}

/**
 * The connection with the config that the plan was made from, and the secrets of now.
 * @throws TerminalError connection_changed where these are of another address
 */
export function thawConnection(deps: Deps, frozen: FrozenConnection, now: ConnectionRow): ConnectionRow {
  requireSameAddress(deps, frozen.config, now);
  return { ...now, config: frozen.config };
}

/**
 * @param config that the secrets of `now` are about to be used with
 * @throws TerminalError connection_changed
 */
export function requireSameAddress(deps: Deps, config: Record<string, unknown>, now: ConnectionRow): void {
  if (isDeepStrictEqual(addressOf(deps, now.provider, config), addressOf(deps, now.provider, now.config))) return;
  throw new TerminalError(
    "connection_changed",
    `Connection ${now.name} was pointed at another address while the run worked with the one before.`,
    { fix: "Retry the run if no attempt follows by itself: the next one plans again, with the new address." },
  );
}

/** Where secrets go, and under whose protection. What a config leaves out is its default. */
export function addressOf(
  { findProvider }: Deps,
  providerKey: ConnectionRow["provider"],
  config: Record<string, unknown>,
): Record<string, unknown> {
  const provider = findProvider(providerKey);
  return provider ? addressIn(provider, config) : config;
}

function frozenConnection({ id, config }: ConnectionRow): FrozenConnection {
  return { id, config };
}
