import type { SluiceClient } from "./create-client.ts";
import { unwrap } from "./errors.ts";
import type { Run } from "./schema.ts";
import { backoffMs, sleep } from "./sleep.ts";

export interface WaitOptions {
  /** Gives up, with the signal's reason: `AbortSignal.timeout(600_000)`. */
  signal?: AbortSignal;
  /** Called with every state that is seen. */
  onRun?: (run: Run) => void;
  /** The longest pause between two looks; 5 s when absent. */
  mostMs?: number;
}

/**
 * Watches a run, and the attempts that follow it by themselves, until the last one has ended.
 * @returns the last attempt, however it ended: its `status` and `resultReasonCode` say
 * @throws SluiceError; the signal's reason
 */
export async function waitForRun(client: SluiceClient, runId: string, options: WaitOptions = {}): Promise<Run> {
  const { signal, onRun, mostMs = 5_000 } = options;
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted();
    const path = { run_id: runId };
    const run = await unwrap(client.GET("/api/v1/syncs/runs/{run_id}", { params: { path }, signal: signal ?? null }));
    onRun?.(run);
    if (run.completedAt !== null) {
      return run.nextAttemptRunId === null ? run : waitForRun(client, run.nextAttemptRunId, options);
    }
    await sleep(backoffMs(attempt, { firstMs: 200, mostMs }), signal);
  }
}
