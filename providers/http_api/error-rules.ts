import type { ReasonCode } from "../../core/result-reasons.ts";
import type { HttpResponse, Verdict } from "../lib/http/client.ts";
import type { ErrorRule, ResourceConfig } from "./config/resource.ts";
import { selectAll } from "./selector.ts";

/** What an answer means apart from its records. */
export type Outcome = "page" | "ignore" | "stop_resource";

/** The rules of a resource, ready for one request: `outcome` is about the answer that was classified last. */
export function createClassifier(resource: Pick<ResourceConfig, "errorRules" | "parent">) {
  const rules = resource.parent?.missing === "skip" ? [...resource.errorRules, MISSING_PARENT] : resource.errorRules;
  let outcome: Outcome = "page";
  return {
    get outcome() {
      return outcome;
    },
    classify(response: HttpResponse): Verdict | null {
      const rule = rules.find((each) => matches(each, response));
      outcome = rule?.action === "ignore" || rule?.action === "stop_resource" ? rule.action : "page";
      return rule === undefined ? null : verdictOf(rule, response);
    },
  };
}

const MISSING_PARENT: ErrorRule = { status: 404, action: "ignore" };

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
  // An error page of a proxy is no JSON, and no answer of the API.
  if (!/^\s*[[{]/.test(response.body.toString("utf8", 0, 100))) return false;
  const found = selectAll(response.json(), path) ?? [];
  if (equals !== undefined) return found.some((value) => value === equals);
  return found.some((value) => !(value === null || value === false || value === "" || isEmpty(value)));
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : false;
}

function secondsIn(response: HttpResponse, header: string | undefined): number | null {
  const text = header === undefined ? null : response.headers.get(header);
  const seconds = text === null || text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}
