import { isProviderError } from "../../../../core/errors.ts";
import { describeStatus } from "../failures.ts";
import { isObject, type JsonValue } from "../json.ts";
import { type HttpResponse, quoteBody } from "../response.ts";
import { retryAfterSeconds } from "../retry-after.ts";
import type { AuthContext } from "./authenticator.ts";

/**
 * @param tokenPath where the token stands in the answer
 * @throws ProviderError where the answer holds none, whatever its status: some sources refuse with 200
 */
export function readTokenAnswer(context: AuthContext, response: HttpResponse, tokenPath: readonly string[]): JsonValue {
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
  const token = readMember(answer, tokenPath);
  if (granted && typeof token === "string" && token !== "") return answer;
  const error = readMember(answer, ["error"]);
  if (granted && error === undefined) {
    throw context.toError({ reasonCode: "source_response_invalid", said: `${said} without ${tokenPath.join(".")}` });
  }
  // https://www.rfc-editor.org/rfc/rfc6749#section-5.2
  const reasonCode = error === "invalid_grant" ? "source_auth_expired" : "source_auth_failed";
  throw context.toError({ reasonCode, said, quoted: quoteBody(response.body) });
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
