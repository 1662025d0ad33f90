import type { SyncStatus } from "./vocabulary.ts";

/**
 * What a client may set, from -> to. Sluice alone sets `error`; `draft` is where a sync begins, and no way leads back;
 * an archived sync comes back paused, so that nothing starts by surprise.
 */
export const SYNC_STATUS_CHANGES = {
  draft: ["draft", "active", "paused", "archived"],
  active: ["active", "paused", "archived"],
  paused: ["paused", "active", "archived"],
  error: ["active", "paused", "archived"],
  archived: ["archived", "paused"],
} as const satisfies Record<SyncStatus, readonly SyncStatus[]>;

/** Statuses in which a sync may be created. */
export const INITIAL_SYNC_STATUSES = SYNC_STATUS_CHANGES.draft;

export function mayChangeStatus(from: SyncStatus, to: SyncStatus): boolean {
  const allowed: readonly SyncStatus[] = SYNC_STATUS_CHANGES[from];
  return allowed.includes(to);
}
