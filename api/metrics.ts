import type { OpenAPIHono } from "@hono/zod-openapi";
import { METRICS_CONTENT_TYPE } from "../control/metrics.ts";
import { authenticate, requireScope } from "./auth.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";
import { limitRate } from "./rate-limit.ts";

/**
 * `GET /metrics`, for Prometheus. It takes scope `observe`, as runs do: how many there are and why they fail is nobody else's business. It is
 * no operation of the API, so the document does not have it.
 */
export function serveMetrics(app: OpenAPIHono<AppEnv>, { access, metrics }: ApiDeps): void {
  if (metrics === undefined) return;
  app.get("/metrics", authenticate(access), limitRate(access), requireScope, async (c) =>
    c.body(await metrics(), 200, { "content-type": METRICS_CONTENT_TYPE, "cache-control": "no-store" }),
  );
}
