import { createReclaimer, type Reclaimer } from "../fence/reclaim.ts";

/** Larger ones are parsed in a thread; smaller ones are parsed at once, which takes a few milliseconds. */
export const LARGE_BYTES = 1024 * 1024;

/**
 * Places in the process. A body that is still coming takes memory only, and may come slowly; one that has come has all that is made of it
 * beside it, and is through in seconds.
 */
const PLACES = { coming: 8, come: 3 };

/** Leave to hold one large body in memory. */
export interface LargeBodies {
  /**
   * Waits until the source has no other one, and the process not too many: what one source sends takes a bounded part of the worker,
   * however many of its requests are in flight.
   * @param source for whom: host and port
   * @throws the signal's reason
   */
  take(source: string, signal: AbortSignal): Promise<LargeBody>;
}

export interface LargeBody {
  /** All of it is there: waits until it may be read. @throws the signal's reason; the body keeps its place */
  come(signal: AbortSignal): Promise<void>;
  /** It is not needed any more; may be called again. */
  letGo(): void;
}

export function createLargeBodies(
  places: typeof PLACES = PLACES,
  reclaimer: Reclaimer = createReclaimer(),
): LargeBodies {
  const sources = new Set<string>();
  const coming = createPlaces(places.coming);
  const come = createPlaces(places.come);

  return {
    async take(source, signal) {
      await coming.take(signal, {
        mayEnter: () => !sources.has(source),
        onEnter: () => sources.add(source),
      });
      reclaimer.begin();
      let place: "coming" | "come" | "none" = "coming";
      return {
        async come(signal) {
          if (place !== "coming") return;
          await come.take(signal, {
            mayEnter: () => true,
            onEnter: () => {
              // It may have been let go while it waited.
              if (place === "none") return come.leave();
              place = "come";
              coming.leave();
            },
          });
        },
        letGo() {
          if (place === "none") return;
          sources.delete(source);
          reclaimer.end();
          const left = place === "come" ? come : coming;
          place = "none";
          left.leave();
          // The source has room for its next one, whose place may have been free all the time.
          coming.admit();
        },
      };
    },
  };
}

interface Entry {
  mayEnter(): boolean;
  onEnter(): void;
}

/** Taken in the order of asking, but for those who may not enter yet. */
function createPlaces(most: number) {
  let taken = 0;
  const waiting = new Set<Entry>();

  function admit(): void {
    for (const entry of waiting) {
      if (taken >= most) return;
      if (!entry.mayEnter()) continue;
      waiting.delete(entry);
      taken += 1;
      entry.onEnter();
    }
  }

  return {
    admit,
    leave(): void {
      taken -= 1;
      admit();
    },
    async take(signal: AbortSignal, { mayEnter, onEnter }: Entry): Promise<void> {
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const entry: Entry = {
        mayEnter,
        onEnter: () => {
          onEnter();
          resolve();
        },
      };
      const abort = () => {
        if (waiting.delete(entry)) reject(signal.reason);
      };
      signal.addEventListener("abort", abort, { once: true });
      waiting.add(entry);
      admit();
      await promise.finally(() => signal.removeEventListener("abort", abort));
    },
  };
}

/** As `bodies`, for one client: what it still holds when it is closed is given back. */
export function ofOneClient(bodies: LargeBodies): LargeBodies & { letGoAll(): void } {
  const held = new Set<LargeBody>();
  return {
    async take(source, signal) {
      const body = await bodies.take(source, signal);
      held.add(body);
      return {
        come: body.come,
        letGo() {
          held.delete(body);
          body.letGo();
        },
      };
    },
    letGoAll() {
      for (const body of held) body.letGo();
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
