import { raceAbort } from "../../../core/race-abort.ts";
import type { SharedConnection } from "../../provider.ts";
import { pause } from "./waiting.ts";

/** A lease of a worker that was killed is free again after so long. */
const LEASE_SECONDS = 30;
/** Between two renewals: two of them may fail. */
const RENEW_SECONDS = 10;
/** Between two questions whether a place is free. */
const ASK_AGAIN_SECONDS = 0.5;

/**
 * Does `work` in one of the places that the source has for what is in flight, over all workers. Waits for one where it has to.
 * @throws the signal's reason where it aborts meanwhile
 */
export async function whileLeased<T>(
  shared: SharedConnection,
  { name, limit }: { name: string; limit: number },
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  // Each piece of work of an activity holds a place of its own.
  const request = { name, limit, seconds: LEASE_SECONDS, job: crypto.randomUUID() };
  const over = new AbortController();
  try {
    while (!(await raceAbort(shared.lease(request), signal))) await pause(ASK_AGAIN_SECONDS, signal);
    const renewing = renew(() => shared.lease(request), AbortSignal.any([over.signal, signal]));
    const worked = work();
    return await Promise.race([worked, renewing]);
  } finally {
    over.abort();
    await shared.release(request);
  }
}

/** Never resolves. @throws what stands in the way of a renewal */
async function renew(lease: () => Promise<boolean>, over: AbortSignal): Promise<never> {
  for (;;) {
    try {
      await pause(RENEW_SECONDS, over);
    } catch {
      // It is over, and whoever waits for the work hears of that.
      return new Promise<never>(() => undefined);
    }
    await lease();
  }
}
