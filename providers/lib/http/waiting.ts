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

/** Stops waiting when the signal aborts; what `work` does goes on. */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
