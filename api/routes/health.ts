import { createRoute, z } from "@hono/zod-openapi";
import { pingDatabase } from "../../db/ping.ts";
import { atMost } from "../at-most.ts";
import type { ApiDeps } from "../deps.ts";
import { createRouter } from "../router.ts";
import { ok } from "../schemas/responses.ts";

const PATIENCE_MS = 1_000;

const readiness = z
  .strictObject({
    status: z.enum(["ready", "unavailable"]),
    database: z.enum(["reachable", "unreachable"]),
    temporal: z.enum(["reachable", "unreachable"]).openapi({
      description: "Not needed for being ready: runs are admitted without it and dispatched when it is back.",
    }),
  })
  .openapi("Readiness");

const live = createRoute({
  method: "get",
  path: "/healthz",
  operationId: "getHealth",
  summary: "Is the process alive?",
  tags: ["Health"],
  security: [],
  responses: { 200: ok(z.strictObject({ status: z.enum(["ok"]) }), "It is") },
});

const ready = createRoute({
  method: "get",
  path: "/readyz",
  operationId: "getReadiness",
  summary: "Can it serve requests?",
  tags: ["Health"],
  security: [],
  responses: { 200: ok(readiness, "It can"), 503: ok(readiness, "The database is unreachable") },
});

export function healthRoutes(deps: ApiDeps) {
  return createRouter()
    .openapi(live, (c) => c.json({ status: "ok" as const }, 200))
    .openapi(ready, async (c) => {
      const [database, temporal] = await Promise.all([
        databaseReachable(deps),
        atMost(PATIENCE_MS, deps.control.temporalReachable(), false),
      ]);
      const body = { database: named(database), temporal: named(temporal) };
      return database
        ? c.json({ status: "ready" as const, ...body }, 200)
        : c.json({ status: "unavailable" as const, ...body }, 503);
    });
}

async function databaseReachable({ db, log }: ApiDeps): Promise<boolean> {
  try {
    await pingDatabase(db);
    return true;
  } catch (error) {
    log.warn({ err: error }, "the database is unreachable");
    return false;
  }
}

function named(reachable: boolean) {
  return reachable ? ("reachable" as const) : ("unreachable" as const);
}
