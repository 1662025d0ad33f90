import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { AppError } from "../core/errors.ts";
import type { Access } from "./access.ts";
import type { AppEnv } from "./deps.ts";

/** Rates are those of one API process, counted in windows of a minute that begin with a caller's first request. */
const WINDOW_SECONDS = 60;

/** @throws AppError rate_limited; either way the answer says what is left */
export type Spend = (c: Context<AppEnv>, who: string) => Promise<void>;

/** @param perMinute 0: no limit */
export function createLimiter(perMinute: number): Spend {
  if (perMinute === 0) return async () => undefined;
  const limiter = new RateLimiterMemory({ points: perMinute, duration: WINDOW_SECONDS });
  return async (c, who) => {
    const result = await limiter.consume(who).catch((refusal: unknown) => {
      if (refusal instanceof RateLimiterRes) return refusal;
      throw refusal;
    });
    const seconds = Math.max(1, Math.ceil(result.msBeforeNext / 1000));
    c.header("ratelimit-limit", String(perMinute));
    c.header("ratelimit-remaining", String(result.remainingPoints));
    c.header("ratelimit-reset", String(seconds));
    if (result.consumedPoints <= perMinute) return;
    c.header("retry-after", String(seconds));
    throw new AppError("rate_limited", `More than ${perMinute} requests in a minute. Try again in ${seconds} s.`);
  };
}

/** After authentication: everybody has a budget of their own. */
export function limitRate(access: Access) {
  const spend = createLimiter(access.requestsPerMinute);
  return createMiddleware<AppEnv>(async (c, next) => {
    await spend(c, c.get("actor"));
    await next();
  });
}
