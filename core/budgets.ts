/** What requests to a source may use, counted together by all who use one connection. */

/** What a request takes of one limit. The limit gives back `perSecond`, and holds at most `burst`. */
export interface Spend {
  /** Names the limit within the connection, such as `searchOrders` or `points`. */
  bucket: string;
  cost: number;
  perSecond: number;
  burst: number;
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
