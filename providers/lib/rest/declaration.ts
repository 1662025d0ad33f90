import type { z } from "zod";
import type { LoadMode, ProviderKey, SizeClass } from "../../../core/vocabulary.ts";
import type { ConnectOptions, SecretDeclaration, Source } from "../../provider.ts";
import type { Limit } from "../http/admission.ts";
import type { Authenticator } from "../http/auth/authenticator.ts";
import type { OAuthClient } from "../http/auth/oauth2.ts";
import type { SessionLogin } from "../http/auth/session-login.ts";
import type { HttpClient } from "../http/client.ts";
import type { FieldType } from "./field-types.ts";
import type { Paginator } from "./paginator.ts";
import type { PaginatorConfig } from "./paginator-config.ts";
import type { ErrorRule, QueryParameters } from "./resource.ts";
import type { Resources } from "./resources.ts";

/**
 * A vendor's connector as data. Catalog, discovery, reading and the tables of its docs page all come from it. It holds no code that
 * connects: the API process loads it.
 */
export interface RestDeclaration<Config, SecretName extends string> {
  key: ProviderKey;
  displayName: string;
  /** Of a connection's `config`; strict. */
  connectionSchema: z.ZodType<Config>;
  secrets: Record<SecretName, SecretDeclaration>;
  /** Which of them a config makes required; absent: none. */
  secretsOf?(config: Config): Record<string, SecretDeclaration>;
  /** Names the account behind a connection, such as a shop's domain: it goes into table names. */
  sourceInstanceKey(config: Config): string;
  /** What of the config decides where the secrets go; absent: all of it. */
  addressOf?(config: Config): Record<string, unknown>;
  /** As in `Provider`. */
  limitsSharedBy?: readonly string[];
  /** @param connection.secret throws where the connection has no such secret */
  api(connection: { config: Config; secret: (name: SecretName) => string }): RestApi;
  /** What a check asks for first, such as `me`; absent: the first resource. */
  checkPath?: string;
  /** Of resources that have none of their own. */
  paginator?: RestPaginator;
  /** Where answers have the records, for resources that do not say. */
  records?: string;
  /** After those of the resource. */
  errorRules?: ErrorRule[];
  resources: RestResource[];
  /** Listings that are no table: `extend` reads them. No sync can name them, and no catalog shows them. */
  listings?: RestResource[];
  /** What is the vendor's own, such as an export job: wraps the source. Its code is loaded by a dynamic import in here. */
  extend?(source: Source, tools: RestTools<Config>): Source | Promise<Source>;
}

export interface RestTools<Config> {
  client: HttpClient;
  /** As the sync at hand reads them, `listings` among them. */
  resources: Resources;
  options: ConnectOptions<Config, RestSourceConfig>;
}

/** One limit for all requests, of which each costs one. */
export interface OneLimit {
  perSecond: number;
  burst?: number;
  concurrency?: number;
  bucket?: string;
}

/** Where an API is and how it is asked. */
export interface RestApi {
  /** Paths of resources are relative to it. */
  baseUrl: string;
  auth: RestAuth;
  headers?: Record<string, string>;
  /**
   * What the vendor allows a credential; kept by all workers together. `bucket`: the host when absent. `concurrency`: of one slice. A `Limit` has
   * several buckets, costs, and what answers say of them.
   */
  limit?: OneLimit | Limit;
  /** Hosts besides `baseUrl`'s that credentials may go to. */
  allowedHosts?: string[];
  timeoutMs?: number;
  maxBodyBytes?: number;
  retry?: { maxAttempts?: number; statuses?: number[] };
  tlsRootCert?: string;
}

export type RestAuth =
  | { type: "none" }
  | { type: "bearer"; token: string }
  | { type: "basic"; username: string; password: string }
  | { type: "header"; name: string; value: string }
  | { type: "query"; name: string; value: string }
  | ({ type: "oauth2_client_credentials" } & OAuthClient)
  | ({ type: "oauth2_refresh"; refreshToken: { name: string; value: string } } & OAuthClient)
  | ({ type: "session_login" } & SessionLogin)
  /** A flow of the vendor's own, loaded by a dynamic import. */
  | { type: "own"; load(): Authenticator | Promise<Authenticator> };

type Usual = "emptyPage" | "in" | "rel" | "limitParam" | "offsetParam" | "pageParam";
type WithUsual<T> = T extends unknown ? Omit<T, Usual> & { [K in keyof T & Usual]?: T[K] } : never;

/** How pages follow each other: one of the usual ways, or a reader of pages of the vendor's own. */
export type RestPaginator = WithUsual<PaginatorConfig> | Paginator;

/** One resource: one table. */
export interface RestResource {
  entityKey: string;
  displayName: string;
  description: string;
  /** Relative to `baseUrl`. Placeholders, here and in `query` and `json`: `{start}` and `{end}` of the window, `{parent.<field>}`. */
  path: string;
  method?: "GET" | "POST";
  query?: QueryParameters;
  headers?: Record<string, string>;
  /** Body of a POST. */
  json?: Record<string, unknown>;
  /** A POST that only reads may be sent again. */
  idempotent?: boolean;
  format?: "json" | "ndjson";
  /** Where answers have the records, such as `data.orders`; absent: as the provider says, or the usual places. */
  records?: string;
  /** An answer without `records`: refused, or an empty page. `fail` when absent. */
  missingRecords?: "fail" | "empty";
  /** By name, in the order of the table. */
  columns: Record<string, RestColumn>;
  /** Columns; empty where records have no key. */
  primaryKey: string[];
  /** Keeps the record as the vendor gave it, in a jsonb column `_record`. */
  keepRecord?: boolean;
  /** Fields that have no column: kept in `_unmapped`, or left out. Absent: left out where `keepRecord` has them anyway, else kept. */
  otherFields?: "keep" | "ignore";
  cursor?: RestCursor;
  /** A feed tells its changes. The engine reads it not at all, and `extend` does; see `lib/feeds/declaration.ts`. */
  isFeed?: true;
  /** Which records say of themselves that they are deleted: their rows go from the table. Absent: none does. */
  deleted?: RestSign;
  /** Tables that lie inside the records, such as the line items of an order. They need the resource's `primaryKey`. */
  children?: RestChild[];
  /** Each record of another resource gives requests of this one. `missing`: what a 404 for one of them means; `skip` when absent. */
  parent?: { resource: string; missing?: "skip" | "fail"; concurrency?: number };
  paginator?: RestPaginator;
  errorRules?: ErrorRule[];
  /** What the credentials need, in the vendor's words (`tickets:read`): an error says so where the vendor refuses. */
  permission?: string;
  /** Absent: `upsert` with a key, else `replace`. */
  loadMode?: LoadMode;
  sizeClass: SizeClass;
  /** True when absent. */
  defaultSelected?: boolean;
  storageDescription?: string;
  /** The vendor gives no more records than this in one listing. A window that has more is asked for in halves. */
  mostRecords?: number;
  /** More pages in one listing are taken for a loop; 100,000 when absent. */
  maxPages?: number;
}

/** A field that says something by its value. Null, false and empty text say nothing; with `equals` only that one value does. */
export interface RestSign {
  path: string;
  equals?: string | number | boolean;
}

/**
 * A table of what lies inside another resource's records. It is read with that resource, never alone. Of a record whose list is whole, the rows
 * replace the ones that the table has of it: what is no longer in the list is deleted.
 */
export interface RestChild {
  entityKey: string;
  displayName: string;
  description: string;
  /** Where the parent's record has the list: `line_items`, `lines.edges[*].node`. Null is an empty list; an object is its only element. */
  path: string;
  /** A parent's record without the list: rejected, or it has no children. `fail` when absent. */
  missingList?: "fail" | "empty";
  /** `parent` names a field of the parent's record. One column is needed for each column of the parent's key, and one is good for its cursor. */
  columns: Record<string, RestColumn>;
  /** Columns; empty where the elements have no key. */
  primaryKey: string[];
  /** Which elements say of themselves that they are deleted. */
  deleted?: RestSign;
  /** Absent: the list is always whole. */
  more?: RestMore;
  keepRecord?: boolean;
  otherFields?: "keep" | "ignore";
  /** What reading the rest of a list needs. */
  permission?: string;
  /** Absent: `replace` where the parent has that, else `upsert` with a key, else `replace`. */
  loadMode?: LoadMode;
  sizeClass: SizeClass;
  defaultSelected?: boolean;
  storageDescription?: string;
}

/** How the vendor cuts a long list inside a record, and how all of it is read. */
export interface RestMore {
  /** What in the parent's record says that the list is cut: a sign, or a total that is larger than the list. */
  when: RestSign | { total: string };
  /** The listing of one parent's children: `orders/{parent.id}/lines`. Absent: it cannot be read, and a cut list deletes nothing. */
  path?: string;
  method?: "GET" | "POST";
  query?: QueryParameters;
  headers?: Record<string, string>;
  /** Body of a POST, which only reads. */
  json?: Record<string, unknown>;
  records?: string;
  paginator?: RestPaginator;
  errorRules?: ErrorRule[];
  /**
   * The parent's field with the page token or link of what follows the elements that the record has. Absent: the listing is read from its
   * start, and the elements in the record are left out.
   */
  after?: string;
  /** The vendor gives no more elements of one list than this: a list that has so many counts as cut, and fails the read. */
  mostRecords?: number;
}

/** A type alone: the field has the column's name. Money is `numeric`, which is exact; a value that does not fit makes a rejected record. */
export type RestColumn = FieldType | RestColumnDetails;

export interface RestColumnDetails {
  /** A Postgres type: see `FIELD_TYPE_NAMES`. */
  type: FieldType;
  /** Where a record has it: `customer.id`. Absent: a field of the column's name. */
  path?: string;
  /** A field of the parent instead. */
  parent?: string;
  /** A record without it is rejected. Keys always are required. */
  required?: boolean;
  /** Of a timestamptz that the API does not write as RFC 3339: `epoch_s`, `epoch_ms`, `rfc2822`, a pattern. Text without a zone is UTC. */
  format?: string;
  description?: string;
}

/** Which column says when a record last changed, and how the API is asked for what changed. Durations are ISO 8601. */
export interface RestCursor {
  column: string;
  /** Without `param` and placeholders the API cannot be asked: all pages are read and older records left out. */
  from?: { param?: string; operator: ">=" | ">" };
  to?: { param?: string; operator: "<" | "<=" };
  in?: "query" | "body";
  /** In which the API is asked for instants; absent: the column's, or ISO 8601. */
  format?: string;
  /** The smallest step of its times. Needed for `>` and `<=`, so that neither edge of a window loses a record. */
  precision?: string;
  /** RFC 3339 instant or date; nothing older is read. A sync may say otherwise. */
  initial?: string;
  /** Read again before the cursor, for changes that show up late or backdated. */
  lookback?: string;
  /** The newest part that is left for the next run; PT1M when absent. */
  safetyLag?: string;
  /** No request asks for more at once. */
  step?: string;
  /** The last request has no end. Absent: only where the API cannot be given one. */
  openEnded?: boolean;
  /** The API lists the newest first: a page without anything new is the last. */
  newestFirst?: boolean;
  /** The API lists the oldest first. It saves requests where a listing is longer than `mostRecords`. */
  oldestFirst?: boolean;
}

/** A sync's `sourceConfig` for such a provider. */
export type RestSourceConfig = {
  resources: Partial<Record<string, RestOverrides>>;
};

export type RestOverrides = {
  columns?: string[] | undefined;
  exclude?: string[] | undefined;
  /** Instead of the cursor's. */
  initial?: string | undefined;
};
