import { setTimeout as sleep } from "node:timers/promises";
import { isLockConflict } from "./errors.ts";

/**
 * Tries again while others hold the locks, pausing in between so that those who queue behind us get their turn.
 * @throws the last lock conflict after `patienceMs`
 */
export async function retryLockConflicts<T>(
  { patienceMs, signal }: { patienceMs: number; signal?: AbortSignal | undefined },
  work: () => Promise<T>,
): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isLockConflict(error) || Date.now() > deadline) throw error;
      await sleep(100 + 400 * Math.random(), undefined, signal ? { signal } : {});
    }
  }
}
