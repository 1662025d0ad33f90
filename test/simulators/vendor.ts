import type { IncomingMessage } from "node:http";
import type { Dice } from "../support/random.ts";
import type { Change, Store, Stored, VirtualClock } from "./store.ts";

export interface VendorRequest {
  method: string;
  /** Below the vendor's own: `/v1/tickets`. */
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage["headers"];
  /** JSON and forms as values, other text as it is, anything else as bytes; null where there is none. */
  body: unknown;
  /** The address that it came to: the vendor's API, or its second one, for files and other hosts. */
  to: "api" | "files";
}

export interface VendorAnswer {
  status: number;
  headers?: Record<string, string>;
  /** Sent as JSON; text and bytes as they are. */
  body?: unknown;
}

/** What a module for a vendor has at hand. */
export interface VendorTools {
  store: Store;
  clock: VirtualClock;
  dice: Dice;
  /** The vendor's base URL. */
  apiUrl: string;
  /** Its other one, on a port and thus an origin of its own: presigned downloads, and hosts that redirect. */
  filesUrl: string;
  /** Access tokens that are good now. */
  tokens: { issue(): string; isGood(token: string | undefined): boolean };
  /** Tokens of pages and feeds, which die when a fault says so. `read` gives null for one that has. */
  cursors: { make(state: unknown): string; read(token: string): unknown };
  isAllowed(permission: string): boolean;
  /** The record without what a fault has taken from all of them. */
  show(record: Stored): Record<string, unknown>;
}

/** One vendor's API over the store. */
export interface Vendor {
  name: string;
  fill(store: Store, dice: Dice, clock: VirtualClock): void;
  answer(request: VendorRequest, tools: VendorTools): VendorAnswer | Promise<VendorAnswer>;
  /** Its own way to refuse for there being too many requests; 429 where it has none. */
  refuse?(request: VendorRequest, tools: VendorTools): VendorAnswer;
  /** Tables whose records the faults change; all where it is absent. */
  changeable?: readonly string[];
  /**
   * What a change at the source brings about there: a child that changes touches its parent, a delete leaves an event.
   * @param before the record as it was
   */
  follow?(change: Change, before: Stored | undefined, tools: VendorTools): void;
  /** What can be done to it besides, by name: tests, fault scripts and demos ask for it. */
  commands?: Record<string, (args: unknown, tools: VendorTools) => unknown>;
}
