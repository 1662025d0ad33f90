import { Context } from "@temporalio/activity";
import { isProviderError, TerminalError } from "../core/errors.ts";
import { createRedactor } from "../core/redact.ts";
import type { CancelJobInput } from "../core/workflow-contract.ts";
import { type ExportJobRow, endAbandonedJob, findAbandonedJob, noteFailedCancel } from "../db/export-jobs.ts";
import { readFrozen } from "../db/plans.ts";
import { getRun } from "../db/runs.ts";
import { readSync } from "../db/syncs.ts";
import type { ActivityDeps } from "./deps.ts";
import { toFailure } from "./failures.ts";
import { thawConnection } from "./frozen-settings.ts";
import { whileAlive } from "./heartbeat.ts";
import { outlastOutage } from "./outlast-outage.ts";
import { loadConnection, openSource } from "./run-context.ts";
import { personAsks } from "./shared-connection.ts";

const CANCEL_TIMEOUT_MS = 45_000;
/** The source has had its time. */
const PATIENCE_MS = 24 * 60 * 60 * 1000;

/**
 * Cancels a job at its source that nobody waits for any more, with the settings that it was made with. What may pass is noted, and tried
 * again for a day; then the job is left, and the run's events and the log say so. Idempotent.
 */
export function createCancelExportJob(deps: ActivityDeps) {
  return async ({ jobId }: CancelJobInput): Promise<void> => {
    try {
      const row = await outlastOutage(() => findAbandonedJob(deps.db, jobId));
      if (row !== null) await whileAlive(() => cancel(deps, row));
    } catch (error) {
      throw toFailure(error);
    }
  };
}

async function cancel(deps: ActivityDeps, row: ExportJobRow): Promise<void> {
  const redactor = createRedactor();
  const leave = async (error: string): Promise<void> => {
    deps.log.warn(
      { jobId: row.id, runId: row.runId, entityKey: row.entityKey, error },
      "an export job was left at its source",
    );
    await endAbandonedJob(deps.db, row, { outcome: "left", error });
  };
  try {
    const isCancelled = await cancelAtSource(deps, row, redactor);
    if (isCancelled) return await endAbandonedJob(deps.db, row, { outcome: "cancelled" });
    return await leave("The source cannot cancel jobs. It ends by itself.");
  } catch (error) {
    redactor.redactError(error);
    if (Context.current().cancellationSignal.aborted || !isProviderError(error)) throw error;
    const isOver = row.cancelFrom !== null && Date.now() - row.cancelFrom.getTime() > PATIENCE_MS;
    if (error instanceof TerminalError || isOver) return await leave(error.message);
    deps.log.info({ err: error, jobId: row.id }, "an export job could not be cancelled yet; it is tried again");
    await noteFailedCancel(deps.db, row.id, error.message);
  }
}

/** @returns false where the source has no way to */
async function cancelAtSource(
  deps: ActivityDeps,
  { runId, planId, job }: ExportJobRow,
  redactor: ReturnType<typeof createRedactor>,
): Promise<boolean> {
  const run = await getRun(deps.db, runId);
  const sync = await readSync(deps.db, run.syncId);
  const frozen = await readFrozen(deps.db, planId);
  const now = await loadConnection(deps, frozen?.connection.id ?? sync.connectionId);
  const connection = frozen === null ? now : thawConnection(deps, frozen.connection, now);
  const signal = AbortSignal.any([AbortSignal.timeout(CANCEL_TIMEOUT_MS), Context.current().cancellationSignal]);
  const asker = personAsks(Date.now() + CANCEL_TIMEOUT_MS);
  const source = await openSource(deps, connection, frozen?.sourceConfig ?? sync.sourceConfig, {
    ...{ signal, redactor, asker },
  });
  try {
    if (source.cancelJob === undefined) return false;
    await source.cancelJob(job);
    return true;
  } finally {
    await source.close();
  }
}
