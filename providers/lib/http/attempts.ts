import { raceAbort } from "../../../core/race-abort.ts";
import type { Admission, Entry } from "./admission.ts";
import type { AuthContext, Authenticator, Authorization } from "./auth/authenticator.ts";
import { classifyBreakage } from "./breakages.ts";
import { describeStatus, describeUrl, type Failure } from "./failures.ts";
import { followRedirects, type Route } from "./redirects.ts";
import type { HttpRequest } from "./request.ts";
import { createResponse, type HttpResponse, quoteBody } from "./response.ts";
import { retryAfterSeconds } from "./retry-after.ts";
import type { Outgoing } from "./transport.ts";
import { judge, type Verdict } from "./verdict.ts";
import { backoffSeconds, LONGEST_PAUSE_SECONDS, pause } from "./waiting.ts";

/** After a source has throttled every attempt: long enough for the slot to be given back meanwhile. */
const THROTTLED_PAUSE_SECONDS = 30;

/** What one attempt came to. */
type Outcome = { response: HttpResponse } | { failure: Failure; mayRepeat: boolean };

export interface AttemptsOptions {
  auth: Authenticator;
  authContext: AuthContext;
  admission: Admission;
  route: Route;
  maxAttempts: number;
  retriedStatuses: readonly number[];
  toError: (doing: string, failure: Failure) => Error;
  signal: AbortSignal;
}

/** Sends a request until it is answered, refused, or not worth another attempt here. */
export function createAttempts(options: AttemptsOptions) {
  const { auth, authContext, admission, route, maxAttempts, toError, signal } = options;

  async function persist(request: HttpRequest, outgoing: Outgoing): Promise<HttpResponse> {
    const entry = admission.begin(request.spends);
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await attemptOnce(request, outgoing, entry);
      if ("response" in outcome) return outcome.response;
      const { failure, mayRepeat } = outcome;
      const waitSeconds = failure.retryAfterSeconds ?? backoffSeconds(attempt);
      const worthIt = mayRepeat && attempt < maxAttempts && waitSeconds <= LONGEST_PAUSE_SECONDS;
      if (!worthIt) throw await giveUp(request, failure, entry);
      if (isThrottled(failure)) await entry.block(waitSeconds);
      await pause(waitSeconds, signal);
    }
  }

  /** Where the source wants to be left alone for longer, all who use the connection do so. */
  async function giveUp({ doing }: HttpRequest, failure: Failure, entry: Entry): Promise<Error> {
    const asked = failure.retryAfterSeconds ?? 0;
    const waitSeconds = isThrottled(failure) && asked <= LONGEST_PAUSE_SECONDS ? THROTTLED_PAUSE_SECONDS : asked;
    const comeBackAfter = waitSeconds > LONGEST_PAUSE_SECONDS ? await entry.block(waitSeconds) : waitSeconds;
    return toError(doing, { ...failure, retryAfterSeconds: comeBackAfter > 0 ? comeBackAfter : null });
  }

  async function attemptOnce(request: HttpRequest, outgoing: Outgoing, entry: Entry): Promise<Outcome> {
    let authorization = await raceAbort(auth.authorize(authContext), signal);
    for (let renewed = false; ; renewed = true) {
      const outcome = await exchange(request, outgoing, { authorization, entry });
      if ("failure" in outcome) return outcome;
      const { response } = outcome;
      await entry.settle(response);
      const own = await classify(request, response);
      if (own === null && response.status === 401 && !renewed) {
        const newer = await raceAbort(auth.renew(authContext, authorization), signal);
        if (newer !== null) {
          response.letGo();
          authorization = newer;
          continue;
        }
      }
      return judged(request, response, own ?? judge(response, options.retriedStatuses));
    }
  }

  async function exchange(
    request: HttpRequest,
    outgoing: Outgoing,
    { authorization, entry }: { authorization: Authorization; entry: Entry },
  ): Promise<Outcome> {
    const { doing } = request;
    const comeBackAfter = await entry.admit();
    if (comeBackAfter !== null) {
      const said = "the source's rate limit is used up";
      throw toError(doing, { reasonCode: "source_rate_limited", said, retryAfterSeconds: comeBackAfter });
    }
    try {
      const { answer, url } = await followRedirects(route, outgoing, authorization);
      const { format } = request;
      return {
        response: createResponse(answer, url, { format, signal, toError: (failure) => toError(doing, failure) }),
      };
    } catch (error) {
      signal.throwIfAborted();
      const failure = classifyBreakage(error, describe(outgoing));
      if (failure === null) throw error;
      return { failure, mayRepeat: failure.mayPass && (failure.unsent || mayArriveTwice(request)) };
    }
  }

  function judged(request: HttpRequest, response: HttpResponse, verdict: Verdict): Outcome {
    if (verdict.kind === "ok") return { response };
    const said = `${request.method} ${describeUrl(new URL(response.url))} answered ${describeStatus(response.status)}`;
    const failure = { said, quoted: quoteBody(response.body), retryAfterSeconds: retryAfterSeconds(response) };
    response.letGo();
    if (verdict.kind === "fail") {
      const { reasonCode, message: quoted = failure.quoted } = verdict;
      return { failure: { ...failure, reasonCode, quoted }, mayRepeat: false };
    }
    const reasonCode = verdict.kind === "throttled" ? "source_rate_limited" : "source_unavailable";
    const after = verdict.afterSeconds ?? failure.retryAfterSeconds;
    const ofEntity = verdict.kind === "retry";
    return {
      failure: { ...failure, reasonCode, retryAfterSeconds: after, ofEntity },
      mayRepeat: mayArriveTwice(request),
    };
  }

  return (request: HttpRequest, outgoing: Outgoing): Promise<HttpResponse> =>
    admission.take(() => persist(request, outgoing));
}

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

function mayArriveTwice({ method, idempotent = false }: HttpRequest): boolean {
  return method === "GET" || idempotent;
}

function describe({ method, url }: Outgoing): string {
  return `${method} ${describeUrl(url)}`;
}
