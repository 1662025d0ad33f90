import type { ReasonCode } from "../../../core/result-reasons.ts";
import type { HttpResponse, Verdict } from "../http/client.ts";
import { WRITERS_FIXES } from "../writers-fixes.ts";
import type { Answer } from "./answer.ts";
import { isNotReady, reportsError } from "./answer-errors.ts";
import { isOfOtherParent, isRedirected } from "./moved.ts";
import { openAnswer } from "./open-answer.ts";
import type { ErrorRule } from "./resource.ts";
import type { Resource } from "./resources.ts";
import type { Placeholders } from "./templates.ts";

/** What an answer means apart from its records. */
export type Outcome = "page" | "ignore" | "stop_resource";

/** The rules of a resource, ready for one request: `outcome` and `answer` are about the answer that was classified last. */
export function createClassifier(resource: Resource, values: Placeholders, { isFirst }: { isFirst: boolean }) {
  const rules = [...resource.errorRules, ...usualRules(resource, isFirst)];
  const withPath = rules.filter(({ path }) => path !== undefined);
  let outcome: Outcome = "page";
  let answer: Answer | null = null;
  return {
    get outcome() {
      return outcome;
    },
    /** Null where nobody had to look into it. */
    get answer() {
      return answer;
    },
    async classify(response: HttpResponse): Promise<Verdict | null> {
      answer = null;
      const open = async () => {
        answer ??= isJson(response) ? await openAnswer(response, resource, withPath) : null;
        return answer;
      };
      const rule = await findRule(rules, response, open);
      outcome = rule?.action === "ignore" || rule?.action === "stop_resource" ? rule.action : "page";
      if (rule !== undefined && rule.action !== "accept") return verdictOf(rule, response);
      if (rule === undefined) {
        const moved = refuseMoved(resource, values, response);
        if (moved !== null) return moved;
      }
      if (response.status < 200 || response.status > 299) return null;
      const body = (await open())?.body;
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

/** Records of another parent would be stored as those of the one that was asked about. */
function refuseMoved(resource: Resource, values: Placeholders, response: HttpResponse): Verdict | null {
  const { status } = response;
  if (values.parent === null || status < 200 || status >= 400) return null;
  const goesNowhere = status >= 300;
  if (!goesNowhere && !isOfOtherParent(resource, values, response)) return null;
  const where = goesNowhere ? "without saying where to" : "to another one";
  return {
    ...{ kind: "fail", reasonCode: "source_response_invalid" },
    message: `the source redirected the request about one parent of ${resource.name} ${where}`,
    fix: (goesNowhere ? WRITERS_FIXES.nowhere : WRITERS_FIXES.otherParent).written,
  };
}

function verdictOf(rule: ErrorRule, response: HttpResponse): Verdict {
  switch (rule.action) {
    case "accept":
    case "ignore":
    case "stop_resource":
      return { kind: "ok" };
    case "retry": {
      const seconds = rule.afterSeconds ?? secondsIn(response, rule.afterHeader);
      return seconds === null ? { kind: "retry" } : { kind: "retry", afterSeconds: seconds };
    }
    case "fail": {
      const reasonCode: ReasonCode = rule.reasonCode ?? "source_rejected_request";
      const { message, fix } = rule;
      return {
        ...{ kind: "fail", reasonCode },
        ...(message === undefined ? {} : { message }),
        ...(fix === undefined ? {} : { fix }),
      };
    }
  }
}

/** @param open looks into the body, which only some rules need */
async function findRule(
  rules: readonly ErrorRule[],
  response: HttpResponse,
  open: () => Promise<Answer | null>,
): Promise<ErrorRule | undefined> {
  for (const rule of rules) {
    if (!matchesStatus(rule, response)) continue;
    if (rule.path === undefined || (await open())?.meets(rule)) return rule;
  }
  return undefined;
}

function matchesStatus({ status, contains, redirected }: ErrorRule, response: HttpResponse): boolean {
  if (status !== undefined && ![status].flat().includes(response.status)) return false;
  if (redirected !== undefined && redirected !== isRedirected(response)) return false;
  return contains === undefined || response.body.includes(contains);
}

/** 204, or a body of nothing: a page without items. */
export function isBlank({ body }: HttpResponse): boolean {
  return body.length < 100 && body.toString("utf8").trim() === "";
}

/** An error page of a proxy is none, and no answer of the API. */
function isJson({ body }: HttpResponse): boolean {
  return /^\s*[[{]/.test(body.toString("utf8", 0, 100));
}

function secondsIn(response: HttpResponse, header: string | undefined): number | null {
  const text = header === undefined ? null : response.headers.get(header);
  const seconds = text === null || text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}
