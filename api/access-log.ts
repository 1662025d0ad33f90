import { createMiddleware } from "hono/factory";
import { AppError } from "../core/errors.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";

/** One line a request: who, what, how it ended, how long it took. Never a body, a query, a header or a credential. */
export function logRequests(log: ApiDeps["log"]) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const began = performance.now();
    await next();
    const ms = Math.round(performance.now() - began);
    const { requestId, actor } = c.var;
    const code = c.error instanceof AppError ? c.error.code : undefined;
    log.info({ requestId, actor, method: c.req.method, path: c.req.path, status: c.res.status, code, ms }, "request");
  });
}
