import type { ReasonCode } from "../../../core/result-reasons.ts";
import { WRITERS_FIXES } from "../writers-fixes.ts";
import type { HttpResponse } from "./response.ts";
import { isUsedUp } from "./retry-after.ts";

/**
 * What an answer means. `afterSeconds` is the source's own word on when to come back; its headers are asked without it.
 * `unauthorized`: the credentials are refused, as 401 says it. They are renewed, and the request is sent again.
 */
export type Verdict =
  | { kind: "ok" }
  | { kind: "retry"; afterSeconds?: number; fix?: string }
  | { kind: "unauthorized" }
  | { kind: "fail"; reasonCode: ReasonCode; message?: string; fix?: string }
  | { kind: "throttled"; afterSeconds?: number };

const RETRIED = new Set([408, 425]);

const REFUSALS: Record<number, ReasonCode> = {
  401: "source_auth_failed",
  403: "source_permission_denied",
  404: "source_resource_not_found",
  407: "source_unavailable",
  410: "source_resource_not_found",
};

/** @param retriedStatuses besides 408, 425, 429 and 5xx */
export function judge(response: Pick<HttpResponse, "status" | "headers">, retriedStatuses: readonly number[]): Verdict {
  const { status, headers } = response;
  if (isPart(response)) return { kind: "fail", reasonCode: "source_response_invalid" };
  if (status >= 200 && status < 300) return { kind: "ok" };
  // Some sources say 403 where others say 429.
  if (status === 429 || (status === 403 && (headers.has("retry-after") || isUsedUp(response)))) {
    return { kind: "throttled" };
  }
  if (status >= 500 || RETRIED.has(status) || retriedStatuses.includes(status)) return { kind: "retry" };
  // Redirects that say where to go are followed.
  if (status >= 300 && status < 400)
    return { kind: "fail", reasonCode: "source_response_invalid", fix: WRITERS_FIXES.moved.written };
  return { kind: "fail", reasonCode: REFUSALS[status] ?? "source_rejected_request" };
}

/** Some of a body's bytes, which nobody asked for. Other units than bytes are those of pages. */
function isPart({ status, headers }: Pick<HttpResponse, "status" | "headers">): boolean {
  if (status !== 206) return false;
  const [whole, from, to, size] =
    /^bytes (\d+)-(\d+)\/(\d+|\*)$/i.exec(headers.get("content-range")?.trim() ?? "") ?? [];
  return whole !== undefined && (from !== "0" || Number(to) + 1 !== Number(size));
}
