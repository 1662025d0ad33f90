import { settleSpends } from "../../../core/budgets.ts";
import { raceAbort } from "../../../core/race-abort.ts";
import { createSemaphore, type Semaphore } from "../../../core/semaphore.ts";
import { USED_SHARE } from "../../../core/serve-time.ts";
import type { Leave, SharedConnection, Spend } from "../../provider.ts";
import { whileLeased } from "./leases.ts";
import { type ReadLimits, worthTelling } from "./settlements.ts";
import { LONGEST_PAUSE_SECONDS, pause } from "./waiting.ts";

/** What a source allows. */
export interface Limit {
  /** Requests at a time, of one client. */
  concurrency: number;
  /** What a request takes, where the request itself does not say it. Of several buckets the first one is what a 429 is about. */
  spends: readonly Spend[];
  /** What an answer says of the limits; whatever its status is. */
  settle?: ReadLimits;
  /** Requests at a time, over all workers. */
  inFlight?: { name: string; limit: number };
}

/** One limit for all requests, of which each costs one. */
export function oneBucket(limit: { bucket: string; perSecond: number; burst: number; concurrency: number }): Limit {
  const { bucket, perSecond, burst, concurrency } = limit;
  return { concurrency, spends: [{ bucket, cost: 1, perSecond, burst }] };
}

/**
 * The bucket of a limit that counts within fixed windows: never more than `limit` within any `seconds`, wherever the source's windows
 * begin.
 */
export function fixedWindow(bucket: string, limit: number, seconds: number): Spend {
  const burst = Math.max(1, Math.floor(limit / 10));
  return { bucket, cost: 1, burst, perSecond: Math.max(limit - burst, limit / 2) / seconds };
}

/** Keeps to what the source allows, together with all who use the connection. */
export interface Admission {
  /**
   * Waits for a place among the requests in flight.
   * @param toBusy the error that ends it where that takes too long to wait here
   */
  take<T>(work: () => Promise<T>, toBusy: (comeBackAfterSeconds: number) => Error): Promise<T>;
  /** One request, which may be sent several times. @param spends in place of the limit's */
  begin(spends?: readonly Spend[]): Entry;
}

export interface Entry {
  /** Waits for leave to send it once. @returns seconds after which to come back, where it takes too long to wait here; else null */
  admit(): Promise<number | null>;
  /** It goes out now: what was held up on the way is counted as of now. */
  noteSent(): void;
  /** Tells all who use the connection what the answer says of the limits. */
  settle(answer: Parameters<ReadLimits>[0]): Promise<void>;
  /**
   * Nobody is admitted for that long; afterwards this request is served before those that were behind it.
   * @returns seconds after which to come back, where its activity ends here
   */
  block(seconds: number): Promise<number>;
}

/** So long before its turn whoever gave its slot back returns: it has to be started before it can ask. */
const RETURN_EARLY_SECONDS = 4;
/** Leave is asked for so long before it is due; what is due so soon is given at once. */
const ASK_EARLY_SECONDS = 0.05;
/** A request that goes out so long after it is due is late, at a limit that is no faster, see `lateAfter`. */
const LATE_SECONDS = 0.02;
const SLOW_PER_SECOND = 10;
/** Between two questions. */
const SHORTEST_PAUSE_SECONDS = 0.02;

/**
 * A limit that holds no second request has only the share that is left unused, and half of that is for the way to the source. Others have what
 * they hold.
 */
function lateAfter({ perSecond, burst, cost }: Spend): number {
  return burst < 2 * cost ? Math.min(LATE_SECONDS, (cost * (1 - USED_SHARE)) / perSecond / 2) : LATE_SECONDS;
}

/** In the queue. A wait of more than an hour ends the attempt, and its places with it: those at the end of a long queue would never be served. */
const LONGEST_ABSENCE_SECONDS = 55 * 60;

/** A wait that is short is none that gives a slot back. */
function comeBackAfter({ waitMs, blockedMs = 0 }: Leave): number {
  const seconds = waitMs / 1000;
  if (seconds <= LONGEST_PAUSE_SECONDS + RETURN_EARLY_SECONDS) return seconds;
  const early = seconds - RETURN_EARLY_SECONDS;
  // A source that wants to be left alone is left alone.
  return blockedMs / 1000 > LONGEST_ABSENCE_SECONDS ? early : Math.min(early, LONGEST_ABSENCE_SECONDS);
}

/** What is sent is counted nowhere. */
export const FREE: Entry = {
  admit: async () => null,
  noteSent: () => undefined,
  settle: async () => undefined,
  block: async (seconds) => seconds,
};

export function createAdmission(limit: Limit | null, shared: SharedConnection, signal: AbortSignal): Admission {
  if (limit === null) return { take: (work) => work(), begin: () => FREE };
  const { inFlight, settle: readLimits } = limit;
  const slots = createSemaphore(limit.concurrency, signal);
  // A place that a later activity of the slice finds again by its number.
  const numbers = Array.from({ length: limit.concurrency }, (_, number) => number);
  const asking = new Map<string, Semaphore>();
  const isNew = worthTelling();

  /** Of those who want the same, one asks at a time: what came first is served first. */
  function inTurn(spends: readonly Spend[]): Semaphore {
    const lane = spends.map(({ bucket }) => bucket).join(" ");
    const turns = asking.get(lane) ?? createSemaphore(1, signal);
    asking.set(lane, turns);
    return turns;
  }

  /**
   * Whoever was held up on this side, or had to open a connection, sends later than was counted, so that the next one would come too soon after
   * it. It is counted as of now. A fast limit has others on their way by then.
   * @param countedAt of this process's clock, in milliseconds
   */
  async function countAsOfNow(spends: readonly Spend[], countedAt: number): Promise<void> {
    const lateSeconds = (performance.now() - countedAt) / 1000;
    const late = spends.filter((spend) => spend.perSecond <= SLOW_PER_SECOND && lateSeconds >= lateAfter(spend));
    if (late.length === 0) return;
    const said = late.map(({ bucket, burst, cost }) => ({ bucket, remaining: Math.max(0, burst - cost) }));
    await raceAbort(shared.settle(spends, said), signal);
  }

  /** @param place of the same request, when it was sent before */
  async function waitForLeave(
    spends: readonly Spend[],
    place: number | undefined,
  ): Promise<{ place: number; countedAt: number; comeBackAfter: number | null }> {
    for (let last = place; ; ) {
      const askedAt = performance.now();
      const leave = await raceAbort(shared.reserve(spends, last), signal);
      last = leave.place;
      const seconds = leave.waitMs / 1000;
      const told = { place: last, countedAt: askedAt + leave.waitMs };
      if (leave.given) {
        if (seconds > 0) await pause(seconds, signal);
        return { ...told, comeBackAfter: null };
      }
      if (seconds > shared.patienceSeconds()) return { ...told, comeBackAfter: comeBackAfter(leave) };
      await pause(Math.max(seconds - ASK_EARLY_SECONDS, SHORTEST_PAUSE_SECONDS), signal);
    }
  }

  return {
    take: (work, toBusy) =>
      slots.use(async () => {
        if (inFlight === undefined) return work();
        const number = numbers.shift() ?? 0;
        try {
          return await whileLeased(shared, { ...inFlight, job: `request-${number}`, toBusy }, signal, work);
        } finally {
          numbers.unshift(number);
        }
      }),
    begin(asked = limit.spends) {
      const spends = settleSpends(asked);
      const [first] = spends;
      if (first === undefined) return FREE;
      let place: number | undefined;
      let countedAt = 0;
      let counting: Promise<unknown> = Promise.resolve(null);
      return {
        async admit() {
          const waited = await inTurn(spends).use(() => waitForLeave(spends, place));
          ({ place, countedAt } = waited);
          return waited.comeBackAfter;
        },
        noteSent() {
          // Whoever looks at the answer hears of what stood in its way.
          counting = countAsOfNow(spends, countedAt).catch((error: unknown) => error);
        },
        async settle(answer) {
          const failed = await counting;
          if (failed instanceof Error) throw failed;
          const said = isNew(spends, readLimits?.(answer, spends) ?? []);
          if (said.length > 0) await raceAbort(shared.settle(spends, said), signal);
        },
        async block(seconds) {
          await shared.block(first.bucket, new Date(Date.now() + seconds * 1000));
          if (place === undefined) return seconds;
          // It has a place from now on, also where its activity ends here.
          return Math.max(seconds, comeBackAfter(await shared.reserve(spends, place)));
        },
      };
    },
  };
}
