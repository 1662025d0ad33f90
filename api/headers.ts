import { cors } from "hono/cors";
import { createMiddleware } from "hono/factory";
import { secureHeaders } from "hono/secure-headers";
import type { AppEnv } from "./deps.ts";

/** Of every answer. Pages bring a content policy of their own. */
export const commonHeaders = secureHeaders({ strictTransportSecurity: false, xFrameOptions: "DENY" });

/** A browser that has come over TLS shall not come otherwise. We are told by the proxy that ends TLS. */
export const strictTransport = createMiddleware<AppEnv>(async (c, next) => {
  await next();
  if (c.req.header("x-forwarded-proto") === "https") c.header("strict-transport-security", "max-age=15552000");
});

/** Of what is no page: never kept by a cache, and nothing to a browser that is made to show it. */
export const dataHeaders = createMiddleware<AppEnv>(async (c, next) => {
  await next();
  c.header("cache-control", "no-store");
  c.header("content-security-policy", "default-src 'none'; frame-ancestors 'none'");
});

/** Lets pages of these origins call with a cookie and read the answers. */
export function shareWith(allowedOrigins: readonly string[]) {
  return cors({
    origin: [...allowedOrigins],
    credentials: true,
    allowMethods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    allowHeaders: [
      ...["authorization", "content-type", "idempotency-key", "last-event-id"],
      ...["sluice-confirm-plan", "x-api-key", "x-request-id"],
    ],
    exposeHeaders: ["location", "retry-after", "idempotency-replayed", "x-request-id"],
    maxAge: 600,
  });
}
