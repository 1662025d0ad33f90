import type { LoadMode, SizeClass } from "../../../core/vocabulary.ts";
import type { Settlement, Source } from "../../provider.ts";
import type { HttpResponse, Verdict } from "../http/client.ts";
import type { RestColumnDetails, RestDeclaration, RestTools } from "../rest/declaration.ts";
import type { FieldType } from "../rest/field-types.ts";
import type { Ask, GraphqlAnswer, GraphqlVerdict } from "./ask.ts";
import type { GraphqlExports } from "./export-declaration.ts";

/**
 * A vendor's GraphQL connector as data, for APIs with Relay connections (https://relay.dev/graphql/connections.htm). Queries are made of it once; pages
 * are read as those of a REST API are.
 */
export interface GraphqlDeclaration<Config, SecretName extends string>
  extends Omit<
    RestDeclaration<Config, SecretName>,
    "resources" | "listings" | "extend" | "paginator" | "records" | "checkPath"
  > {
  /** Relative to `baseUrl`: where queries are posted. */
  endpoint: string;
  /**
   * A window as a search text: terms such as `updated_at` and instants in ISO 8601. Null without a bound and without `terms`. Needed where a
   * resource has terms.
   */
  search?(of: { term: string | null; start: string | null; end: string | null; terms: string | null }): string | null;
  /** What an answer means that reports errors; null: nothing to say. Values beside errors are never taken. Absent: nothing is known. */
  judge?(answer: GraphqlAnswer, asked: { permission: string | undefined }): GraphqlVerdict | null;
  /** What statuses mean, where that is not what is usual. */
  statuses?: Record<number, Verdict>;
  /** What an answer's headers tell that a run has to say, such as a version that nobody asked for; null: nothing. */
  notice?(headers: HttpResponse["headers"], config: Config): string | null;
  /** How the vendor counts what queries cost. Absent: it counts requests, and `limit` of the API says how many. */
  cost?: GraphqlCost;
  /** The vendor gives no more records in one listing. */
  mostRecords?: number;
  /** How it tells what was deleted. */
  deletions?: GraphqlDeletions;
  exports?: GraphqlExports<Config>;
  resources: GraphqlResource[];
  /** What is the vendor's own: wraps the source. Its code is loaded by a dynamic import in here. */
  extend?(source: Source, tools: GraphqlTools<Config>): Source | Promise<Source>;
}

export interface GraphqlTools<Config> extends RestTools<Config> {
  ask: Ask;
}

export interface GraphqlCost {
  bucket: string;
  perSecond: number;
  burst: number;
  /** Reserved for a query of which no answer has told the cost yet. */
  firstGuess: number;
  /** What the vendor reserves for such a query; null where the answer does not say. */
  requested(answer: Pick<GraphqlAnswer, "extensions">): number | null;
  settle(answer: Pick<GraphqlAnswer, "extensions">): Omit<Settlement, "bucket"> | null;
}

/** A connection that lists deletions. */
export interface GraphqlDeletions {
  /** On the query root. */
  root: string;
  args?: string;
  /** Selection of its nodes. */
  select: string;
  /** Search terms for deletions of such subjects. */
  terms(subjects: readonly string[]): string;
  /** The search term for their time. */
  term: string;
  /** Of a node: key, time and kind of what was deleted. */
  key: string;
  at: string;
  subject: string;
  /** What a node has that is a deletion: no row goes for any other. */
  proof: { path: string; equals: string };
}

/** One resource: a connection on the query root, and one table. */
export interface GraphqlResource {
  entityKey: string;
  displayName: string;
  description: string;
  root: string;
  /** A field of the query root that has the connection. Null in an answer: the account has no such thing, and there are no records. */
  within?: string;
  /** `root` is one object and no connection: a table of one row. */
  isSingle?: true;
  /** False: the connection takes no search text. */
  isSearchable?: false;
  /** Of its nodes. */
  type: string;
  /** Arguments that never change: `sortKey: UPDATED_AT`. */
  args?: string;
  /** Search terms that never change. */
  terms?: string;
  columns: Record<string, GraphqlColumn>;
  /** Fields that are unions, with the types that are asked for. */
  unions?: Record<string, readonly string[]>;
  primaryKey: string[];
  cursor?: {
    column: string;
    /** The search term; null where the search knows none, and the listing has the newest first: it is read until older ones come. */
    term: string | null;
    /** The listing is in the order of the cursor, the oldest first. */
    isOrdered: boolean;
    /** Read again before the cursor, as an ISO 8601 duration: for records that change without their time. */
    lookback?: string;
  };
  /** Objects of a page, at most; a vendor that finds it too costly is asked for less. */
  pageSize: number;
  /** Of each connection within a page. */
  childPageSize?: number;
  children?: GraphqlChild[];
  /** What the vendor calls those that were deleted. Absent: it does not tell. `keyOf` makes the resource's key of the subject's. */
  deletions?: { subjects: readonly string[]; keyOf?: (subject: string) => string };
  /** It can be read by an export job. */
  isExportable?: boolean;
  permission?: string;
  /** Absent: `upsert`. */
  loadMode?: LoadMode;
  sizeClass: SizeClass;
  defaultSelected?: boolean;
}

/** A table of what lies inside a resource's nodes. */
export interface GraphqlChild {
  entityKey: string;
  displayName: string;
  description: string;
  /** A connection, whose rest is read by the parent's id, or a list, which is always whole. */
  field: GraphqlConnection | { list: string };
  /** Of its elements. */
  type: string;
  /** All types of its elements, where they have several: an export tells each line's own. */
  types?: readonly string[];
  /** Its elements have no field `id`. */
  hasNoId?: true;
  /** Fields that are unions, and "" for the elements themselves, with the types that are asked for. */
  unions?: Record<string, readonly string[]>;
  columns: Record<string, GraphqlColumn>;
  primaryKey: string[];
  /** An export job cannot read it, such as a connection within a list. */
  isPagedOnly?: boolean;
  /** They change without their parent, and can be listed by their own time: */
  changes?: GraphqlChanges;
  permission?: string;
  sizeClass: SizeClass;
  defaultSelected?: boolean;
}

export interface GraphqlConnection {
  connection: string;
  args?: string;
  /**
   * It lies in an object within the parent's node: `customerJourneySummary`, or several with dots between. Null there, and an object of other types: the
   * list is empty.
   */
  under?: { path: string; types?: readonly string[] };
  /** Null in an answer is an empty list. */
  mayBeNull?: true;
}

export interface GraphqlChanges {
  /** A connection on the query root; or, with `of`, on each object of another resource. */
  connection: string;
  args?: string;
  of?: { resource: string; type: string };
  term: string;
  /** Column with their own time. */
  column: string;
  /** The field of an element that is its parent. */
  parentField: string;
  pageSize: number;
}

/** A type alone: the field has the column's name. */
export type GraphqlColumn =
  | FieldType
  | (Pick<RestColumnDetails, "type" | "path" | "parent" | "required" | "description"> & {
      /** How the last step of `path` is asked for, where it takes arguments or has fields of its own: `address { city }`. */
      select?: string;
      /** `path` is a connection of a child's element, and the column holds all of its nodes, with this selection. Elements have an `id` that `node` takes. */
      nodes?: string;
      /** With `nodes`, for elements that `node` does not know: their own connection can be searched by their ids with this term. Only pages have such a column. */
      elementTerm?: string;
    });
