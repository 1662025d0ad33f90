/** Larger ones are parsed in a thread; smaller ones are parsed at once, which takes a few milliseconds. */
export const LARGE_BYTES = 1024 * 1024;

/** At a time in the whole process, each with all that is made of it. */
const MOST_AT_ONCE = 3;

/** Leave to hold one large body in memory. */
export interface LargeBodies {
  /**
   * Waits until the source has no other one, and the process not too many: what one source sends takes a bounded part of the worker,
   * however many of its requests are in flight.
   * @param source for whom: host and port
   * @returns gives it back; may be called again
   * @throws the signal's reason
   */
  take(source: string, signal: AbortSignal): Promise<() => void>;
}

export function createLargeBodies(mostAtOnce: number = MOST_AT_ONCE): LargeBodies {
  const held = new Set<string>();
  const waiting = new Set<{ source: string; enter: () => void }>();

  function next(): void {
    for (const place of waiting) {
      if (held.size >= mostAtOnce) return;
      if (held.has(place.source)) continue;
      waiting.delete(place);
      held.add(place.source);
      place.enter();
    }
  }

  return {
    async take(source, signal) {
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const place = { source, enter: resolve };
      const abort = () => {
        if (waiting.delete(place)) reject(signal.reason);
      };
      signal.addEventListener("abort", abort, { once: true });
      waiting.add(place);
      next();
      await promise;
      signal.removeEventListener("abort", abort);
      let isHeld = true;
      return () => {
        if (!isHeld) return;
        isHeld = false;
        held.delete(source);
        next();
      };
    },
  };
}

/** As `bodies`, for one client: what it still holds when it is closed is given back. */
export function ofOneClient(bodies: LargeBodies): LargeBodies & { letGoAll(): void } {
  const held = new Set<() => void>();
  return {
    async take(source, signal) {
      const letGo = await bodies.take(source, signal);
      held.add(letGo);
      return () => {
        held.delete(letGo);
        letGo();
      };
    },
    letGoAll() {
      for (const letGo of held) letGo();
      held.clear();
    },
  };
}

let shared: LargeBodies | null = null;

/** One for the whole process, since it is the process whose memory it shares out. */
export function sharedLargeBodies(): LargeBodies {
  shared ??= createLargeBodies();
  return shared;
}
