import { isProviderError } from "../../../../core/errors.ts";
import { describeStatus, type Failure } from "../failures.ts";
import { cellOf, isObject, type JsonValue } from "../json.ts";
import { type HttpResponse, quoteBody } from "../response.ts";
import { retryAfterSeconds } from "../retry-after.ts";
import type { AuthContext } from "./authenticator.ts";

/** What a person does about a refusal; whole sentences. */
export interface Remedy {
  fix: string;
}

/** What the token endpoint says where it gives no token. */
export interface TokenRefusal {
  status: number;
  /** The member `error`: https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
  error: string | null;
  /** The member `error_description`. */
  description: string | null;
}

/** What a vendor means by a refusal, where that is known better than from the status and `error`. */
export type ExplainRefusal = (refusal: TokenRefusal) => Pick<Failure, "reasonCode" | "fix"> | null;

export interface Expected {
  /** Where the token stands in the answer. */
  tokenPath: readonly string[];
  /** What else it has to have, by path: `instance_url`, `data.restUrl`. */
  keep?: readonly string[] | undefined;
  /** Where the source takes the grant no more. */
  whenExpired?: Remedy | undefined;
  explain?: ExplainRefusal | undefined;
}

/** @throws ProviderError where the answer holds no token, whatever its status: some sources refuse with 200 */
export function readTokenAnswer(context: AuthContext, response: HttpResponse, expected: Expected): JsonValue {
  const { tokenPath, keep = [], whenExpired, explain } = expected;
  const { status } = response;
  const said = `the token endpoint answered ${describeStatus(status)}`;
  if (status === 408 || status === 429 || status >= 500) {
    throw context.toError({
      reasonCode: status === 429 ? "source_rate_limited" : "source_unavailable",
      said,
      quoted: quoteBody(response.body),
      retryAfterSeconds: retryAfterSeconds(response),
    });
  }
  const granted = status >= 200 && status < 300;
  const answer = granted ? response.json() : readIfJson(response);
  const error = readMember(answer, ["error"]);
  if (granted && isText(readMember(answer, tokenPath))) {
    const fault = faultOf(context, answer, keep);
    if (fault === null) return answer;
    throw fault;
  }
  if (granted && error === undefined) {
    throw context.toError({ reasonCode: "source_response_invalid", said: `${said} without ${tokenPath.join(".")}` });
  }
  // https://www.rfc-editor.org/rfc/rfc6749#section-5.2
  const isExpired = error === "invalid_grant";
  const explained = explain?.({
    ...{ status, error: textOf(error), description: textOf(readMember(answer, ["error_description"])) },
  });
  throw context.toError({
    reasonCode: isExpired ? "source_auth_expired" : "source_auth_failed",
    said,
    quoted: quoteBody(response.body),
    fix: isExpired ? whenExpired?.fix : undefined,
    ...explained,
  });
}

/** The error that it is where the answer lacks some of `keep`. */
export function faultOf(context: AuthContext, answer: JsonValue, keep: readonly string[] = []): Error | null {
  const missing = keep.find((path) => !isText(readMember(answer, path.split("."))));
  if (missing === undefined) return null;
  const said = `the token endpoint's answer is without ${missing}`;
  return context.toError({ reasonCode: "source_response_invalid", said });
}

/** What of the answer is kept with the token. */
export function keptOf(answer: JsonValue, keep: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(keep.map((path) => [path, cellOf(readMember(answer, path.split("."))) ?? ""]));
}

function textOf(value: JsonValue | undefined): string | null {
  return typeof value === "string" ? value : null;
}

function isText(value: JsonValue | undefined): boolean {
  return typeof value === "string" && value !== "";
}

/** A refusal may come as a page of HTML, or without a word, whatever type it names: the status says what it is. */
function readIfJson(response: HttpResponse): JsonValue {
  try {
    return /\bjson\b/i.test(response.headers.get("content-type") ?? "") ? response.json() : null;
  } catch (error) {
    if (isProviderError(error) && error.reasonCode === "source_response_invalid") return null;
    throw error;
  }
}

/** @returns undefined where there is no such member */
export function readMember(value: JsonValue | undefined, path: readonly string[]): JsonValue | undefined {
  let found = value;
  for (const name of path) {
    found = isObject(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  }
  return found;
}
