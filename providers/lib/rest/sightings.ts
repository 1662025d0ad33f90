import { z } from "zod";

/** What the pages of one resource have shown in this run, whichever parent or window they belong to. Kept in checkpoints. */
export const sightingsSchema = z.strictObject({
  /** A page had as many items as were asked for: the source has no smaller limit of its own. */
  fullPage: z.boolean(),
  /** Items of the largest page. */
  largestPage: z.int(),
  /** The largest page whose total was met and confirmed by the empty page after it: here a total is no page's size. */
  largestConfirmed: z.int(),
});
export type Sightings = z.output<typeof sightingsSchema>;

export function createSightings(): Sightings {
  return { fullPage: false, largestPage: 0, largestConfirmed: 0 };
}
