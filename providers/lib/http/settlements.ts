import type { Settlement, Spend } from "../../provider.ts";
import { readRateLimit } from "./rate-limit-header.ts";
import type { HttpResponse } from "./response.ts";

/** Pure: what one answer says of the limits that its request was counted in. */
export type ReadLimits = (
  answer: Pick<HttpResponse, "status" | "headers" | "json">,
  spends: readonly Spend[],
) => Settlement[];

type Headed = Pick<HttpResponse, "headers">;

/**
 * `RateLimit-Limit`, `-Remaining` and `-Reset`, also with `X-`, or the one header `RateLimit` for all. Of several quotas the scarcest.
 * https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers
 */
export function readRateLimitHeaders({ headers }: Headed, bucket: string): Settlement[] {
  const [remaining, reset] = ["remaining", "reset"].map((name) =>
    numberOf(headers.get(`ratelimit-${name}`) ?? headers.get(`x-ratelimit-${name}`)),
  );
  const quotas = readRateLimit(headers);
  const [scarcest] = quotas.toSorted((a, b) => (a.remaining ?? Infinity) - (b.remaining ?? Infinity));
  const left = remaining ?? scarcest?.remaining ?? null;
  const seconds = remaining === null || remaining === undefined ? scarcest?.resetSeconds : reset;
  if (left === null) return [];
  // An instant instead of a delay is for `Retry-After` to say; a day is the longest that is believed.
  const isDelay = typeof seconds === "number" && seconds >= 0 && seconds <= 86_400;
  return [{ bucket, remaining: left, ...(left <= 0 && isDelay ? { blockedSeconds: seconds } : {}) }];
}

/** A header such as `12/80`: used, of how many. */
export function readUsedOfLimit({ headers }: Headed, header: string, bucket: string): Settlement[] {
  const [, used, limit] = /^\s*(\d{1,12})\s*\/\s*(\d{1,12})\s*$/.exec(headers.get(header) ?? "") ?? [];
  if (used === undefined || limit === undefined || Number(limit) === 0) return [];
  return [{ bucket, remaining: Number(limit) - Number(used), burst: Number(limit) }];
}

/** A header with the requests a second that the source allows now, such as `x-amzn-RateLimit-Limit: 0.0167`. */
export function readRatePerSecond({ headers }: Headed, header: string, bucket: string): Settlement[] {
  const perSecond = numberOf(headers.get(header));
  return perSecond === null || perSecond <= 0 ? [] : [{ bucket, perSecond }];
}

export function numberOf(text: string | null): number | null {
  const number = text === null || text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : null;
}

/** What an answer says keeps nobody waiting for longer than a day: no source means it, and nobody would know why. */
const DAY_SECONDS = 86_400;
const SLOWEST_PER_SECOND = 1 / DAY_SECONDS;

/** So little may be left of a limit before what is left is told. */
const SCARCE_SHARE = 0.5;

/**
 * Picks what others do not know yet, so that an answer as expected costs no statement: another limit, another cost than reserved, or little that is
 * left. A cost or a limit that makes no sense is dropped.
 */
export function worthTelling(): (spends: readonly Spend[], said: readonly Settlement[]) => Settlement[] {
  const told = new Map<string, Pick<Settlement, "perSecond" | "burst">>();
  return (spends, said) =>
    said.flatMap((settlement) => {
      const spend = spends.find(({ bucket }) => bucket === settlement.bucket);
      if (spend === undefined) return [];
      const known = { perSecond: spend.perSecond, burst: spend.burst, ...told.get(spend.bucket) };
      const { remaining } = settlement;
      const perSecond = positive(settlement.perSecond, SLOWEST_PER_SECOND);
      const burst = positive(settlement.burst);
      const aDay = (burst ?? known.burst) + (perSecond ?? known.perSecond) * DAY_SECONDS;
      const cost = settlement.cost === undefined ? undefined : Math.min(settlement.cost, aDay);
      const blockedSeconds = Math.min(settlement.blockedSeconds ?? 0, DAY_SECONDS);
      const isChanged =
        (perSecond !== undefined && perSecond !== known.perSecond) || (burst !== undefined && burst !== known.burst);
      const isScarce = remaining !== undefined && remaining < SCARCE_SHARE * (burst ?? known.burst);
      const isOtherCost = cost !== undefined && cost >= 0 && cost !== spend.cost;
      if (!isChanged && !isScarce && !isOtherCost && blockedSeconds <= 0) return [];
      if (isChanged) told.set(spend.bucket, { ...known, ...defined({ perSecond, burst }) });
      return [
        {
          ...{ bucket: spend.bucket, ...defined({ perSecond, burst, remaining }) },
          ...(isOtherCost ? { cost } : {}),
          ...(blockedSeconds > 0 ? { blockedSeconds } : {}),
        },
      ];
    });
}

function positive(number: number | undefined, least = 0): number | undefined {
  return number !== undefined && Number.isFinite(number) && number > 0 ? Math.max(number, least) : undefined;
}

function defined(numbers: Record<string, number | undefined>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(numbers).filter((entry): entry is [string, number] => entry[1] !== undefined),
  );
}
