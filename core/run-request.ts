/** What a run was asked to do beyond its mode. Stored with the run; no secret. */
export interface RunRequest {
  /** Only these; absent: all entities of the sync. */
  entities?: string[] | undefined;
  window?: BackfillWindow;
  /** What a guard stops is done all the same: somebody has looked at it. */
  liftGuards?: true | undefined;
  /** The `confirmToken` of a plan that was shown to the caller: what it named may be lost. */
  confirmedPlan?: string | undefined;
}

/**
 * Of a backfill: `[from, to)` over each entity's cursor. A bound is an RFC 3339 instant, a date (its first moment in UTC) or an
 * integer, for cursors of that kind. `to` null: up to the newest that there is when the run is planned.
 */
export interface BackfillWindow {
  from: string;
  to: string | null;
}

export function isIntegerBound(bound: string): boolean {
  return /^-?\d+$/.test(bound);
}
