import { setTimeout as sleep } from "node:timers/promises";
import { Context } from "@temporalio/activity";
import { isDatabaseUnavailable } from "../db/pg-errors.ts";
import { whileAlive } from "./heartbeat.ts";

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
/** So many failures in a row by a database that answers are no outage: whoever counts tries counts them. */
const FAILURES_WITH_ANSWER = 8;

/**
 * For a step that asks the control database and nothing else: does it again until the database is back, however long that takes. An
 * outage is no failure of anything else. The activity beats all the while and uses up none of its tries.
 * @throws DatabaseUnavailableError when the activity is cancelled, or its worker stopped, before the database is back
 */
export function outlastOutage<T>(step: () => Promise<T>): Promise<T> {
  return whileAlive(() => whenDatabaseIsBack(step, { signal: Context.current().cancellationSignal }));
}

/**
 * For work that asks the control database among others: begins it again once the database is back. The activity beats between two
 * tries; while the work is done it is the work that says whether it is alive.
 * @throws DatabaseUnavailableError as `outlastOutage` does
 */
export function beginAgainAfterOutage<T>(work: () => Promise<T>): Promise<T> {
  const signal = Context.current().cancellationSignal;
  return whenDatabaseIsBack(work, { signal, whilePausing: whileAlive });
}

/**
 * The same without an activity.
 * @param options.signal ends the wait, and nothing else
 */
export async function whenDatabaseIsBack<T>(
  work: () => Promise<T>,
  options: { signal?: AbortSignal; whilePausing?: (pause: () => Promise<void>) => Promise<void> } = {},
): Promise<T> {
  const { signal, whilePausing = (pause) => pause() } = options;
  let answered = 0;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!isDatabaseUnavailable(error)) throw error;
      answered = error.answers ? answered + 1 : 0;
      if (answered >= FAILURES_WITH_ANSWER) throw error;
      await whilePausing(() => pauseUnlessAborted(pauseMs, signal));
      if (signal?.aborted) throw error;
    }
  }
}

async function pauseUnlessAborted(pauseMs: number, signal: AbortSignal | undefined): Promise<void> {
  // It rejects for the abort alone, which the caller looks at.
  await sleep(pauseMs, undefined, signal ? { signal } : {}).catch(() => undefined);
}
