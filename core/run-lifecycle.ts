/**
 * THE state machine of a run. Everything else (types, guards in SQL, the table in ARCHITECTURE.md) derives from
 * `RUN_TRANSITIONS`; a pair that is not in it cannot happen.
 */

export const RUN_STATUSES = [
  "pending",
  "queued",
  "running",
  "waiting",
  "cancelling",
  "succeeded",
  "partial",
  "failed",
  "cancelled",
  "skipped",
] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/** event -> from -> to */
export const RUN_TRANSITIONS = {
  promote: { queued: "pending" },
  begin: { pending: "running" },
  wait: { running: "waiting" },
  resume: { waiting: "running" },
  request_cancel: { queued: "cancelled", pending: "cancelled", running: "cancelling", waiting: "cancelling" },
  acknowledge_cancel: { cancelling: "cancelled" },
  succeed: { running: "succeeded", waiting: "succeeded", cancelling: "succeeded" },
  end_partial: { running: "partial", waiting: "partial", cancelling: "partial" },
  fail: { pending: "failed", running: "failed", waiting: "failed", cancelling: "failed" },
  skip: { queued: "skipped", pending: "skipped" },
} as const satisfies Record<string, Partial<Record<RunStatus, RunStatus>>>;
export type RunEvent = keyof typeof RUN_TRANSITIONS;

const leaves = new Set<RunStatus>(Object.values(RUN_TRANSITIONS).flatMap((edges) => Object.keys(edges) as RunStatus[]));

/** Statuses that no event leaves: a row in one of them never changes its status again. */
export const TERMINAL_RUN_STATUSES: readonly RunStatus[] = RUN_STATUSES.filter((status) => !leaves.has(status));

/** Statuses of which a sync has at most one run (a partial unique index says the same). */
export const ACTIVE_RUN_STATUSES = [
  "pending",
  "running",
  "waiting",
  "cancelling",
] as const satisfies readonly RunStatus[];

export function isTerminal(status: RunStatus): boolean {
  return !leaves.has(status);
}

/** The statuses that `event` may leave, for the guard of a compare-and-set. */
export function sourcesOf(event: RunEvent): RunStatus[] {
  return Object.keys(RUN_TRANSITIONS[event]) as RunStatus[];
}

/** @returns the status after `event`, or null where the pair does not exist */
export function nextStatus(from: RunStatus, event: RunEvent): RunStatus | null {
  const edges: Partial<Record<RunStatus, RunStatus>> = RUN_TRANSITIONS[event];
  return edges[from] ?? null;
}
