import type { ReasonCode } from "../../../../core/result-reasons.ts";
import { isObject, type JsonValue } from "../json.ts";
import type { HttpResponse } from "../response.ts";
import { retryAfterSeconds } from "../retry-after.ts";
import type { AuthContext } from "./authenticator.ts";

/**
 * @param tokenPath where the token stands in the answer
 * @throws ProviderError where the answer holds none, whatever its status: some sources refuse with 200
 */
export function readTokenAnswer(context: AuthContext, response: HttpResponse, tokenPath: readonly string[]): JsonValue {
  const { status } = response;
  if (status === 408 || status === 429 || status >= 500) {
    throw context.failure(
      status === 429 ? "source_rate_limited" : "source_unavailable",
      `the token endpoint answered ${status}`,
      { retryAfterSeconds: retryAfterSeconds(response) },
    );
  }
  const answer = status < 300 ? response.json() : readIfJson(response);
  const token = readMember(answer, tokenPath);
  if (status < 300 && typeof token === "string" && token !== "") return answer;
  throw context.failure(reasonOfRefusal(status, answer), describeRefusal(status, answer, tokenPath));
}

/** https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
function reasonOfRefusal(status: number, answer: JsonValue): ReasonCode {
  const error = readMember(answer, ["error"]);
  if (error === "invalid_grant") return "source_auth_expired";
  return status < 300 && error === undefined ? "source_response_invalid" : "source_auth_failed";
}

function describeRefusal(status: number, answer: JsonValue, tokenPath: readonly string[]): string {
  const said = ["error", "error_description", "message"]
    .map((name) => readMember(answer, [name]))
    .filter((each) => typeof each === "string");
  if (said.length > 0) return `the token endpoint answered ${status}: ${said.join(": ")}`;
  return status < 300
    ? `the token endpoint answered ${status} without ${tokenPath.join(".")}`
    : `the token endpoint answered ${status}`;
}

/** A refusal may come as a page of HTML. */
function readIfJson(response: HttpResponse): JsonValue {
  return /\bjson\b/i.test(response.headers.get("content-type") ?? "") ? response.json() : null;
}

/** @returns undefined where there is no such member */
export function readMember(value: JsonValue | undefined, path: readonly string[]): JsonValue | undefined {
  let found = value;
  for (const name of path) {
    found = isObject(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  }
  return found;
}
