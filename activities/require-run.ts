import { ApplicationFailure } from "@temporalio/common";
import type { Db } from "../db/client.ts";
import { findRun, type RunRow } from "../db/runs.ts";

/**
 * A control database that was restored does not know the runs that were admitted after its backup, while Temporal still
 * executes them: their workflows end here, and do not ask for ever.
 */
export async function requireRun(db: Db, runId: string): Promise<RunRow> {
  const run = await findRun(db, runId);
  if (run) return run;
  throw ApplicationFailure.nonRetryable(`The control database does not know run ${runId}.`, "run_unknown");
}
