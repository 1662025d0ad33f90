/** Lets `permits` pieces of work run at a time; the others wait, first come first served. */
export interface Semaphore {
  /** @throws the signal's reason where it aborts before the work has begun */
  use<T>(work: () => Promise<T>): Promise<T>;
}

export function createSemaphore(permits: number, signal?: AbortSignal): Semaphore {
  const waiting = new Set<() => void>();
  let free = permits;

  function waitForPermit(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => {
      waiting.delete(admit);
      reject(signal?.reason);
    };
    const admit = () => {
      signal?.removeEventListener("abort", abort);
      resolve();
    };
    waiting.add(admit);
    signal?.addEventListener("abort", abort, { once: true });
    return promise;
  }

  /** Whoever waits takes the permit over. */
  function release(): void {
    const [next] = waiting;
    if (next === undefined) {
      free += 1;
      return;
    }
    waiting.delete(next);
    next();
  }

  return {
    async use(work) {
      signal?.throwIfAborted();
      if (free > 0) free -= 1;
      else await waitForPermit();
      try {
        return await work();
      } finally {
        release();
      }
    },
  };
}
