/**
 * What shows that nothing follows: a total that was met, a chain of links or tokens that ended, an end that the declaration names,
 * or that there is one page only.
 */
export type Proof = "total" | "chain" | "declared" | "single";

/** Why rows may be missing from a listing that has ended. */
export interface Doubt {
  /** Continues "the listing of orders". */
  what: string;
  /**
   * `by_repeating`: it is settled when the listing is read again and gives the same. `by_merging`: so it is, and the rows of several
   * readings together are good enough for a load that only adds. Null: nothing settles it.
   */
  settled: "by_repeating" | "by_merging" | null;
}

/** How a listing ended. */
export interface ListingEnd {
  /** Null: a page was empty or short, and nothing else says that it is the last. */
  proof: Proof | null;
  doubt: Doubt | null;
}

/**
 * What the reader of a listing needs to know of its end. `nothing`: it only looks at some records. `no_doubt`: nothing may
 * speak against its being complete. `proof`: something must speak for it, since rows that it does not list will be removed.
 */
export type Demand = "nothing" | "no_doubt" | "proof";

export function endedBy(proof: Proof | null): ListingEnd {
  return { proof, doubt: null };
}
