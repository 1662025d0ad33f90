import type { ReasonCode } from "../../../core/result-reasons.ts";
import type { HttpResponse, Verdict } from "../http/client.ts";
import { plainOf } from "../http/json.ts";
import { isNotReady, reportsError } from "./answer-errors.ts";
import type { ErrorRule } from "./resource.ts";
import type { Resource } from "./resources.ts";
import { selectAll } from "./selector.ts";

/** What an answer means apart from its records. */
export type Outcome = "page" | "ignore" | "stop_resource";

/** The rules of a resource, ready for one request: `outcome` is about the answer that was classified last. */
export function createClassifier(resource: Resource, { isFirst }: { isFirst: boolean }) {
  const rules = [...resource.errorRules, ...usualRules(resource, isFirst)];
  let outcome: Outcome = "page";
  return {
    get outcome() {
      return outcome;
    },
    classify(response: HttpResponse): Verdict | null {
      const rule = rules.find((each) => matches(each, response));
      outcome = rule?.action === "ignore" || rule?.action === "stop_resource" ? rule.action : "page";
      if (rule !== undefined) return verdictOf(rule, response);
      if (response.status < 200 || response.status > 299) return null;
      const body = isJson(response) ? response.json() : undefined;
      if (response.status === 202 && (body !== undefined || isBlank(response)) && isNotReady(body, resource))
        return { kind: "retry" };
      const isFailure = body !== undefined && reportsError(body, resource);
      return isFailure ? { kind: "fail", reasonCode: "source_response_invalid" } : null;
    },
  };
}

/** A parent may be gone. Behind the last page many sources answer 404 (Django REST framework), some 410 or 416. */
function usualRules({ parent, paging }: Resource, isFirst: boolean): ErrorRule[] {
  if (isFirst) return parent?.missing === "skip" ? [{ status: [404, 410], action: "ignore" }] : [];
  return paging.endsNotFound ? [{ status: [404, 410, 416], action: "ignore" }] : [];
}

function verdictOf(rule: ErrorRule, response: HttpResponse): Verdict {
  switch (rule.action) {
    case "ignore":
    case "stop_resource":
      return { kind: "ok" };
    case "retry": {
      const seconds = rule.afterSeconds ?? secondsIn(response, rule.afterHeader);
      return seconds === null ? { kind: "retry" } : { kind: "retry", afterSeconds: seconds };
    }
    case "fail": {
      const reasonCode: ReasonCode = rule.reasonCode ?? "source_rejected_request";
      return { kind: "fail", reasonCode, ...(rule.message === undefined ? {} : { message: rule.message }) };
    }
  }
}

function matches({ status, path, equals, contains }: ErrorRule, response: HttpResponse): boolean {
  if (status !== undefined && ![status].flat().includes(response.status)) return false;
  if (contains !== undefined && !response.body.includes(contains)) return false;
  return path === undefined || matchesBody(response, path, equals);
}

function matchesBody(response: HttpResponse, path: string, equals: ErrorRule["equals"]): boolean {
  if (!isJson(response)) return false;
  const found = selectAll(response.json(), path) ?? [];
  if (equals !== undefined) return found.some((value) => plainOf(value) === equals);
  return found.some((value) => !(value === null || value === false || value === "" || isEmpty(value)));
}

/** 204, or a body of nothing: a page without items. */
export function isBlank({ body }: HttpResponse): boolean {
  return body.length < 100 && body.toString("utf8").trim() === "";
}

/** An error page of a proxy is none, and no answer of the API. */
function isJson({ body }: HttpResponse): boolean {
  return /^\s*[[{]/.test(body.toString("utf8", 0, 100));
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : false;
}

function secondsIn(response: HttpResponse, header: string | undefined): number | null {
  const text = header === undefined ? null : response.headers.get(header);
  const seconds = text === null || text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}
