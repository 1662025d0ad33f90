import { STATUS_CODES } from "node:http";
import { type ProviderError, TerminalError, TransientError } from "../../../core/errors.ts";
import type { Redactor } from "../../../core/redact.ts";
import { type ReasonCode, reasonOf } from "../../../core/result-reasons.ts";
import type { ProviderKey } from "../../../core/vocabulary.ts";
import { WRITERS_FIXES } from "../writers-fixes.ts";

/** Why a request failed, before it is an error. */
export interface Failure {
  reasonCode: ReasonCode;
  /** What happened, in our words: `GET https://api.example.com/orders answered 404 Not Found`. */
  said: string;
  /** The source's words; cut and blacked out before anybody sees them. */
  quoted?: string | undefined;
  /** What to do about it, where that is not what is usual for the reason; whole sentences. */
  fix?: string | undefined;
  retryAfterSeconds?: number | null;
  /** Trying again gives the same, whatever is usual for the reason. */
  permanent?: boolean;
  /** The source was reached and failed at what it was asked for: another request may do well. As in `TransientError`. */
  ofEntity?: boolean;
  cause?: unknown;
}

const MAX_QUOTED = 256;

/** What a person does about it, in a run as well as in a check. */
const FIXES: Partial<Record<ReasonCode, string>> = {
  source_unavailable: "Check the address of the connection and the source's status page.",
  source_timeout:
    "Ask for smaller pages or smaller windows (executionConfig.windowSize), and check whether the source is slow.",
  source_rate_limited: "Lower executionConfig.maxConcurrency, or ask the source for a higher limit.",
  source_quota_exhausted: "Ask the source for a larger quota, or wait until it renews.",
  source_response_invalid: WRITERS_FIXES.answer.written,
  source_rejected_request: WRITERS_FIXES.request.written,
  source_resource_not_found: WRITERS_FIXES.path.written,
  config_invalid: "Correct the field of the connection's config that the error names.",
};

/** @returns makes the error of a failed request; `doing` is what was asked for: `page 3 of orders` */
export function createFailures(
  provider: ProviderKey,
  { redact }: Redactor,
): (doing: string, failure: Failure) => ProviderError {
  return (doing, failure) => {
    const { reasonCode, said: happened, quoted, fix, retryAfterSeconds = null, permanent = false, cause } = failure;
    const quote =
      quoted === undefined
        ? ""
        : withoutCutEnd(quoted, redact(quoted))
            .replaceAll(/[\s\p{Cc}]+/gu, " ")
            .trim()
            .slice(0, MAX_QUOTED);
    const what = redact(`${provider}: ${doing} failed: ${happened}`);
    const message = `${what}${quote === "" ? "" : `: ${quote.toWellFormed()}`}.`;
    const said = { fix: fix ?? FIXES[reasonCode] ?? reasonOf(reasonCode).fix, cause };
    if (permanent || !mayPass(reasonCode)) return new TerminalError(reasonCode, message, said);
    return new TransientError(reasonCode, message, {
      ...said,
      // A wait that the source asks for is everybody's.
      ...(retryAfterSeconds === null
        ? { ofEntity: failure.ofEntity ?? false }
        : { retryAfterSeconds: Math.ceil(retryAfterSeconds) }),
    });
  };
}

/** Fewer than any body that `quoteBody` has cut. */
const MAX_WHOLE = 5000;
const CUT_END = 4000;

/** A secret that the cut has left in part is not known again, and whitespace that goes may let it show. */
function withoutCutEnd(quoted: string, redacted: string): string {
  return quoted.length <= MAX_WHOLE ? redacted : redacted.slice(0, -CUT_END);
}

/** A cut or garbled answer is often whole the next time. */
function mayPass(reasonCode: ReasonCode): boolean {
  return reasonOf(reasonCode).resultClass === "transient_failure" || reasonCode === "source_response_invalid";
}

/** Without the query, where keys and cursors stand. */
export function describeUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** Of a presigned address its host alone: the path may be a part of the permission. */
export function describeRequest(
  { method, presigned = false }: { method: string; presigned?: boolean },
  url: URL,
): string {
  return `${method} ${presigned ? `${url.origin}/...` : describeUrl(url)}`;
}

export function describeStatus(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? ""}`.trim();
}
