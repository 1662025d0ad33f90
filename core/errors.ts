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
  "too_many_lists",
  "too_many_streams",
  "no_worker",
  "check_failed",
  "check_timeout",
  "internal_error",
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

interface IntegrationErrorOptions {
  /** The one thing to do about it, as whole sentences. Absent only where Sluice itself tries again. */
  fix?: string | undefined;
  cause?: unknown;
}

/**
 * What to do about a failure of a source or destination. Thrown by providers and destinations, translated once in activities.
 * The message is `what` and `fix`, joined here and nowhere else: whoever shows it adds no advice.
 */
abstract class IntegrationError extends Error {
  readonly reasonCode: ReasonCode;
  /** What failed. */
  readonly what: string;
  /** What to do about it; empty where Sluice itself tries again. */
  readonly fix: string;
  /** `what` names provider, resource and request; never a secret, at most 256 characters of a body. */
  constructor(reasonCode: ReasonCode, what: string, { fix = "", cause }: IntegrationErrorOptions = {}) {
    super(fix === "" ? what : `${what} ${fix}`, { cause });
    this.reasonCode = reasonCode;
    this.what = what;
    this.fix = fix;
  }
}

/**
 * Trying again may help. `retryAfterSeconds` is the source's own word, when it gave one. `ofEntity`: it concerns only the entity
 * that was asked for, such as a table that somebody has locked; the others can be loaded meanwhile.
 */
export class TransientError extends IntegrationError {
  override readonly name = "TransientError";
  readonly retryAfterSeconds: number | null;
  readonly ofEntity: boolean;

  constructor(
    reasonCode: ReasonCode,
    what: string,
    options: IntegrationErrorOptions & { retryAfterSeconds?: number; ofEntity?: boolean } = {},
  ) {
    super(reasonCode, what, options);
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
    this.ofEntity = options.ofEntity ?? false;
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

/** It stands in the way of the entity that was asked for, and says nothing of the others. */
export function isOfEntity(error: unknown): error is ProviderError {
  if (error instanceof TransientError) return error.ofEntity || error.reasonCode === "source_cursor_expired";
  return error instanceof TerminalError;
}
