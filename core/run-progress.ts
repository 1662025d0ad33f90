/** What a run that has not ended does, in `summary.phase`. */
export const RUN_PHASES = {
  starting: "Its workflow has not begun.",
  waiting_for_slot: "The next work is not taken: `summary.waiting` says why.",
  planning: "Its tables are looked at, and cut into slices.",
  loading: "Slices are at work.",
  finishing: "What was loaded is put in place: swapped, marked, its key built.",
  proving: "The destination's ledger is read, and the result recorded.",
} as const;
export type RunPhase = keyof typeof RUN_PHASES;

/** Why a run stands still though its source asked for nothing, in `summary.waiting.reason`; beside these, every reason code of a failure that is tried again. */
export const STANDSTILLS = {
  no_worker: "No worker serves the queue of the next work.",
  no_free_slot: "All slots for the next work are taken; `ahead` runs wait for longer.",
  temporal_unavailable: "The workers cannot reach Temporal.",
  worker_lost: "The worker that holds the work is not heard of; another takes it when the heartbeat timeout is over.",
  lock: "Another session holds a lock at the source or the destination; `detail` says which.",
} as const;
export type Standstill = keyof typeof STANDSTILLS;

/** Of `executionConfig`, where the sync does not say. */
export const LIVENESS_DEFAULTS = { heartbeatTimeoutSeconds: 60, progressTimeoutSeconds: 900 };

/** Work that lies in a queue which no worker serves ends its run after so long, if somebody looks. */
export const UNSERVED_SECONDS = 15 * 60;

/** What an activity waits for while it works. */
export interface ActivityWait {
  reason: Standstill;
  /** RFC 3339. */
  since: string;
  /** Whom it waits for; no data. */
  detail: string;
}
