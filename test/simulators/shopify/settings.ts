import { ALL_SCOPES } from "./relations.ts";

/** How the shop behaves. Tests and the control endpoint change it while it runs. */
export interface ShopSettings {
  /** Granted to the app. */
  scopes: string[];
  /** A page has at most so many, and a search gives no more than the cap. */
  pageSize: number;
  cap: number;
  /** What paging past the cap does. The API's limits page says that there is a limit, and nothing about how it shows. */
  pastCap: "error" | "end";
  /** A change shows up in searches after so many seconds. */
  searchLagSeconds: number;
  /** As of a large plan; the smallest gives 100 points a second. */
  bucket: { maximumAvailable: number; restoreRate: number };
  maxQueryCost: number;
  /** Null: a bulk operation runs until the command `finish_jobs`. */
  bulkSeconds: number | null;
  bulkAtOnce: number;
  /** Since 2026-11-07 apps of partners have to enable bulk queries; access lapses when it is not used. */
  bulkEnabled: boolean;
  /** Where the lines of children stand in a bulk result. */
  bulkOrder: "shuffled" | "grouped";
  /** Whether a change of an inventory level shows in its item's `updatedAt`. Nothing says that it does. */
  levelTouchesItem: boolean;
  accessTokenSeconds: number;
  /** The version that it answers with, whatever it was asked for; null: the one that it was asked for, where it still answers that. */
  answeredVersion: string | null;
  /** The shop takes payments by Shopify Payments. */
  paymentsAccount: boolean;
  /** All requests are answered so: 402 for a frozen shop, 423 for a locked one, 403, 404. */
  refusal: { status: number; body: unknown } | null;
}

export function createSettings(given: Partial<ShopSettings> = {}): ShopSettings {
  return {
    scopes: ALL_SCOPES,
    ...{ pageSize: 250, cap: 25_000, pastCap: "error", searchLagSeconds: 30 },
    ...{ bucket: { maximumAvailable: 2_000, restoreRate: 1_000 }, maxQueryCost: 1_000 },
    ...{ bulkSeconds: 1, bulkAtOnce: 5, bulkEnabled: true, bulkOrder: "shuffled" },
    ...{
      levelTouchesItem: false,
      accessTokenSeconds: 3_600,
      paymentsAccount: true,
      refusal: null,
      answeredVersion: null,
    },
    ...given,
  };
}
