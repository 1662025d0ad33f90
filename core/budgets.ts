import { TerminalError } from "./errors.ts";

/** What requests to a source may use, counted together by all who use one connection. */

/** What a request takes of one limit. The limit gives back `perSecond`, and holds at most `burst`. */
export interface Spend {
  /** Names the limit within the connection, such as `searchOrders` or `points`. */
  bucket: string;
  cost: number;
  perSecond: number;
  burst: number;
}

/**
 * Each bucket once, with all that the request takes of it.
 * @throws TerminalError config_invalid where a number makes no sense: the request would wait for ever, or not at all
 */
export function settleSpends(spends: readonly Spend[]): Spend[] {
  const settled = new Map<string, Spend>();
  for (const spend of spends) {
    const { bucket, cost, perSecond, burst } = spend;
    const isSound = perSecond > 0 && burst > 0 && cost >= 0 && [perSecond, burst, cost].every(Number.isFinite);
    if (!isSound) throw unsound(spend);
    settled.set(bucket, { ...spend, cost: cost + (settled.get(bucket)?.cost ?? 0) });
  }
  return [...settled.values()];
}

function unsound({ bucket, cost, perSecond, burst }: Spend): TerminalError {
  return new TerminalError(
    "config_invalid",
    `The limit ${bucket} cannot be kept: a request takes ${cost}, ${perSecond} come back each second, and ${burst} are held at most.`,
    { fix: "Declare the limit with a rate and a burst above 0, and a cost that is not negative." },
  );
}

export interface Leave {
  /** True: the request is counted, and is sent after `waitMs`. False: whoever asked has a place in the queue, and asks again after `waitMs`. */
  given: boolean;
  waitMs: number;
  /** In the queue. */
  place: number;
  /** So much of the wait is the source's own word; absent where it said nothing. The rest is for others to have their turn. */
  blockedMs?: number;
}

/** What a source has said of one limit. What it did not say is absent. */
export interface Settlement {
  bucket: string;
  /** What the request has cost, where that is not what was reserved. */
  cost?: number;
  /** What is left of the limit. It is believed only where it is less than what we know: requests of others may be in flight. */
  remaining?: number;
  /** The limit as it is now. It counts for a day, in place of what is declared. */
  perSecond?: number;
  burst?: number;
  /** Nothing is sent for so long. */
  blockedSeconds?: number;
}
