import type { Store, VirtualClock } from "../store.ts";
import type { VendorTools } from "../vendor.ts";
import type { ShopSettings } from "./settings.ts";
import type { ShopIndex } from "./shop-index.ts";

export interface SearchWarning {
  path: string[];
  query: string;
  field: string | null;
  code: "invalid_field" | "invalid_value";
}

/** What an execution of a query knows. */
export interface ShopContext {
  tools: VendorTools;
  store: Store;
  clock: VirtualClock;
  settings: ShopSettings;
  index: ShopIndex;
  bulk: BulkDesk;
  /** Connections are read to their end. */
  isBulk: boolean;
  warn(warning: SearchWarning): void;
  /** A field that fails this time, as `Type.field`; null for none. */
  takeFailure(field: string): boolean;
}

/** As the schema has it. */
export interface BulkOperation {
  id: string;
  type: "QUERY";
  status: "CREATED" | "RUNNING" | "COMPLETED" | "CANCELING" | "CANCELED" | "FAILED" | "EXPIRED";
  errorCode: "ACCESS_DENIED" | "INTERNAL_SERVER_ERROR" | "TIMEOUT" | null;
  query: string;
  createdAt: string;
  completedAt: string | null;
  objectCount: string;
  rootObjectCount: string;
  fileSize: string | null;
  url: string | null;
  partialDataUrl: string | null;
}

/** `short`: it ends behind half of its lines; `error`: it is a message in place of them. */
export type SpoiltFile = "short" | "error";

/** Bulk operations: created, running for a while, and then a file that is downloaded from another host. */
export interface BulkDesk {
  run(
    context: ShopContext,
    query: string,
    isGrouped: boolean,
  ): { bulkOperation: BulkOperation | null; userErrors: unknown[] };
  find(gid: string): BulkOperation | null;
  newest(): BulkOperation | null;
  page(): unknown;
  cancel(gid: string): { bulkOperation: BulkOperation | null; userErrors: unknown[] };
  /** The text behind a presigned address; null where there is none any more. */
  fileOf(path: string): string | null;
  /** The next file that is downloaded is another one, with status 200 and the length that it has. */
  spoilNext(how: SpoiltFile): void;
  /** How many were made. */
  made(): number;
  /** Lets them end. `failed`: with an error, with half of their lines as `partialDataUrl` or none. */
  finish(how?: { failed?: BulkOperation["errorCode"]; partial?: boolean }): void;
  /** They are gone, as if nobody had made them. */
  lose(): void;
  /** Results of more than seven days ago: the files are gone. */
  expire(): void;
}
