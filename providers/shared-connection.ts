import type { Leave, Settlement, Spend } from "../core/budgets.ts";

/** Tokens and limits belong to a credential, not to a process: they live in the control database. */
export interface SharedConnection {
  /** As last stored; `{}` before the first renewal. */
  readTokens(): Promise<Record<string, string>>;
  /**
   * Single flight over all processes: `renew` runs alone, with what is stored now, and what it returns is sealed and stored
   * before this resolves. Null from `renew`: somebody else has just done it, nothing changes. Whoever waits stops at the
   * activity's signal; `renew` must not, since its answer may be the only copy of a rotated secret, and is given 50 s.
   * @returns the credentials to go on with
   */
  renew(renew: (now: Credentials) => Promise<Partial<Credentials> | null>): Promise<Credentials>;
  /**
   * Leave to send one request: it is counted in all buckets, or in none. Whoever has to wait gets a place in the queue and keeps it
   * until it is served, also after its activity has ended. One who asks for a slice has one place, whatever it has to send.
   * @param place of an earlier leave, where the source has refused the request all the same: it is served before those behind it
   */
  reserve(spends: readonly Spend[], place?: number): Promise<Leave>;
  /** What the answer says of the limits: what the request cost, what is left, what the limit is now. */
  settle(spends: readonly Spend[], settlements: readonly Settlement[]): Promise<void>;
  /** The source has said not to come back before `until`; holds for all that `reserve` from the bucket. */
  block(bucket: string, until: Date): Promise<void>;
  /**
   * Takes one of the places that the source has for what is in flight, such as requests or jobs, over all workers; or renews it.
   * Places are given in the order in which they were asked for. A place that is not renewed ends by itself, and so does the wait for one.
   * @returns whether it is held; if not, ask again before `seconds` are over
   */
  lease(request: LeaseRequest): Promise<boolean>;
  /** Gives the place back, or the wait for one. Idempotent. */
  release(request: Pick<LeaseRequest, "name" | "job">): Promise<void>;
  /** How long the activity can wait for leave by now. If it takes longer, it ends, and says when it has to come back. */
  patienceSeconds(): number;
}

export interface LeaseRequest {
  name: string;
  /** How many the source allows. */
  limit: number;
  /** The lease ends so long after it was last taken or renewed. */
  seconds: number;
  /** What holds it, where that outlives the activity: the slice's job at the vendor. Absent: this activity. */
  job?: string;
}

export interface Credentials {
  /** Replaces those named; a rotated refresh token goes here. */
  secrets: Record<string, string>;
  /** Access tokens with what is known of them (`expiresAt`); replaced whole. */
  tokens: Record<string, string>;
}
