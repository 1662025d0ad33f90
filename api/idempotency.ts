import { createHash, createHmac, randomUUID } from "node:crypto";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { StatusCode } from "hono/utils/http-status";
import { stringify } from "safe-stable-stringify";
import { AppError } from "../core/errors.ts";
import { claimRequest, extendClaim, releaseRequest, type StoredAnswer, storeAnswer } from "../db/idempotency.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";
import { invalidValue } from "./errors.ts";

/**
 * Whoever answers a request says that it is alive, three times a lease. So a process that was killed is taken for dead soon, and one that is
 * slow is not. One that is taken for dead wrongly does no harm: both make the same thing, by its `newId`.
 */
const LEASE_SECONDS = 6;
/** Longer than that of any operation. */
const MAX_ROUTE = 256;
const KEY = /^[\x20-\x7e]{1,255}$/;
/** What says nothing of the request itself: asked again, it may go another way. */
const PASSING_STATUSES: readonly number[] = [401, 403, 429];

/**
 * Lets a POST with an `Idempotency-Key` happen once: who repeats it gets the first answer. Behind `readJsonBody`, since
 * bodies are compared by what they say.
 */
export function answerOnce({ db, log }: Pick<ApiDeps, "db" | "log">) {
  return createMiddleware<AppEnv>(async (c, next) => {
    c.set("newId", randomUUID());
    const key = c.req.header("idempotency-key");
    if (c.req.method !== "POST" || key === undefined) return next();
    if (!KEY.test(key))
      throw invalidValue(["header", "idempotency-key"], "Key should be 1 to 255 printable characters");
    // As it was sent: decoded, a path may hold what Postgres cannot keep, and any length is more than an index takes.
    const route = `POST ${new URL(c.req.url).pathname}`;
    const request = {
      actor: c.get("actor"),
      route: route.slice(0, MAX_ROUTE),
      key: createHash("sha256").update(`${route}\n${key}`).digest("hex"),
    };
    const requestHash = await hashOf(c, key);
    const claim = await claimRequest(db, { ...request, requestHash, leaseSeconds: LEASE_SECONDS });
    switch (claim.kind) {
      case "other_request":
        throw invalidValue(["header", "idempotency-key"], "This key was used for another request");
      case "in_flight":
        throw new AppError("request_in_flight", "This request is being answered right now. Ask again for its answer.");
      case "answered":
        return replay(c, claim.answer);
    }
    c.set("newId", claim.newId);
    const mine = { ...request, claimId: claim.claimId };
    const alive = setInterval(
      () => {
        extendClaim(db, { ...mine, leaseSeconds: LEASE_SECONDS }).catch((err: unknown) => {
          log.warn({ requestId: c.get("requestId"), err }, "a claim on an Idempotency-Key could not be renewed");
        });
      },
      (LEASE_SECONDS * 1000) / 3,
    );
    try {
      await next();
    } finally {
      clearInterval(alive);
    }
    try {
      if (c.res.status >= 500 || PASSING_STATUSES.includes(c.res.status)) await releaseRequest(db, mine);
      else await storeAnswer(db, mine, await answerOf(c.res));
    } catch (err) {
      // The answer stands all the same. Who asks again once the lease is over finds what this one made.
      log.warn({ requestId: c.get("requestId"), err }, "an answer could not be kept for its Idempotency-Key");
    }
  });
}

/** HMAC under the key: a body may hold passwords, which a bare hash would let somebody guess. */
async function hashOf(c: Context<AppEnv>, key: string): Promise<string> {
  const body: unknown = await c.req.json();
  const confirmed = c.req.header("sluice-confirm-plan");
  const said = stringify([new URL(c.req.url).search, body, ...(confirmed === undefined ? [] : [confirmed])]);
  return createHmac("sha256", key).update(said).digest("hex");
}

async function answerOf(response: Response): Promise<StoredAnswer> {
  const kept = ["content-type", "location"].flatMap((name) => {
    const value = response.headers.get(name);
    return value === null ? [] : [[name, value]];
  });
  return { status: response.status, headers: Object.fromEntries(kept), body: await response.clone().text() };
}

function replay(c: Context<AppEnv>, { status, headers, body }: StoredAnswer): Response {
  return c.newResponse(body === "" ? null : body, status as StatusCode, { ...headers, "idempotency-replayed": "true" });
}
