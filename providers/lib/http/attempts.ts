import type { Readable } from "node:stream";
import { raceAbort } from "../../../core/race-abort.ts";
import { type Admission, type Entry, FREE } from "./admission.ts";
import type { AuthContext, Authenticator, Authorization } from "./auth/authenticator.ts";
import { classifyBreakage } from "./breakages.ts";
import { describeRequest, describeStatus, type Failure } from "./failures.ts";
import { followRedirects, isRedirect, type Route } from "./redirects.ts";
import { type HttpRequest, mayArriveTwice } from "./request.ts";
import { createResponse, type HttpResponse, quoteBody } from "./response.ts";
import { retryAfterSeconds } from "./retry-after.ts";
import type { Outgoing } from "./transport.ts";
import { judge, type Verdict } from "./verdict.ts";
import { backoffSeconds, LONGEST_PAUSE_SECONDS, pause } from "./waiting.ts";

/** After a source has throttled every attempt: long enough for the slot to be given back meanwhile. */
const THROTTLED_PAUSE_SECONDS = 30;

/**
 * The second is for a token that came from elsewhere and was refused, too: somebody else has renewed it since, or it ended before anybody noticed. An
 * authenticator has nothing newer where its own new token is refused, so wrong credentials end after the first.
 */
const MOST_RENEWALS = 2;

/** `live` is the answer's body, where the request is streamed and the status 2xx. */
export interface Answered {
  response: HttpResponse;
  live: Readable | null;
}

/** What one attempt came to. */
type Outcome = Answered | { failure: Failure; mayRepeat: boolean };

/** Makes what goes over the wire, but for credentials. `baseUrl`: what a login has answered. */
export type Prepare = (baseUrl?: string) => Outgoing;

export interface AttemptsOptions {
  auth: Authenticator;
  authContext: AuthContext;
  admission: Admission;
  route: Route;
  maxAttempts: number;
  retriedStatuses: readonly number[];
  toError: (request: HttpRequest, failure: Failure) => Error;
  signal: AbortSignal;
}

/** Sends a request until it is answered, refused, or not worth another attempt here. */
export function createAttempts(options: AttemptsOptions) {
  const { auth, authContext, admission, route, maxAttempts, toError, signal } = options;

  async function persist(request: HttpRequest, prepare: Prepare): Promise<Answered> {
    const entry = request.presigned ? FREE : admission.begin(request.spends);
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await attemptOnce(request, prepare, entry);
      if ("response" in outcome) return outcome;
      const { failure, mayRepeat } = outcome;
      const waitSeconds = failure.retryAfterSeconds ?? backoffSeconds(attempt);
      const worthIt = mayRepeat && attempt < maxAttempts && waitSeconds <= LONGEST_PAUSE_SECONDS;
      if (!worthIt) throw await giveUp(request, failure, entry);
      if (isThrottled(failure)) await entry.block(waitSeconds);
      await pause(waitSeconds, signal);
    }
  }

  /** Where the source wants to be left alone for longer, all who use the connection do so. */
  async function giveUp(request: HttpRequest, failure: Failure, entry: Entry): Promise<Error> {
    const asked = failure.retryAfterSeconds ?? 0;
    const waitSeconds = isThrottled(failure) && asked <= LONGEST_PAUSE_SECONDS ? THROTTLED_PAUSE_SECONDS : asked;
    const comeBackAfter = waitSeconds > LONGEST_PAUSE_SECONDS ? await entry.block(waitSeconds) : waitSeconds;
    return toError(request, { ...failure, retryAfterSeconds: comeBackAfter > 0 ? comeBackAfter : null });
  }

  async function attemptOnce(request: HttpRequest, prepare: Prepare, entry: Entry): Promise<Outcome> {
    const { presigned = false, scope } = request;
    let authorization = presigned ? NO_CREDENTIALS : await raceAbort(auth.authorize(authContext, scope), signal);
    for (let renewals = presigned ? MOST_RENEWALS : 0; ; renewals += 1) {
      const outcome = await exchange(request, prepare(authorization.baseUrl), { authorization, entry });
      if ("failure" in outcome) return outcome;
      const { response } = outcome;
      await entry.settle(response);
      const own = await classify(request, response);
      const isRefused = own === null ? response.status === 401 : own.kind === "unauthorized";
      if (isRefused && renewals < MOST_RENEWALS) {
        const newer = await renewAfter(response, () =>
          auth.renew(authContext, authorization, { scope, isAgain: renewals > 0 }),
        );
        if (newer !== null) {
          authorization = newer;
          continue;
        }
      }
      const isAnswer = request.follow === false && isRedirect(response.status);
      return judged(request, outcome, own ?? (isAnswer ? { kind: "ok" } : judge(response, options.retriedStatuses)));
    }
  }

  /** The refused answer is let go only where there is something newer: its words are needed otherwise. */
  async function renewAfter(
    response: HttpResponse,
    renew: () => Promise<Authorization | null>,
  ): Promise<Authorization | null> {
    try {
      const newer = await raceAbort(renew(), signal);
      if (newer !== null) response.letGo();
      return newer;
    } catch (error) {
      response.letGo();
      throw error;
    }
  }

  async function exchange(
    request: HttpRequest,
    outgoing: Outgoing,
    { authorization, entry }: { authorization: Authorization; entry: Entry },
  ): Promise<Outcome> {
    const comeBackAfter = await entry.admit();
    if (comeBackAfter !== null) {
      const said = "the source's rate limit is used up";
      throw toError(request, { reasonCode: "source_rate_limited", said, retryAfterSeconds: comeBackAfter });
    }
    try {
      const { format, follow } = request;
      const outgoingNow = { ...outgoing, onSent: entry.noteSent };
      const { answer, url } = await followRedirects(route, outgoingNow, authorization, { follow });
      return {
        response: createResponse(
          answer,
          { requested: outgoing.url, url },
          { format, signal, toError: (failure) => toError(request, failure) },
        ),
        live: answer.live ?? null,
      };
    } catch (error) {
      signal.throwIfAborted();
      const failure = classifyBreakage(error, describeRequest(request, outgoing.url));
      if (failure === null) throw error;
      return { failure, mayRepeat: failure.mayPass && (failure.unsent || mayArriveTwice(request)) };
    }
  }

  function judged(request: HttpRequest, answered: Answered, verdict: Verdict): Outcome {
    if (verdict.kind === "ok") return answered;
    const { response } = answered;
    const said = `${describeRequest(request, new URL(response.url))} answered ${describeStatus(response.status)}`;
    const failure = { said, quoted: quoteBody(response.body), retryAfterSeconds: retryAfterSeconds(response) };
    response.letGo();
    if (verdict.kind === "unauthorized") {
      return { failure: { ...failure, reasonCode: "source_auth_failed" }, mayRepeat: false };
    }
    if (verdict.kind === "fail") {
      const { reasonCode, message: quoted = failure.quoted, fix = request.fixes?.[reasonCode] } = verdict;
      return { failure: { ...failure, reasonCode, quoted, fix }, mayRepeat: false };
    }
    const reasonCode = verdict.kind === "throttled" ? "source_rate_limited" : "source_unavailable";
    const after = verdict.afterSeconds ?? failure.retryAfterSeconds;
    const ofEntity = verdict.kind === "retry";
    return {
      failure: {
        ...{ ...failure, reasonCode, retryAfterSeconds: after, ofEntity },
        ...(verdict.kind === "retry" && verdict.fix !== undefined ? { fix: verdict.fix } : {}),
      },
      mayRepeat: mayArriveTwice(request),
    };
  }

  return (request: HttpRequest, prepare: Prepare): Promise<Answered> =>
    // The connection's limit is not that of the host a presigned address leads to.
    request.presigned
      ? persist(request, prepare)
      : admission.take(
          () => persist(request, prepare),
          (retryAfterSeconds) => {
            const said = "as many requests are in flight as the source allows";
            return toError(request, { reasonCode: "source_rate_limited", said, retryAfterSeconds });
          },
        );
}

const NO_CREDENTIALS: Authorization = { headers: {}, query: [] };

async function classify(request: HttpRequest, response: HttpResponse): Promise<Verdict | null> {
  try {
    return (await request.classify?.(response)) ?? null;
  } catch (error) {
    response.letGo();
    throw error;
  }
}

function isThrottled({ reasonCode }: Failure): boolean {
  return reasonCode === "source_rate_limited";
}
