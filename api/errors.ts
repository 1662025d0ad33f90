import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { AppError, type AppErrorCode, type ValidationIssue } from "../core/errors.ts";
import { isDatabaseUnavailable } from "../db/pg-errors.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";

/** The only place that knows HTTP statuses and builds error bodies. */

const STATUS_OF = {
  unauthenticated: 401,
  insufficient_scope: 403,
  origin_refused: 403,
  host_refused: 403,
  rate_limited: 429,
  not_found: 404,
  provider_not_available: 404,
  not_available_yet: 422,
  validation_failed: 422,
  slug_taken: 409,
  sync_archived: 409,
  sync_without_entities: 409,
  run_active: 409,
  run_not_terminal: 409,
  run_terminal: 409,
  run_not_retryable: 409,
  run_already_followed: 409,
  binding_frozen: 409,
  connection_in_use: 409,
  connection_failed: 409,
  connection_changed: 409,
  rotation_active: 409,
  invalid_status_change: 409,
  request_in_flight: 409,
  state_version_conflict: 409,
  too_many_lists: 503,
  too_many_streams: 503,
  no_worker: 503,
  check_failed: 503,
  check_timeout: 504,
  internal_error: 500,
  temporal_unavailable: 503,
  identity_provider_unavailable: 503,
  database_unavailable: 503,
} as const satisfies Record<AppErrorCode, ContentfulStatusCode>;

/** Items of a 422. Whoever gets more wrong is not helped by more, and one body could ask for megabytes of them. */
export const MAX_ISSUES = 1000;

/** A 422 with one or more items. */
export function invalid(...issues: ValidationIssue[]): AppError {
  return refused(issues);
}

/** Likewise, for more of them than a call takes arguments. */
export function refused(issues: readonly ValidationIssue[]): AppError {
  const said = issues.slice(0, MAX_ISSUES);
  return new AppError("validation_failed", said.map((issue) => issue.msg).join(" "), { issues: said });
}

/** A 422 for a value of the right shape that cannot be. `loc` starts with `body`, `query` or `path`. */
export function invalidValue(loc: ValidationIssue["loc"], msg: string): AppError {
  return invalid({ loc, msg, type: "value_error" });
}

export function notFound(what: "Sync" | "Run" | "Connection" | "Plan", id: string): AppError {
  return new AppError("not_found", `${what} ${id} does not exist.`);
}

/** Hono's `onError`. A defect is logged whole and answered with nothing but the request's id. */
export function answerError(log: ApiDeps["log"]) {
  return (error: Error, c: Context<AppEnv>): Response => {
    const requestId = c.get("requestId");
    if (error instanceof AppError) {
      if (STATUS_OF[error.code] >= 500)
        log.warn({ requestId, err: error }, "something that a request needs is not there");
      return answerAppError(error, c);
    }
    if (error instanceof HTTPException) return c.json({ detail: error.message, code: "http_error" }, error.status);
    if (isDatabaseUnavailable(error)) {
      log.warn({ requestId, err: error }, "the database is unavailable");
      return c.json({ detail: "The control database is unavailable. Try again.", code: "database_unavailable" }, 503, {
        "retry-after": "1",
      });
    }
    log.error({ requestId, err: error }, "a request failed unexpectedly");
    return c.json({ detail: `Internal error. Report it with request id ${requestId}.`, code: "internal_error" }, 500);
  };
}

function answerAppError(error: AppError, c: Context<AppEnv>): Response {
  const status = STATUS_OF[error.code];
  if (status === 422) return c.json({ detail: error.issues }, status);
  const headers = status === 503 || error.code === "request_in_flight" ? { "retry-after": "1" } : undefined;
  return c.json({ detail: error.message, code: error.code, ...error.extra }, status, headers);
}
