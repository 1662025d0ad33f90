import type { ExportJob } from "../../../core/slices.ts";
import type { JsonObject } from "../http/json.ts";
import type { JobState } from "../jobs.ts";
import type { Ask } from "./ask.ts";

/** Export jobs that run a query over all of its objects and give JSONL: each object of a connection is a line of its own. */
export interface GraphqlExports<Config> {
  /** In messages and in the ledger. */
  kind: string;
  /** Jobs that the vendor runs side by side for one account. */
  atOnce: { name: string; limit: number };
  /** A window shorter than this is read by pages; ISO 8601. */
  shortest: string;
  /** Connections in one query, at most. */
  mostConnections: number;
  isWanted(config: Config): boolean;
  /** @throws JobRefusedError where the vendor does no such job: pages are read instead */
  create(ask: Ask, query: string): Promise<string>;
  /**
   * The newest job that was made of this very query at `since` or later, and may still give its result: its making was not answered. Null: there is none.
   * Another slice's will do, since the same query has the same result.
   */
  find(ask: Ask, query: string, since: Date): Promise<string | null>;
  poll(ask: Ask, ref: string): Promise<JobState<ExportFile>>;
  cancel(ask: Ask, job: ExportJob): Promise<void>;
  /** Of a line; null: it is an object of the root connection. */
  parentOf(line: JsonObject): string | null;
  /** Of a line that has a parent. */
  typeOf(line: JsonObject): string | null;
}

export interface ExportFile {
  /** Presigned; null where nothing was found. */
  url: string | null;
  bytes: number;
  /** As the vendor says; null where it does not. */
  size: number | null;
  /** What the vendor says that the file has: objects of any kind, and those without a parent. Null where it does not say. */
  lines: number | null;
  roots: number | null;
}
