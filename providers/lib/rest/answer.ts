import type { JsonValue } from "../http/json.ts";
import type { PageRecords } from "./page-records.ts";
import type { ErrorRule } from "./resource.ts";

/** A body that has been looked into, at hand or in a thread. */
export interface Answer {
  /** Of a large one without most of its records. */
  body: JsonValue;
  /** Is there at the rule's path what it asks for? */
  meets(rule: ErrorRule): boolean;
  /** Of the whole body. */
  digest(): string;
  /** @throws ProviderError source_response_invalid, see `recordsIn` */
  list(): Listed;
}

/** The records of a body, and what a listing has to know of them. */
export interface Listed {
  records: PageRecords;
  /** Elements that the API counts, see `itemsOf`. */
  items: number;
  /** Where there is one; in `body`. */
  first: JsonValue | undefined;
  last: JsonValue | undefined;
  lastItem: JsonValue | undefined;
  /** See `hashKeys`. */
  keys: Float64Array | null;
  /** See `whyNoKeyset`. */
  whyNoKeyset(field: string): string | null;
}
