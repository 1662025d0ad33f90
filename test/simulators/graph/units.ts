import type { VendorAnswer, VendorRequest } from "../vendor.ts";
import { graphError } from "./errors.ts";

const MINUTE_MS = 60_000;

/**
 * Resource units of one app in one tenant, per minute. A request that is refused counts, too.
 * https://learn.microsoft.com/sharepoint/dev/general-development/how-to-avoid-getting-throttled-or-blocked-in-sharepoint-online
 */
export interface UnitBudget {
  /** Null: no limit. */
  perMinute: number | null;
  /** In the present minute. */
  spent: number;
  minute: number;
  /** Requests that were refused so far. */
  refused: number;
}

/** @param now milliseconds of a clock that runs: who waits for the next minute waits for it */
export function spend(
  budget: UnitBudget,
  units: number,
  now: number,
): { headers: Record<string, string>; refusal: VendorAnswer | null } {
  if (budget.perMinute === null) return { headers: {}, refusal: null };
  const minute = Math.floor(now / MINUTE_MS);
  if (minute !== budget.minute) Object.assign(budget, { minute, spent: 0 });
  budget.spent += units;
  const left = Math.max(0, budget.perMinute - budget.spent);
  const resetSeconds = Math.max(1, Math.ceil(((minute + 1) * MINUTE_MS - now) / 1_000));
  const headers: Record<string, string> =
    left >= budget.perMinute * 0.2
      ? {}
      : {
          "ratelimit-limit": String(budget.perMinute),
          ...{ "ratelimit-remaining": String(left), "ratelimit-reset": String(resetSeconds) },
        };
  if (budget.spent <= budget.perMinute) return { headers, refusal: null };
  budget.refused += 1;
  return { headers, refusal: throttled(resetSeconds, headers) };
}

/** 429 for the app's own share, 503 for a server that is busy: told apart by nothing but the status. */
export function throttled(seconds: number, headers: Record<string, string> = {}, status = 429): VendorAnswer {
  const [code, message] =
    status === 429
      ? ["activityLimitReached", "The app or user has been throttled. Retry the request after the time in Retry-After."]
      : ["serviceNotAvailable", "The service is not available. Try the request again after a delay."];
  return graphError(status, code as string, message as string, {
    headers: { ...headers, "retry-after": String(seconds) },
  });
}

/** What a request costs: 1 for one item, for a delta with a token and for a download, 2 for a listing or a delta without a token. */
export function unitsOf({ path, query }: VendorRequest): number {
  if (query.get("$expand")?.includes("permissions") || path.endsWith("/permissions")) return 5;
  if (/\/delta(\(|$)/.test(path)) return path.includes("token=") || query.has("token") ? 1 : 2;
  return /\/(children|items|drives|lists|columns|sites)$/.test(path) ? 2 : 1;
}
