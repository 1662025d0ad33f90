import { raceAbort } from "../../../core/race-abort.ts";
import { createSemaphore } from "../../../core/semaphore.ts";
import type { SharedConnection } from "../../provider.ts";
import { LONGEST_PAUSE_SECONDS, pause } from "./waiting.ts";

export interface Limit {
  bucket: string;
  perSecond: number;
  burst: number;
  /** Requests at a time, of one client. */
  concurrency: number;
}

/** Keeps to what the source allows, together with all who use the connection. */
export interface Admission {
  take<T>(work: () => Promise<T>): Promise<T>;
  /** Waits for leave to send one request. @returns seconds after which to ask again, where it takes too long to wait here; else null */
  admit(): Promise<number | null>;
  /** Nobody is admitted for that long. */
  block(seconds: number): Promise<void>;
}

export function createAdmission(limit: Limit | null, shared: SharedConnection, signal: AbortSignal): Admission {
  if (limit === null) return { take: (work) => work(), admit: async () => null, block: async () => undefined };
  const { bucket, perSecond, burst } = limit;
  return {
    take: createSemaphore(limit.concurrency, signal).use,
    async admit() {
      const maxWaitMs = LONGEST_PAUSE_SECONDS * 1000;
      const seconds = (await raceAbort(shared.reserve(bucket, { perSecond, burst, maxWaitMs }), signal)) / 1000;
      if (seconds > LONGEST_PAUSE_SECONDS) return seconds;
      if (seconds > 0) await pause(seconds, signal);
      return null;
    },
    block: (seconds) => shared.block(bucket, new Date(Date.now() + seconds * 1000)),
  };
}
