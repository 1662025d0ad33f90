import { isProviderError, TerminalError } from "../core/errors.ts";
import type { RunOutcome } from "../core/workflow-contract.ts";
import { isDatabaseUnavailable } from "../db/pg-errors.ts";
import type { RunRow } from "../db/runs.ts";
import { noteUnproved } from "../db/unproved-runs.ts";
import type { ActivityDeps } from "./deps.ts";
import { describeError } from "./failures.ts";
import { executionConfigOf } from "./run-context.ts";

/** How long a destination that may come back can keep a run from its end. */
const PROOF_PATIENCE_SECONDS = 30 * 60;

/**
 * How a run ends whose result cannot be proved for now. What was loaded stays in the ledger: a retry proves it. A refusal ends
 * the run at once, so does a cancel, and whatever may pass ends it when the patience is over, which is counted in the control database, so that it
 * goes on across workers. The control database itself is waited for without an end: without it nothing can be recorded.
 * @throws the error, where it is worth another try
 */
export async function outcomeWithoutProof(
  deps: Pick<ActivityDeps, "db" | "log">,
  run: RunRow,
  { outcome, error }: { outcome: RunOutcome; error: unknown },
): Promise<RunOutcome> {
  if (!isProviderError(error) && isDatabaseUnavailable(error)) throw error;
  const mayHaveSucceeded = !outcome.cancelled && outcome.failure === null && outcome.entityFailures.length === 0;
  const reasonCode = describeError(error).reasonCode;
  deps.log.warn({ err: error, runId: run.id, reason: reasonCode }, "the result of the run could not be proved yet");
  if (!mayHaveSucceeded) return outcome;
  // Whoever cancels does not want to wait for the destination.
  if (run.cancelRequestedAt !== null) return { ...outcome, cancelled: true };
  const failure = describeUnproved(error);
  if (!(error instanceof TerminalError)) {
    const { runTimeoutSeconds } = executionConfigOf(run);
    const failingSeconds = await noteUnproved(deps.db, run.id, failure);
    if (failingSeconds < Math.min(PROOF_PATIENCE_SECONDS, runTimeoutSeconds ?? Infinity)) throw error;
  }
  return { ...outcome, failure };
}

/** One error with one remedy: that of what stood in the way. */
function describeUnproved(error: unknown): NonNullable<RunOutcome["failure"]> {
  const { reasonCode, message } = describeError(error);
  return { reasonCode, message: `All slices ended, but the result could not be proved: ${message}` };
}
