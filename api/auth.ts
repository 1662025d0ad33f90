import type { Context } from "hono";
import { getCookie } from "hono/cookie";
import { createMiddleware } from "hono/factory";
import { matchedRoutes } from "hono/route";
import { AppError } from "../core/errors.ts";
import { type Access, type Identity, isOpen } from "./access.ts";
import { findByKey } from "./api-keys.ts";
import type { AppEnv } from "./deps.ts";
import { createLimiter } from "./rate-limit.ts";
import { isLoopback, refuseForeignHost, refuseForeignOrigin } from "./same-origin.ts";
import { covers, type Scope, scopeOf } from "./scopes.ts";

/** How a caller may say who it is; the first one present decides. */
export const SECURITY_SCHEMES = {
  apiKey: { type: "apiKey", in: "header", name: "X-API-Key" },
  bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
  cookie: { type: "apiKey", in: "cookie", name: "vai_token" },
} as const;

const MAX_CREDENTIAL_LENGTH = 8 * 1024;
/**
 * Of one address. Only failures are refused beyond it: keys are too long to be guessed at any rate, and one broken client
 * must not lock out all who share its proxy.
 */
const FAILURES_PER_MINUTE = 60;

/** Who asks. In front of every route under /api, whether it exists or not. */
export function authenticate(access: Access) {
  if (isOpen(access)) return letLocalIn(access);
  const countFailure = createLimiter(Math.min(FAILURES_PER_MINUTE, access.requestsPerMinute));
  return createMiddleware<AppEnv>(async (c, next) => {
    try {
      const { actor, scopes, expiresAt } = await identify(c, access);
      c.set("actor", actor);
      c.set("scopes", scopes);
      c.set("expiresAt", expiresAt);
    } catch (error) {
      if (error instanceof AppError && error.code === "unauthenticated") {
        c.header("www-authenticate", 'Bearer realm="sluice"');
        await countFailure(c, addressOf(c));
      }
      throw error;
    }
    await next();
  });
}

/** After authentication, before the body is read. A path that leads to no route needs nothing: it is a 404. */
export const requireScope = createMiddleware<AppEnv>(async (c, next) => {
  // What the router has matched, so that what is judged is what will run.
  const route = matchedRoutes(c).find(({ method }) => method !== "ALL");
  if (route) {
    const needed = scopeOf(route.method, route.path.replaceAll(/:(\w+)/g, "{$1}"));
    requireScopeFor(c, needed, "This");
  }
  await next();
});

/**
 * For what a request asks beyond its route.
 * @param what the beginning of a sentence, such as `Lifting guards`
 * @throws AppError insufficient_scope
 */
export function requireScopeFor(c: Context<AppEnv>, needed: Scope, what: string): void {
  if (covers(c.get("scopes"), needed)) return;
  throw new AppError("insufficient_scope", `${what} takes scope ${needed}.`, { extra: { requiredScope: needed } });
}

/** @throws Error when anybody on the network could use an API that asks nobody who they are */
export function refuseOpenNetwork(host: string): void {
  if (isLoopback(host)) return;
  throw new Error(
    `HOST is ${host}, but no authentication is configured: anybody who reaches this address could read and run every sync. Set SLUICE_API_KEYS (npm run keys:new) or SLUICE_JWT_*, or HOST=127.0.0.1.`,
  );
}

function letLocalIn({ allowedOrigins }: Access) {
  return createMiddleware<AppEnv>(async (c, next) => {
    refuseForeignHost(c);
    refuseForeignOrigin(c, allowedOrigins, { unsaid: true });
    c.set("actor", "user:local");
    c.set("scopes", ["admin"]);
    c.set("expiresAt", null);
    c.set("isAmbient", true);
    await next();
  });
}

async function identify(c: Context<AppEnv>, access: Access): Promise<Identity> {
  c.set("isAmbient", false);
  const key = c.req.header("x-api-key");
  if (key !== undefined) {
    const found = findByKey(access.keys, key);
    if (found) return found;
    throw new AppError("unauthenticated", "The API key is not known.");
  }
  const authorization = c.req.header("authorization");
  if (authorization !== undefined) {
    const [, token] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
    if (token === undefined)
      throw new AppError("unauthenticated", "Authorization is not of the form `Bearer <token>`.");
    return verify(access, token);
  }
  const cookie = getCookie(c, SECURITY_SCHEMES.cookie.name);
  if (cookie === undefined) {
    throw new AppError("unauthenticated", "Say who you are: X-API-Key, Authorization: Bearer, or cookie vai_token.");
  }
  const identity = await verify(access, cookie);
  c.set("isAmbient", true);
  refuseForeignOrigin(c, access.allowedOrigins, { unsaid: false });
  return identity;
}

function verify({ verifyToken }: Access, token: string): Promise<Identity> {
  if (!verifyToken) throw new AppError("unauthenticated", "Tokens are not accepted here; use an API key.");
  if (token.length > MAX_CREDENTIAL_LENGTH) throw new AppError("unauthenticated", "The token is too long.");
  return verifyToken(token);
}

/** In-process calls have no socket. */
function addressOf(c: Context<AppEnv>): string {
  return c.env?.incoming?.socket.remoteAddress ?? "unknown";
}
