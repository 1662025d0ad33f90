import { backoffMs, sleep } from "./sleep.ts";

export type Fetch = (request: Request) => Promise<Response>;

const PAUSE = { firstMs: 200, mostMs: 5_000 };
/** Not now: too many requests, or the API or what it needs is away. */
const PASSING = [429, 502, 503, 504];
/** A DELETE is not among them: the answer to the second one would be that there is nothing to delete. */
const REPEATABLE = ["GET", "HEAD", "PATCH"];

/**
 * Sends a request again while what keeps it from being answered may pass, for `patienceMs` at most; then the last
 * answer or error stands. A POST is repeated only with an Idempotency-Key: without one it could be carried out twice.
 */
export function withRetries(send: Fetch, patienceMs: number): Fetch {
  return async (request) => {
    const mayRepeat = REPEATABLE.includes(request.method) || request.headers.has("idempotency-key");
    if (!mayRepeat) return send(request);
    const deadline = Date.now() + patienceMs;
    for (let attempt = 0; ; attempt++) {
      const outcome = await attemptOnce(send, request.clone());
      const pause = Math.max(backoffMs(attempt, PAUSE), outcome.pauseMs);
      if (!outcome.passing || Date.now() + pause > deadline) return outcome.settle();
      await sleep(pause, request.signal);
    }
  };
}

interface Outcome {
  passing: boolean;
  /** What the server asked for. */
  pauseMs: number;
  settle: () => Response;
}

async function attemptOnce(send: Fetch, request: Request): Promise<Outcome> {
  try {
    const response = await send(request);
    const passing = PASSING.includes(response.status) || (await isInFlight(response));
    return { passing, pauseMs: Number(response.headers.get("retry-after") ?? 0) * 1000 || 0, settle: () => response };
  } catch (error) {
    const settle = () => {
      throw error;
    };
    // `fetch` throws a TypeError when there is no connection; an abort is the caller's own wish.
    return { passing: error instanceof TypeError, pauseMs: 0, settle };
  }
}

/** The same POST, whose answer was lost, is still being carried out. */
async function isInFlight(response: Response): Promise<boolean> {
  return response.status === 409 && (await response.clone().text()).includes('"request_in_flight"');
}
