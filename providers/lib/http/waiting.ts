import { setTimeout as sleep } from "node:timers/promises";

/** Who has to wait longer gives the slot back. */
export const LONGEST_PAUSE_SECONDS = 5;

const FIRST_PAUSE_SECONDS = 0.5;

/** Doubles with each attempt, and is spread so that those who failed together do not come back together. */
export function backoffSeconds(attempt: number): number {
  return FIRST_PAUSE_SECONDS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
}

export function pause(seconds: number, signal: AbortSignal): Promise<void> {
  return sleep(seconds * 1000, undefined, { signal });
}
