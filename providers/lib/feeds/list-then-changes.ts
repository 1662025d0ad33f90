import { z } from "zod";
import type { AskedPage, FeedPages, FeedTools } from "./declaration.ts";
import type { FeedRecord } from "./feed.ts";

/** A vendor whose feed tells changes and not what was there before: a listing and a feed of the same table. */
export interface ListAndChanges<Config> {
  /** Where the feed stands now. */
  token(tools: FeedTools<Config>): Promise<string>;
  /** A page of the listing: `page` is an earlier page's `next`, null for the first. */
  list(page: string | null, tools: FeedTools<Config>): Promise<{ records: FeedRecord[]; next: string | null }>;
  /** A page of the feed, at a token or at an earlier page's `next`. */
  changes(at: string, tools: FeedTools<Config>): Promise<AskedPage>;
}

const LISTING = "listing:";
const positionSchema = z.strictObject({ token: z.string(), page: z.string() });

/**
 * Everything is listed first; the feed goes on from where it stood before that, so that no change falls between the two: what changed while it was listed
 * is told once more.
 */
export function listThenChanges<Config>(of: ListAndChanges<Config>): FeedPages<Config> {
  return {
    first: LISTING,
    async page(at, tools) {
      if (!at.startsWith(LISTING)) return of.changes(at, tools);
      const begun = at === LISTING ? null : positionSchema.parse(JSON.parse(at.slice(LISTING.length)));
      const token = begun?.token ?? (await of.token(tools));
      const { records, next } = await of.list(begun?.page ?? null, tools);
      return next === null
        ? { records, next, token }
        : { records, next: `${LISTING}${JSON.stringify({ token, page: next })}` };
    },
  };
}
