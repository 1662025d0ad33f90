/**
 * What a look at the other end of a request finds. `working`: a statement runs, or bytes came since the last look. `waiting`: something is
 * in flight that has a deadline of its own, such as a statement that waits for a lock or a request without an answer so far. `none`:
 * nothing is in flight, the other end waits for us, or nobody knows.
 */
export type Pulse = "working" | "waiting" | Blocked | "none";

/** `waiting`, for a lock that another session holds. */
export interface Blocked {
  /** Whom it waits for, as a database tells it; no statement and no data. */
  blockedBy: string;
}

/**
 * Told of work that can be looked at, such as a session at work on a request.
 * @returns called when the work is over
 */
export type OnWork = (look: () => Promise<Pulse>) => () => void;

const STRENGTH = { none: 0, waiting: 1, blocked: 2, working: 3 };

export function strongestPulse(pulses: readonly Pulse[]): Pulse {
  return pulses.reduce<Pulse>((best, each) => (strengthOf(each) > strengthOf(best) ? each : best), "none");
}

function strengthOf(pulse: Pulse): number {
  return STRENGTH[typeof pulse === "object" ? "blocked" : pulse];
}
