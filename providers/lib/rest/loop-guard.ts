import { createHash } from "node:crypto";
import { TerminalError } from "../../../core/errors.ts";
import { WRITERS_FIXES } from "../writers-fixes.ts";
import type { PageToken } from "./page-token.ts";
import type { Resource } from "./resources.ts";

/** The resource that is listed. */
type GuardedListing = Pick<Resource, "provider" | "name" | "maxPages">;

export interface GuardedPage {
  digest: string;
  items: number;
  /** How many of its records had not come before; null or absent where they have no key. */
  added?: number | null;
  /** Null after the last page. */
  next: PageToken | null;
}

export interface LoopGuard {
  /** Is it the page that was read just before? */
  isRepeated(digest: string): boolean;
  /** @throws TerminalError source_response_invalid for a source that goes round in a circle */
  check(page: GuardedPage): void;
}

/** Rows that move make a page of known ones now and then. */
const MOST_KNOWN_PAGES = 10;

/**
 * Watches one listing for a source that goes round in a circle, which would otherwise read for ever, or end as if all were
 * well.
 * @param before digest of the page that was read before, where a listing is resumed
 */
export function createLoopGuard(listing: GuardedListing, before = ""): LoopGuard {
  const tokens = new Set<string>();
  let pages = 0;
  let previous = before;
  let knownPages = 0;

  return {
    isRepeated: (digest) => digest === previous,
    check({ digest, items, added, next }) {
      pages += 1;
      if (items > 0) knownPages = added === 0 ? knownPages + 1 : 0;
      if (knownPages >= MOST_KNOWN_PAGES)
        throw looping(listing, `gave ${MOST_KNOWN_PAGES} pages in a row whose keys had all come before`);
      const content = items === 0 ? "" : digest;
      if (content !== "" && content === previous) throw looping(listing, "gave the same page twice in a row");
      previous = content;
      if (next === null) return;
      const token = digestOf(String(next.at));
      if (tokens.has(token)) throw looping(listing, "named a next page that was read before");
      tokens.add(token);
      if (pages >= listing.maxPages) throw looping(listing, `has more than ${listing.maxPages} pages (maxPages)`);
    },
  };
}

/** Short: one is kept for each page. */
export function digestOf(data: Buffer | string): string {
  return createHash("sha1").update(data).digest("base64").slice(0, 16);
}

function looping({ provider, name }: GuardedListing, what: string): TerminalError {
  return new TerminalError("source_response_invalid", `${provider}: the listing of ${name} ${what}.`, {
    fix: WRITERS_FIXES.loop.written,
  });
}
