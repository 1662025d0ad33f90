import type { ReasonCode } from "../../../core/result-reasons.ts";
import type { LoadMode, SizeClass } from "../../../core/vocabulary.ts";
import type { FieldType } from "./field-types.ts";

/** Values of query parameters by name; text may hold placeholders, see `templates.ts`. */
export type QueryParameters = Record<string, Scalar | Scalar[]>;
type Scalar = string | number | boolean;

/** How only changes are asked for. */
export interface IncrementalConfig {
  /** Path of a record's field that says when it last changed. */
  cursorField: string;
  startParam?: string | undefined;
  endParam?: string | undefined;
  in: "query" | "body";
  /** In which the API is asked; see `time-format.ts`. */
  format: string;
  /** In which records have it; absent: `format`, or ISO 8601. */
  cursorFormat?: string | undefined;
  /** RFC 3339 instant or date; nothing older is read. Absent: everything there is. */
  initial?: string | undefined;
  lookbackSeconds: number;
  safetyLagSeconds: number;
  /** ISO 8601 duration: no request asks for more at once. */
  windowStep?: string | undefined;
  /** ISO 8601 duration, taken off an inclusive end. */
  granularity?: string | undefined;
  /** ISO 8601 duration, taken off an exclusive start: such an API gives what changed after the start, not at it. */
  startStep?: string | undefined;
  openEnded: boolean;
  ordering: "none" | "desc" | "asc";
}

/** In which records have their cursor; ISO 8601 is read besides, see `readInstant`. */
export function formatOf({ format, cursorFormat }: Pick<IncrementalConfig, "format" | "cursorFormat">): string {
  return cursorFormat ?? format;
}

/** What an answer means by its status or body. The first rule that matches decides. */
export interface ErrorRule {
  status?: number | number[] | undefined;
  path?: string | undefined;
  equals?: Scalar | null | undefined;
  contains?: string | undefined;
  /** The source redirected the request to another path, or redirected it without saying where to. */
  redirected?: boolean | undefined;
  /**
   * `ignore`: an empty page. `stop_resource`: what was read is all there is. `accept`: a page like any other, although a redirect has lost the
   * parent that was asked about.
   */
  action: "retry" | "ignore" | "stop_resource" | "fail" | "accept";
  afterSeconds?: number | undefined;
  afterHeader?: string | undefined;
  reasonCode?: Extract<ReasonCode, `source_${string}`> | undefined;
  message?: string | undefined;
  /** What to do about it, whole sentences; absent: what is usual for the reason. */
  fix?: string | undefined;
}

export interface ParentConfig {
  resource: string;
  /** Paths of the parent's fields to keep with each record. */
  fields: string[];
  /** What a 404 for one parent means. */
  missing: "skip" | "fail";
  /** Parents that are asked about at once. */
  concurrency: number;
}

/** A field that says something by its value, see `sign.ts`. */
export interface SignConfig {
  path: string;
  equals?: Scalar | undefined;
}

/** Where another resource's records have those of this one. */
export interface NestedConfig {
  /** The parent. */
  resource: string;
  path: string;
  missing: "fail" | "empty";
  /** Paths of the parent's fields that columns are made of. */
  fields: string[];
  /** Of the parent's key, and its cursor where a column has it: each is one of `fields`. */
  key: string[];
  cursor: string | null;
  more?: MoreConfig | undefined;
}

export interface MoreConfig {
  when: SignConfig | { total: string };
  /** The resource's path lists the children of one parent. */
  isListed: boolean;
  /** The parent's field with the page token of what follows. */
  after?: string | undefined;
  /** Paths of the parent's fields that the listing needs. */
  fields: string[];
}

/** What a connector says of a field besides its type. */
export interface DeclaredField {
  column: string;
  /** A record without a value is no row. */
  required: boolean;
  /** Of an instant that the API does not write as RFC 3339; see `time-format.ts`. */
  format?: string | undefined;
}

/** One resource of a REST API as a connector declares it. Paths are those of `selector.ts`. */
export interface ResourceConfig {
  /** The entityKey. */
  name: string;
  displayName?: string | undefined;
  description?: string | undefined;
  /** Relative to the client's base URL; may hold `{parent.<field>}`. */
  path: string;
  method: "GET" | "POST";
  query: QueryParameters;
  headers: Record<string, string>;
  /** Body of a POST. */
  json?: Record<string, unknown> | undefined;
  /** A POST that only reads. */
  idempotent: boolean;
  /** Of answers; absent: as their content type says. Of `ndjson` each line is a record. */
  format?: "json" | "ndjson" | undefined;
  /** Absent: the usual places, see `records.ts`. */
  recordSelector?: string | undefined;
  missingRecords: "fail" | "empty";
  primaryKey: string[];
  loadMode?: LoadMode | undefined;
  sizeClass: SizeClass;
  fields: Record<string, FieldType>;
  additionalFields: "infer" | "keep" | "ignore";
  /** Of `fields`, by path, where the connector itself knows them: then nothing is sampled. Absent where a connection declares them. */
  declared?: Record<string, DeclaredField> | undefined;
  /** What the credentials must be allowed to, in the vendor's words: for messages. */
  permission?: string | undefined;
  incremental?: IncrementalConfig | undefined;
  parent?: ParentConfig | undefined;
  /** Its records lie inside those of another resource. */
  nested?: NestedConfig | undefined;
  /** Paths to lists that are tables of their own, and to what says where they go on. */
  lists?: string[] | undefined;
  /** Which records say that they are deleted. */
  deleted?: SignConfig | undefined;
  errorRules: ErrorRule[];
  /** The source gives no more records than this in one listing. */
  mostRecords?: number | undefined;
  /** The engine does not discover, check or read it by itself: the connector's `extend` does. */
  isForExtend?: boolean | undefined;
  /** More pages in one listing are taken for a loop. */
  maxPages: number;
}
