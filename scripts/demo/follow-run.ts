import { setTimeout as sleep } from "node:timers/promises";
import type { RunJson } from "../../api/schemas/runs.ts";
import { isTerminal } from "../../core/run-lifecycle.ts";
import type { Api } from "./api.ts";

const POLL_MS = 300;

/**
 * Watches a run until it, and whatever attempts follow it by themselves, have ended.
 * @returns the last attempt
 */
export async function followRun(
  api: Api,
  runId: string,
  options: { signal: AbortSignal; onRun: (run: RunJson) => void },
): Promise<RunJson> {
  for (;;) {
    options.signal.throwIfAborted();
    const run = await api.getRun(runId);
    options.onRun(run);
    if (isTerminal(run.status)) {
      if (run.nextAttemptRunId === null) return run;
      return followRun(api, run.nextAttemptRunId, options);
    }
    await sleep(POLL_MS, undefined, { signal: options.signal });
  }
}
