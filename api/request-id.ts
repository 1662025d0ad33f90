import { randomUUID } from "node:crypto";
import { createMiddleware } from "hono/factory";
import type { AppEnv } from "./deps.ts";

/** The caller's own, where it is one that can stand in a log line; else a new one. */
export const identifyRequest = createMiddleware<AppEnv>(async (c, next) => {
  const given = c.req.header("x-request-id") ?? "";
  const requestId = /^[\w-]{1,64}$/.test(given) ? given : randomUUID();
  c.set("requestId", requestId);
  c.header("x-request-id", requestId);
  await next();
});
