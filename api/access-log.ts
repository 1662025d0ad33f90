import { createMiddleware } from "hono/factory";
import type { ApiDeps, AppEnv } from "./deps.ts";

/** One line a request: what, how it ended, how long it took. Never a body, a query or a header. */
export function logRequests(log: ApiDeps["log"]) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const began = performance.now();
    await next();
    const ms = Math.round(performance.now() - began);
    log.info(
      { requestId: c.get("requestId"), method: c.req.method, path: c.req.path, status: c.res.status, ms },
      "request",
    );
  });
}
