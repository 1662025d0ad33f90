import type { JsonValue } from "../http/json.ts";
import type { ListingEnd } from "./listing-end.ts";
import type { PageToken } from "./page-token.ts";
import type { Sightings } from "./sightings.ts";

/** What a page adds to the request of its resource. */
export interface PageParameters {
  /** Instead of the resource's own URL and parameters. */
  url?: string;
  in: "query" | "body";
  parameters: [name: string, value: JsonValue][];
}

export interface AnsweredPage {
  /** Of this page; null for the first. */
  token: PageToken | null;
  url: string;
  headers: Headers;
  /** Undefined: the answer has none (204), or an error rule takes it for an empty page. */
  body: JsonValue | undefined;
  records: number;
  /** The first record and the last one; undefined where there is none. */
  first: JsonValue | undefined;
  last: JsonValue | undefined;
  /** Why its records cannot be gone on from by a field of theirs, see `keyset-order.ts`. */
  whyNoKeyset(field: string): string | null;
  /** Elements that the API counts, see `itemsOf`. */
  items: number;
  /** Undefined where there is none. */
  lastItem: JsonValue | undefined;
  /** Of the listing up to this page, those whose key had not come before; null where they have no key. */
  keys: number | null;
  digest: string;
  /** Added to by what the page shows. */
  sightings: Sightings;
}

/** Where the listing goes on, and how it ended if it did; a number that follows is known even then. */
export type NextPage =
  | { token: PageToken; end: null /** More was announced than this empty page. */; isGap?: boolean }
  | { token: PageToken | null; end: ListingEnd; isGap?: boolean };

export interface Paginator {
  /** Tokens go stale or belong to one query: a refused one says that the listing has to begin anew. */
  perishable: boolean;
  /** Some declared sign can prove that a listing is complete. */
  provesEnd: boolean;
  /** Pages are asked for by a number or a key: one that is not found is an empty one. */
  endsNotFound: boolean;
  parameters(token: PageToken | null): PageParameters;
  /** The field of a record whose value asks for the next page. */
  keyField?: string;
  /**
   * Where the declaration does not say which page is the first: another one that is the first at many sources. `ifEmpty`: it matters only
   * where the supposed first page has nothing.
   */
  otherStart?: { at: number; ifEmpty: boolean; page: PageParameters };
  /** @throws TerminalError source_response_invalid */
  next(page: AnsweredPage): NextPage;
}
