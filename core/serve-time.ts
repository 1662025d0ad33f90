/**
 * When a request may be sent that spends from several budgets, and has others ahead of it. All times are seconds from now.
 *
 * Each budget is a token bucket, kept as one instant (GCRA): `nextAt` is when everything that was spent will have come back.
 */

export interface BucketState {
  nextAt: number;
  /** The source said not to come back before; at most 0 where it said nothing. */
  blockedUntil: number;
  perSecond: number;
  burst: number;
}

/** Somebody who is served before. */
export interface QueuedTicket {
  /** When its holder asks again. */
  dueAt: number;
  spends: readonly { bucket: string; cost: number }[];
}

/** The clocks of two machines and the way to the source are not exact: this much of a limit is left unused. */
export const USED_SHARE = 0.98;

/** Times were rounded to microseconds on their way, and a gap may be as long as what has to fit in. */
const ROUNDING_SECONDS = 1e-5;

export type Buckets = ReadonlyMap<string, BucketState>;

/**
 * Serves everybody ahead in the order in which they come back. The request goes where it delays nobody of them: behind all, or into a gap
 * before one who comes back later.
 * @param buckets those that `spends` names; what others spend elsewhere does not matter to this request
 * @returns 0 where it may be sent now
 */
export function serveTime(
  spends: readonly { bucket: string; cost: number }[],
  buckets: Buckets,
  ahead: readonly QueuedTicket[],
): number {
  const after = new Map(buckets);
  for (const ticket of ahead.toSorted((a, b) => a.dueAt - b.dueAt)) {
    const shared = ticket.spends.filter(({ bucket }) => after.has(bucket));
    const own = earliest(spends, after);
    const withOwn = afterSpending(spends, after, own);
    const ticketAt = Math.max(ticket.dueAt, earliest(shared, after));
    // A budget that has got everything back by then is not scarce: the ticket waits for another one.
    const scarce = shared.filter(({ bucket }) => (withOwn.get(bucket)?.nextAt ?? 0) > ticketAt + ROUNDING_SECONDS);
    if (scarce.length === 0) return own;
    for (const [bucket, state] of afterSpending(scarce, after, ticketAt)) after.set(bucket, state);
  }
  return earliest(spends, after);
}

/** The buckets once a request has been sent at `at`. */
export function afterSpending(
  spends: readonly { bucket: string; cost: number }[],
  buckets: Buckets,
  at: number,
): Map<string, BucketState> {
  const after = new Map(buckets);
  for (const { bucket, cost } of spends) {
    const state = after.get(bucket);
    if (state === undefined) continue;
    after.set(bucket, { ...state, nextAt: Math.max(state.nextAt, at) + secondsToRestore(cost, state.perSecond) });
  }
  return after;
}

/** How long it takes until `cost` has come back, with the share that is left unused. */
export function secondsToRestore(cost: number, perSecond: number): number {
  return cost / (perSecond * USED_SHARE);
}

function earliest(spends: readonly { bucket: string; cost: number }[], buckets: Buckets): number {
  const times = spends.map(({ bucket, cost }) => {
    const state = buckets.get(bucket);
    if (state === undefined) return 0;
    const burst = Math.max(1, state.burst);
    // What costs more than the budget ever holds is sent when the budget is full.
    const ahead = secondsToRestore(burst - Math.min(cost, burst), state.perSecond);
    return Math.max(state.nextAt - ahead, state.blockedUntil);
  });
  return Math.max(0, ...times);
}
