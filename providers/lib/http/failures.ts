import { STATUS_CODES } from "node:http";
import { type ProviderError, TerminalError, TransientError } from "../../../core/errors.ts";
import type { Redactor } from "../../../core/redact.ts";
import { type ReasonCode, reasonOf } from "../../../core/result-reasons.ts";
import type { ProviderKey } from "../../../core/vocabulary.ts";

/** Why a request failed, before it is an error. */
export interface Failure {
  reasonCode: ReasonCode;
  /** What happened, in our words: `GET https://api.example.com/orders answered 404 Not Found`. */
  said: string;
  /** The source's words; cut and blacked out before anybody sees them. */
  quoted?: string | undefined;
  retryAfterSeconds?: number | null;
  /** Trying again gives the same, whatever is usual for the reason. */
  permanent?: boolean;
  cause?: unknown;
}

const MAX_QUOTED = 256;

/** @returns makes the error of a failed request; `doing` is what was asked for: `page 3 of orders` */
export function createFailures(
  provider: ProviderKey,
  { redact }: Redactor,
): (doing: string, failure: Failure) => ProviderError {
  return (doing, { reasonCode, said, quoted, retryAfterSeconds = null, permanent = false, cause }) => {
    const quote =
      quoted === undefined
        ? ""
        : redact(quoted)
            .replaceAll(/[\s\p{Cc}]+/gu, " ")
            .trim()
            .slice(0, MAX_QUOTED);
    const what = redact(`${provider}: ${doing} failed: ${said}`);
    const message = `${what}${quote === "" ? "" : `: ${quote.toWellFormed()}`}. ${reasonOf(reasonCode).fix}`;
    if (permanent || !mayPass(reasonCode)) return new TerminalError(reasonCode, message, { cause });
    return new TransientError(reasonCode, message, {
      cause,
      ...(retryAfterSeconds === null ? {} : { retryAfterSeconds: Math.ceil(retryAfterSeconds) }),
    });
  };
}

/** A cut or garbled answer is often whole the next time. */
function mayPass(reasonCode: ReasonCode): boolean {
  return reasonOf(reasonCode).resultClass === "transient_failure" || reasonCode === "source_response_invalid";
}

/** Without the query, where keys and cursors stand. */
export function describeUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

export function describeStatus(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? ""}`.trim();
}
