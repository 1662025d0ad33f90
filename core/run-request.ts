/** What a run was asked to do beyond its mode. Stored with the run; no secret. */
export interface RunRequest {
  /** Only these; absent: all entities of the sync. */
  entities?: string[];
  /** Of a backfill: `[from, to)` over each entity's cursor, in the source's own text. */
  window?: { from: string; to: string };
  /** Plans of this digest may destroy data: it was shown to the caller, who has confirmed it. */
  confirmedPlan?: string;
}
