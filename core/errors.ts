import type { ReasonCode } from "./result-reasons.ts";

/**
 * Who is wrong. `code` is machine-readable and goes into the body next to `detail`; `api/errors.ts` alone knows the
 * HTTP status of each.
 */
export const APP_ERROR_CODES = [
  "unauthenticated",
  "insufficient_scope",
  "origin_refused",
  "host_refused",
  "rate_limited",
  "not_found",
  "provider_not_available",
  "not_available_yet",
  "validation_failed",
  "slug_taken",
  "sync_archived",
  "sync_without_entities",
  "run_active",
  "run_not_terminal",
  "run_terminal",
  "run_not_retryable",
  "run_already_followed",
  "binding_frozen",
  "connection_in_use",
  "connection_failed",
  "connection_changed",
  "rotation_active",
  "invalid_status_change",
  "request_in_flight",
  "state_version_conflict",
  "too_many_streams",
  "no_worker",
  "check_timeout",
  "temporal_unavailable",
  "identity_provider_unavailable",
  "database_unavailable",
] as const;
export type AppErrorCode = (typeof APP_ERROR_CODES)[number];

/** One entry of a 422 `detail`. `loc` starts with body, query, path, header or cookie; `type` is named as pydantic does. */
export interface ValidationIssue {
  loc: (string | number)[];
  msg: string;
  type: string;
}

export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: AppErrorCode;
  /** Further top-level keys of the response body, such as `activeRunId`. */
  readonly extra: Readonly<Record<string, unknown>>;
  /** For `validation_failed` and `not_available_yet`. */
  readonly issues: readonly ValidationIssue[];

  constructor(
    code: AppErrorCode,
    message: string,
    options: { extra?: Record<string, unknown>; issues?: ValidationIssue[]; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.extra = options.extra ?? {};
    this.issues = options.issues ?? [];
  }
}

/** What to do about a failure of a source or destination. Thrown by providers and destinations, translated once in activities. */
abstract class IntegrationError extends Error {
  readonly reasonCode: ReasonCode;
  /** Messages name provider, resource, request and the next step; never a secret, at most 256 characters of a body. */
  constructor(reasonCode: ReasonCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.reasonCode = reasonCode;
  }
}

/** Trying again may help. `retryAfterSeconds` is the source's own word, when it gave one. */
export class TransientError extends IntegrationError {
  override readonly name = "TransientError";
  readonly retryAfterSeconds: number | null;

  constructor(reasonCode: ReasonCode, message: string, options: { retryAfterSeconds?: number; cause?: unknown } = {}) {
    super(reasonCode, message, options);
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
  }
}

/** Somebody has to change something first. */
export class TerminalError extends IntegrationError {
  override readonly name = "TerminalError";
}

export type ProviderError = TransientError | TerminalError;

export function isProviderError(error: unknown): error is ProviderError {
  return error instanceof TransientError || error instanceof TerminalError;
}
