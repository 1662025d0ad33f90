import { AppError } from "../core/errors.ts";
import type { ProviderKey } from "../core/vocabulary.ts";
import { type ConnectionRow, findConnection } from "../db/connections.ts";
import { findSync, findSyncRow, type SyncRow, type SyncWithBindings } from "../db/syncs.ts";
import type { Provider } from "../providers/provider.ts";
import type { ApiDeps } from "./deps.ts";
import { notFound } from "./errors.ts";

/** @throws AppError provider_not_available */
export function requireProvider({ findProvider }: Pick<ApiDeps, "findProvider">, key: ProviderKey): Provider {
  const provider = findProvider(key);
  if (provider) return provider;
  throw new AppError("provider_not_available", `There is no connector for provider ${key} yet.`);
}

/** @throws AppError not_found */
export async function requireSync({ db }: Pick<ApiDeps, "db">, id: string): Promise<SyncWithBindings> {
  const sync = await findSync(db, id);
  if (!sync) throw notFound("Sync", id);
  return sync;
}

/** Without its bindings. @throws AppError not_found */
export async function requireSyncRow({ db }: Pick<ApiDeps, "db">, id: string): Promise<SyncRow> {
  const sync = await findSyncRow(db, id);
  if (!sync) throw notFound("Sync", id);
  return sync;
}

/** @throws AppError not_found */
export async function requireConnection({ db }: Pick<ApiDeps, "db">, id: string): Promise<ConnectionRow> {
  const connection = await findConnection(db, id);
  if (!connection) throw notFound("Connection", id);
  return connection;
}
