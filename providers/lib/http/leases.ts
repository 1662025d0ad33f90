import { raceAbort } from "../../../core/race-abort.ts";
import type { LeaseRequest, SharedConnection } from "../../shared-connection.ts";
import { pause } from "./waiting.ts";

/** A lease of a worker that was killed is free again after so long. */
const LEASE_SECONDS = 30;
/** Between two renewals: two of them may fail. */
const RENEW_SECONDS = 10;
/** Between two questions whether a place is free. */
const ASK_AGAIN_SECONDS = 0.5;

/** Whoever gave its slot back asks again after so long. Meanwhile those behind it are served. */
const COME_BACK_SECONDS = 10;
/** A wait that nobody renews is passed over after so long. */
const AWAY_SECONDS = 1;

export interface PlaceRequest {
  name: string;
  limit: number;
  /** Names the place within its holder, so that a later activity of the same slice keeps its place in the queue. */
  job: string;
  toBusy: (comeBackAfterSeconds: number) => Error;
}

/**
 * Does `work` in one of the places that the source has for what is in flight, over all workers. Waits for one where it has to, for as long as
 * the activity may wait.
 * @throws `toBusy` where it takes longer; the signal's reason where it aborts meanwhile
 */
export async function whileLeased<T>(
  shared: SharedConnection,
  { name, limit, job, toBusy }: PlaceRequest,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const request = { name, limit, seconds: LEASE_SECONDS, job };
  const over = new AbortController();
  let isAway = false;
  try {
    isAway = !(await waitForPlace(shared, request, signal));
    if (isAway) throw toBusy(COME_BACK_SECONDS);
    const renewing = renew(() => shared.lease(request), AbortSignal.any([over.signal, signal]));
    const worked = work();
    return await Promise.race([worked, renewing]);
  } finally {
    over.abort();
    if (!isAway) await shared.release(request);
  }
}

/** @returns false where that takes too long: its place in the queue is kept */
async function waitForPlace(shared: SharedConnection, request: LeaseRequest, signal: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + shared.patienceSeconds() * 1000;
  const lease = (each: LeaseRequest) => raceAbort(shared.lease(each), signal);
  while (!(await lease(request))) {
    if (performance.now() < deadline) await pause(ASK_AGAIN_SECONDS, signal);
    // It may become free in this moment.
    else if (await lease({ ...request, seconds: AWAY_SECONDS })) return lease(request);
    else return false;
  }
  return true;
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
