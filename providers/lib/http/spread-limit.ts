import type { Settlement, Spend } from "../../provider.ts";
import { fixedWindow } from "./admission.ts";
import { numberOf } from "./settlements.ts";

/**
 * What `RateLimit-Limit`, `-Remaining` and `-Reset` say, for a source that shows them when a limit runs low: what is left is spread over the time until it renews, and nobody is slowed
 * down before less than `below` of it is left. Where the source says what the limit is, it counts in place of what is declared.
 * @param window in which the source counts, in seconds
 */
export function spreadRateLimit(
  { headers }: { headers: Headers },
  { bucket, cost }: Spend,
  { below, window }: { below: number; window: number },
): Settlement[] {
  const [limit = null, remaining = null, reset = null] = ["limit", "remaining", "reset"].map((name) =>
    numberOf(headers.get(`ratelimit-${name}`) ?? headers.get(`x-ratelimit-${name}`)),
  );
  if (limit === null || remaining === null || limit <= 0) return [];
  const { perSecond, burst } = fixedWindow(bucket, limit, window);
  const said = { bucket, perSecond, burst };
  if (remaining >= limit * below) return [said];
  const seconds = Math.min(Math.max(reset ?? window, 0), window);
  return [{ ...said, remaining: Math.max(remaining, 0), blockedSeconds: (seconds * cost) / Math.max(remaining, cost) }];
}
