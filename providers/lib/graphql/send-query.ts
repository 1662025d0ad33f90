import { TerminalError } from "../../../core/errors.ts";
import type { HttpClient, HttpRequest, HttpResponse, Verdict } from "../http/client.ts";
import { ListingFullError } from "../rest/full-listings.ts";
import { readAnswer } from "./answer.ts";
import type { GraphqlAnswer, GraphqlVerdict } from "./ask.ts";
import { createQueryCosts } from "./cost.ts";
import type { GraphqlDeclaration } from "./declaration.ts";
import { type AskedQuery, judgeAnswer } from "./judge-answer.ts";

/** The vendor does not answer the query; in smaller pages it may. */
export class TooCostlyError extends TerminalError {
  /** How often what it costs exceeds what it may. */
  times = 2;
}

export type SendQuery = (request: HttpRequest & { json: unknown }, asked: AskedQuery) => Promise<HttpResponse>;

/**
 * Sends one query, with leave for what it will cost, and judges its answer.
 * @throws TooCostlyError, ListingFullError, or what the verdict on the answer says
 */
export function createSendQuery(
  client: HttpClient,
  declaration: Pick<GraphqlDeclaration<never, never>, "key" | "cost" | "judge" | "statuses">,
): SendQuery {
  const { cost, statuses = {} } = declaration;
  const costs = createQueryCosts(cost);
  return async (request, asked) => {
    // Of the latest answer: a request may be sent more than once.
    let refusal: SizeRefusal | null = null;
    try {
      return await client.send({
        ...request,
        spends: [costs.spendOf(request.json)],
        async classify(response): Promise<Verdict | null> {
          const answer = readAnswer(response);
          if (answer !== null) costs.learn(request.json, answer);
          const verdict = answer === null ? null : judgeAnswer(answer, asked, declaration.judge);
          refusal = isSizeRefusal(verdict) ? verdict : null;
          if (isSizeRefusal(verdict)) return { kind: "fail", reasonCode: "source_rejected_request" };
          return verdict ?? statuses[response.status] ?? (await request.classify?.(response)) ?? null;
        },
      });
    } catch (error) {
      throw refusal === null ? error : refusedForSize(declaration.key, refusal, error as Error);
    }
  };
}

/** What was asked for is too much at once. */
type SizeRefusal = Extract<GraphqlVerdict, { kind: "too_costly" | "too_many" }>;

function isSizeRefusal(verdict: GraphqlVerdict | null): verdict is SizeRefusal {
  return verdict?.kind === "too_costly" || verdict?.kind === "too_many";
}

const FULL_FIX = "Bind the entity with a primary key and its cursor, so that it can be read in smaller windows.";

function refusedForSize(key: string, refusal: SizeRefusal, cause: Error): Error {
  if (refusal.kind === "too_many") {
    return new ListingFullError("source_response_invalid", cause.message, { fix: FULL_FIX, cause });
  }
  const tooCostly = new TooCostlyError("source_rejected_request", cause.message, {
    fix: `Leave out columns of the entity (sourceConfig.resources.<entity>.exclude): ${key} finds the query too costly even for a single object.`,
    cause,
  });
  tooCostly.times = refusal.times ?? 2;
  return tooCostly;
}

/** The data of an answer that was judged to be good. @throws ProviderError source_response_invalid where it has none */
export function dataOf(response: HttpResponse): NonNullable<GraphqlAnswer["data"]> {
  const data = readAnswer(response)?.data ?? null;
  if (data === null) throw response.refuse(new SyntaxError("it has no data"));
  return data;
}
