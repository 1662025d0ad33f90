import type { Redactor } from "../../../../core/redact.ts";
import type { SharedConnection } from "../../../provider.ts";
import { classifyBreakage } from "../breakages.ts";
import type { EgressGuard } from "../egress.ts";
import { describeUrl, type Failure } from "../failures.ts";
import { sharedLargeBodies } from "../large-bodies.ts";
import { createResponse } from "../response.ts";
import { createTransport } from "../transport.ts";
import type { AuthContext } from "./authenticator.ts";

const TOKEN_TIMEOUT_MS = 30_000;
const MAX_TOKEN_ANSWER_BYTES = 1024 * 1024;

/** Requests for tokens have connections of their own, which outlive the client while one is under way. */
export function createAuthContext(options: {
  guard: EgressGuard;
  tlsRootCert: string | undefined;
  shared: SharedConnection;
  redactor: Redactor;
  toError: (doing: string, failure: Failure) => Error;
}): AuthContext {
  const { guard, tlsRootCert, shared, redactor } = options;
  const toError = (failure: Failure) => options.toError("request for an access token", failure);
  return {
    shared,
    hide: redactor.hide,
    toError,
    async requestToken({ method = "POST", url, headers, body }) {
      if (!URL.canParse(url)) throw toError({ reasonCode: "source_address_refused", said: "the token URL is no URL" });
      const target = new URL(url);
      const signal = AbortSignal.timeout(TOKEN_TIMEOUT_MS);
      const transport = createTransport({
        guard,
        timeoutMs: TOKEN_TIMEOUT_MS,
        maxBodyBytes: MAX_TOKEN_ANSWER_BYTES,
        large: { bodies: sharedLargeBodies(), source: target.host },
        tlsRootCert,
        signal,
      });
      try {
        guard.check(target);
        const answer = await transport.exchange({
          method,
          url: target,
          headers: { accept: "application/json", ...headers },
          body,
        });
        // Nothing is made of it but a token, at once.
        answer.body.letGo?.();
        return createResponse(answer, { requested: target, url: target }, { format: "json", signal, toError });
      } catch (error) {
        const failure = classifyBreakage(error, `${method} ${describeUrl(target)}`);
        throw failure === null ? error : toError(failure);
      } finally {
        await transport.close();
      }
    },
  };
}
