/** Lets `most` pieces of work go on at a time; the others wait for their turn, in order. */
export interface Turns {
  /** @throws the signal's reason where it aborts before the turn has come */
  take<T>(work: () => Promise<T>): Promise<T>;
}

export function createTurns(most: number, signal: AbortSignal): Turns {
  const waiting = new Set<() => void>();
  let busy = 0;

  function enter(): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => {
      waiting.delete(proceed);
      reject(signal.reason);
    };
    const proceed = () => {
      signal.removeEventListener("abort", abort);
      busy += 1;
      resolve();
    };
    if (busy < most) proceed();
    else {
      waiting.add(proceed);
      signal.addEventListener("abort", abort, { once: true });
    }
    return promise;
  }

  function leave(): void {
    busy -= 1;
    const [next] = waiting;
    if (next === undefined) return;
    waiting.delete(next);
    next();
  }

  return {
    async take(work) {
      await enter();
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}
