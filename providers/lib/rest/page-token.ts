import { z } from "zod";
import { tallyStateSchema } from "./tally-state.ts";

/** What pages that are asked for by a number have shown so far. It is in the token, so that a read that is resumed comes to the same end. */
export const pageCountsSchema = z.strictObject({
  /** Elements that the pages listed, see `itemsOf`. */
  items: z.int(),
  /** Of `items`, those whose key had not come before; null where they have no key. */
  keys: z.int().nullable(),
  /** The total of the first page that named one: what was there when the listing began. */
  firstTotal: z.int().nullable(),
  total: z.int().nullable(),
  /** There are at least `total` items, and perhaps more. */
  isLeast: z.boolean().optional(),
  /** Likewise the number of pages. Absent in checkpoints of before. */
  firstPages: z.int().nullable().default(null),
  pages: z.int().nullable(),
  /** Pages with items. */
  fullPages: z.int(),
  /** Empty pages in a row, just now. */
  emptyPages: z.int(),
  /** How often pages with items came behind empty ones. Absent in checkpoints of before. */
  gaps: z.int().default(0),
  /** All that was announced has been read: the page is asked for to make sure, and should be empty. */
  confirms: z.boolean(),
  /** Digest of the page before, by which a source is found out that gives the same page again. */
  digest: z.string(),
  /** The keys that `keys` counts, by which a row is noticed that moved while nobody read. Absent without keys, and in checkpoints of before. */
  tally: tallyStateSchema.optional(),
  /** The page before, by which moved rows are noticed that have no keys: `at` is null for the first. Absent in checkpoints of before. */
  last: z.strictObject({ at: z.union([z.string(), z.int()]).nullable(), digest: z.string() }).optional(),
  /** What the reading before this one came to. Absent in the first one. */
  earlier: z.string().optional(),
});
export type PageCounts = z.output<typeof pageCountsSchema>;

/** Where a page is; JSON, since it is kept in checkpoints. `at`: a URL, a token, an offset, a page number or a key. */
export const pageTokenSchema = z.strictObject({
  at: z.union([z.string(), z.int()]),
  /** `at` is JSON text, which a body takes as it is: a number, an object, an array. Absent in checkpoints of before. */
  json: z.boolean().optional(),
  /** Absent where pages are not asked for by a number. */
  counts: pageCountsSchema.optional(),
});
export type PageToken = z.output<typeof pageTokenSchema>;
