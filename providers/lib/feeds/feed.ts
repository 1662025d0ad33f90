import { z } from "zod";
import type { ReadRequest } from "../../provider.ts";
import type { JsonValue } from "../http/json.ts";
import { omissionSchema } from "../rest/omit.ts";
import { recordShapeSchema } from "../rest/record-shape.ts";

/**
 * Change feeds whose pages name the next one, and whose last page has the token that the next run starts from: delta links, history ids, change
 * tokens. A connector gives `FeedReader`; `plan-feed.ts` and `read-feed.ts` do the rest. Listings that end without a token are read in the same
 * way.
 */
export interface FeedReader {
  /**
   * The page at a position, which is an earlier page's `next` or the plan's first one.
   * @throws TransientError source_cursor_expired where the source does not take the position any more, in the middle of a feed too: the entity is
   * planned anew. To read the listing again within the slice would lose what was deleted since it began.
   * @param warn tells people what the page leaves out, as in `ReadRequest`
   */
  page(at: string, of: FeedOf, warn: Warn): Promise<FeedPage>;
}

/** The table whose feed is read. */
export interface FeedOf extends Pick<FeedSpec, "shape"> {
  entityKey: string;
  /** As the `FeedTable` has it. */
  own: Record<string, unknown>;
}

export type Warn = NonNullable<ReadRequest["warn"]>;

export interface FeedPage {
  records: FeedRecord[];
  /** Position of the next page; null after the last one. */
  next: string | null;
  /** Comes with the last page of a feed: what the next run starts from. */
  token?: string;
  /** What the source sent for the page. */
  bytes: number;
}

/** In the order of the source: of several with the same key the last one counts. */
export interface FeedRecord {
  /** As the columns' paths see it. */
  record: JsonValue;
  /** The source says that it is gone: a record that may have no more than its key. */
  isDeleted?: boolean;
  /** Nothing can lie in it (`FeedSpec.within`). */
  isLeaf?: boolean;
  /** Why it can be no row; absent where it can. */
  fault?: string;
}

/** The provider's own part of a feed's `EntityReadSpec`. */
export const feedSpecSchema = z.strictObject({
  shape: recordShapeSchema,
  /** Position of the first page: the token, or where a reading of everything begins. */
  first: z.string(),
  /** False for a listing, which ends without a token. */
  isFeed: z.boolean(),
  /** `first` is a token. Absent: everything is read, or an older version has made the plan. */
  fromToken: z.literal(true).optional(),
  /** Column with the key of the row that a row lies in: what lies in a deleted row goes with it. Absent where the source tells each. */
  within: z.string().optional(),
  /** Absent where nothing is left out. */
  omission: omissionSchema.optional(),
  /** The connector's own. */
  own: z.record(z.string(), z.unknown()).optional(),
});
export type FeedSpec = z.output<typeof feedSpecSchema>;
