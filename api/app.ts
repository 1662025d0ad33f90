import type { OpenAPIHono } from "@hono/zod-openapi";
import { methodNotAllowed } from "hono/method-not-allowed";
import { logRequests } from "./access-log.ts";
import { authenticate, requireScope } from "./auth.ts";
import { readJsonBody } from "./body.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";
import { answerError } from "./errors.ts";
import { commonHeaders, dataHeaders, shareWith, strictTransport } from "./headers.ts";
import { answerOnce } from "./idempotency.ts";
import { createLargeAnswers } from "./large-answers.ts";
import { serveMetrics } from "./metrics.ts";
import { describeApi } from "./openapi-document.ts";
import { limitRate } from "./rate-limit.ts";
import { identifyRequest } from "./request-id.ts";
import { createRouter } from "./router.ts";
import { auditEventRoutes } from "./routes/audit-events.ts";
import { catalogRoutes } from "./routes/catalog.ts";
import { connectionTaskRoutes } from "./routes/connection-tasks.ts";
import { connectionRoutes } from "./routes/connections.ts";
import { docsRoutes } from "./routes/docs.ts";
import { healthRoutes } from "./routes/health.ts";
import { planRoutes } from "./routes/plans.ts";
import { resultReasonRoutes } from "./routes/result-reasons.ts";
import { runEventRoutes } from "./routes/run-events.ts";
import { runRoutes } from "./routes/runs.ts";
import { scheduleRoutes } from "./routes/schedules.ts";
import { stateRoutes } from "./routes/state.ts";
import { syncRoutes } from "./routes/syncs.ts";
import { workerRoutes } from "./routes/workers.ts";

/** The whole HTTP surface, ready for `fetch`; nothing listens yet. */
export function createApp(deps: ApiDeps): OpenAPIHono<AppEnv> {
  const app = createRouter();
  app.onError(answerError(deps.log));
  app.notFound((c) => c.json({ detail: `There is nothing at ${c.req.path}.`, code: "not_found" }, 404));

  const { access } = deps;
  const answers = createLargeAnswers(deps);
  app.use(identifyRequest, logRequests(deps.log), commonHeaders, strictTransport);
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) =>
        c.json({ detail: `${c.req.method} is not possible here.`, code: "method_not_allowed" }, 405, {
          allow: methods.join(", "),
        }),
    }),
  );
  app.use("/api/*", dataHeaders);
  if (access.allowedOrigins.length > 0) app.use("/api/*", shareWith(access.allowedOrigins));
  app.use("/api/*", authenticate(access), limitRate(access), requireScope, readJsonBody, answerOnce(deps));
  serveMetrics(app, deps);

  // Runs and catalogs first: their paths lie under that of a sync.
  app.route("/", runRoutes(deps, answers));
  app.route("/", runEventRoutes(deps));
  app.route("/", catalogRoutes(deps));
  app.route("/", stateRoutes(deps));
  app.route("/", planRoutes(deps));
  app.route("/", scheduleRoutes(deps));
  app.route("/", syncRoutes(deps, answers));
  app.route("/", connectionRoutes(deps, answers));
  app.route("/", connectionTaskRoutes(deps, answers));
  app.route("/", resultReasonRoutes());
  app.route("/", auditEventRoutes(deps, answers));
  app.route("/", workerRoutes(deps));
  app.route("/", healthRoutes(deps));
  app.route("/", docsRoutes());

  const document = describeApi(app);
  app.get("/openapi.json", (c) => c.json(document));
  return app;
}
