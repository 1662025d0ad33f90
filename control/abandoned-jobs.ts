import { type Client, WorkflowExecutionAlreadyStartedError } from "@temporalio/client";
import type { Logger } from "pino";
import { type CancelJobInput, WORKFLOW_TYPES } from "../core/workflow-contract.ts";
import type { Db } from "../db/client.ts";
import { endAbandonedJob, findForgottenJobs, takeAbandonedJobs } from "../db/export-jobs.ts";

const JOBS_PER_PASS = 50;
/** A day, in which workers try and give up, and an hour for the last of them. */
const PATIENCE_MS = 25 * 60 * 60 * 1000;

interface Deps {
  db: Db;
  client: Client;
  log: Logger;
}

/**
 * Has workers cancel export jobs that nobody waits for any more: their runs were cancelled, terminated or given up, or the chain made
 * others. Nobody waits for the answer: a job that is still there comes up again after a pause, and is left when a day has passed.
 */
export async function cancelAbandonedJobs({ db, client, log }: Deps): Promise<void> {
  for (const job of await findForgottenJobs(db, new Date(Date.now() - PATIENCE_MS))) {
    const error = job.error ?? "No worker of its connection's task queue took it.";
    log.warn(
      { jobId: job.id, runId: job.runId, entityKey: job.entityKey, error },
      "an export job was left at its source",
    );
    await endAbandonedJob(db, job, { outcome: "left", error });
  }
  for (const { id, taskQueue } of await takeAbandonedJobs(db, JOBS_PER_PASS)) {
    try {
      await client.workflow.start<(input: CancelJobInput) => Promise<void>>(WORKFLOW_TYPES.cancelJob, {
        workflowId: `cancel-job/${id}`,
        taskQueue,
        args: [{ jobId: id }],
        // Nobody may be there to take it; the next pass asks again.
        workflowExecutionTimeout: "5m",
        staticSummary: "cancel an export job at its source",
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }
}
