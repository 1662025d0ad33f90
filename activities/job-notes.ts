import type { ExportJob } from "../core/slices.ts";
import { endJobsOfSlice, noteExportJob } from "../db/export-jobs.ts";
import type { Batch } from "../providers/batch.ts";
import type { ActivityDeps } from "./deps.ts";
import { outlastOutage } from "./outlast-outage.ts";
import type { RunContext } from "./run-context.ts";
import type { SliceContext } from "./slice-context.ts";

/** Keeps the control database told of the jobs of a slice: from there they are cancelled when nobody waits for them any more. */
export function createJobNotes(
  { db }: Pick<ActivityDeps, "db">,
  { run, connection }: RunContext,
  { planId, sliceNo, entityKey }: SliceContext,
  before: ExportJob | undefined,
) {
  const known = new Set<string>();
  const note = async (job: ExportJob): Promise<void> => {
    if (known.has(job.ref)) return;
    const made = { runId: run.id, connectionId: connection.id, planId, sliceNo, entityKey, job };
    await outlastOutage(() => noteExportJob(db, made));
    known.add(job.ref);
  };
  return {
    /** The same batches. Each job is noted before the first batch that tells of it is committed. */
    async *noting(batches: AsyncIterable<Batch>): AsyncGenerator<Batch, void, undefined> {
      for await (const batch of batches) {
        if (batch.checkpoint?.job) await note(batch.checkpoint.job);
        yield batch;
      }
    },
    /** The slice is done. */
    async end(): Promise<void> {
      if (known.size > 0 || before !== undefined) await outlastOutage(() => endJobsOfSlice(db, { planId, sliceNo }));
    },
  };
}
