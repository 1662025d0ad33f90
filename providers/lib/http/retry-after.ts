import { readRateLimit } from "./rate-limit-header.ts";
import type { HttpResponse } from "./response.ts";

const LONGEST_SECONDS = 24 * 3600;
/** An instant in seconds is larger than that, a delay smaller. */
const FIRST_EPOCH_SECOND = 1_000_000_000;
const FIRST_EPOCH_MILLISECOND = FIRST_EPOCH_SECOND * 1000;

/** Headers that say when a used-up allowance renews; names differ by source, values are delays or instants. */
const RESETS = ["ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset", "x-ratelimit-reset-after"];
const REMAINDERS = ["ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining"];

/**
 * When the source wants to be asked again: `Retry-After`, or what it says about its rate limit.
 * https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 * @returns seconds from now, at most a day; null where it does not say
 */
export function retryAfterSeconds(response: Pick<HttpResponse, "status" | "headers">, now = Date.now()): number | null {
  const { headers } = response;
  // By the clock of the source, where it shows it: ours may differ.
  const date = Date.parse(headers.get("date") ?? "");
  const there = Number.isNaN(date) ? now : date;
  const milliseconds = headers.get("retry-after-ms");
  if (milliseconds !== null && Number(milliseconds) >= 0) return clamp(Number(milliseconds) / 1000);
  const throttled = response.status === 429 || isUsedUp(response);
  for (const name of throttled ? ["retry-after", ...RESETS] : ["retry-after"]) {
    const seconds = secondsUntil(headers.get(name), there);
    if (seconds !== null) return clamp(seconds);
  }
  const combined = throttled ? secondsUntilRenewed(headers) : null;
  return combined === null ? null : clamp(combined);
}

/** Of the quotas that are used up, or of all where none says so, the last to renew. */
function secondsUntilRenewed(headers: Headers): number | null {
  const allowances = readRateLimit(headers);
  const usedUp = allowances.filter(({ remaining }) => remaining === 0);
  const resets = (usedUp.length > 0 ? usedUp : allowances).flatMap(({ resetSeconds }) => resetSeconds ?? []);
  return resets.length === 0 ? null : Math.max(...resets);
}

/** Has the source said that nothing is left of an allowance? */
export function isUsedUp({ headers }: Pick<HttpResponse, "headers">): boolean {
  const isNone = (name: string) => {
    const remaining = headers.get(name);
    return remaining !== null && remaining.trim() !== "" && Number(remaining) <= 0;
  };
  return REMAINDERS.some(isNone) || readRateLimit(headers).some(({ remaining }) => remaining === 0);
}

function secondsUntil(text: string | null, now: number): number | null {
  if (text === null || text.trim() === "") return null;
  const number = Number(text);
  if (Number.isNaN(number)) {
    const instant = Date.parse(text);
    return Number.isNaN(instant) ? null : (instant - now) / 1000;
  }
  if (number >= FIRST_EPOCH_MILLISECOND) return (number - now) / 1000;
  return number >= FIRST_EPOCH_SECOND ? number - now / 1000 : number;
}

function clamp(seconds: number): number {
  return Math.min(LONGEST_SECONDS, Math.max(0, seconds));
}
