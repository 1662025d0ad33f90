import { TerminalError, TransientError } from "../../core/errors.ts";
import type { Checkpoint, ExportJob } from "../../core/slices.ts";
import type { Batch } from "../batch.ts";

/**
 * Export jobs as steps that can be resumed: a connector says how a job is made, asked about and downloaded, and this says when. What a slice
 * has of its job lies in its checkpoint, so a worker that dies is followed by one that goes on with the same job.
 */

/** What the source says of a job. `lost`: failed, cancelled, expired or gone; `why` is a clause for people. */
export type JobState<Result> =
  | { state: "running"; retryAfterSeconds?: number }
  | { state: "done"; result: Result }
  | { state: "lost"; why: string };

/** Thrown by `download`: the result is not to be had any more, so the job has to be made anew. */
export class JobLostError extends Error {
  override readonly name = "JobLostError";
}

/** Thrown by `create`: the source does no such job for this connection, or not now. Whoever reads otherwise can do so. The message is a clause for people. */
export class JobRefusedError extends Error {
  override readonly name = "JobRefusedError";
}

export interface ExportJobSteps<Result> {
  /** For messages: provider and resource, such as `shopify: orders`. */
  what: string;
  kind: string;
  /** Of the read request. */
  checkpoint: Checkpoint;
  /** Of the read request: the job's name at the source is made of it. */
  sliceName: string;
  /** Columns of the batches. */
  columns: string[];
  /** The rows have a key, so that what a lost job gave may be read again from another one. */
  hasKey: boolean;
  /** Of the read request: rows that only a lost job gave would stay for ones that the source has. */
  isComplete: boolean;
  /** At most so often is the job made for a slice, the first time included. */
  most: number;
  /**
   * Makes the job. @param name unlike that of any other job: use it as idempotency key or as name, where the source takes one
   * @returns the source's id of it
   */
  create(name: string): Promise<string>;
  /** The job that `create` has made under the name; null where there is none. Absent where the source cannot look for one. */
  find?(name: string): Promise<string | null>;
  poll(ref: string): Promise<JobState<Result>>;
  /**
   * The rows of the result.
   * @param position where a batch of an earlier download of the same job ended; null from the start
   */
  download(result: Result, position: Checkpoint): AsyncIterable<Batch>;
}

/** Where a slice stands: in its checkpoint. */
interface Progress {
  job: ExportJob | null;
  /** How often the job was made, or may have been made. */
  made: number;
  /** In the download of the job; null before its first batch. */
  position: Checkpoint;
}

/**
 * The batches of a slice that waits for a job: its checkpoints first, so that the job is known before anybody waits for it, then its rows.
 * @throws TransientError source_job_running: ask again after `retryAfterSeconds`
 * @throws TerminalError source_export_failed: the job was lost as often as it may be made, or after it gave rows that those of another one must not mix with
 */
export async function* runExportJob<Result>(steps: ExportJobSteps<Result>): AsyncGenerator<Batch, void, undefined> {
  const now = progressOf(steps.checkpoint);
  let why = "";
  for (;;) {
    const job = now.job ?? (yield* makeJob(steps, now, why));
    const state = await steps.poll(job.ref);
    if (state.state === "running") throw stillRunning(steps, job, state.retryAfterSeconds);
    if (state.state === "lost") why = state.why;
    else {
      try {
        for await (const batch of steps.download(state.result, now.position)) {
          now.position = batch.checkpoint;
          yield batch.final ? batch : { ...batch, checkpoint: { ...batch.checkpoint, job } };
        }
        return;
      } catch (error) {
        if (!(error instanceof JobLostError)) throw error;
        why = error.message;
      }
    }
    if (now.position !== null && (steps.isComplete || !steps.hasKey)) {
      const obstacle = steps.isComplete ? "those of another job would mix with them" : "they have no key";
      throw failed(steps, `was lost after some of its rows were loaded, and ${obstacle}: ${why}`);
    }
    now.job = null;
    now.position = null;
  }
}

/** What is about to be done is committed first: a worker that dies meanwhile may have done it. */
async function* makeJob<Result>(
  steps: ExportJobSteps<Result>,
  now: Progress,
  why: string,
): AsyncGenerator<Batch, ExportJob, undefined> {
  const jobOf = (ref: string): ExportJob => {
    return { ref, kind: steps.kind, madeTimes: now.made, madeAt: new Date().toISOString() };
  };
  const mayBeThere = steps.checkpoint?.job === undefined && now.made > 0 && why === "";
  if (mayBeThere && steps.find !== undefined) {
    const found = await steps.find(nameOf(steps, now.made));
    if (found !== null) {
      const job = jobOf(found);
      yield positionOf(steps, { job });
      return job;
    }
    now.made -= 1;
  }
  if (now.made >= steps.most) {
    throw failed(steps, `was made ${now.made} times, and gave no result${why === "" ? "" : `: ${why}`}`);
  }
  now.made += 1;
  yield positionOf(steps, { making: now.made });
  let ref: string;
  try {
    ref = await steps.create(nameOf(steps, now.made));
  } catch (error) {
    if (isRefusal(error)) {
      now.made -= 1;
      yield positionOf(steps, { making: now.made });
    }
    throw error;
  }
  const job = jobOf(ref);
  yield positionOf(steps, { job });
  return job;
}

function nameOf({ sliceName }: { sliceName: string }, time: number): string {
  return `${sliceName}-${time}`;
}

/** The source has heard of it, and did not make it. Whatever else happened, it may have. */
function isRefusal(error: unknown): boolean {
  if (error instanceof TerminalError || error instanceof JobRefusedError) return true;
  if (!(error instanceof TransientError)) return false;
  return error.reasonCode === "source_rate_limited" || error.reasonCode === "source_quota_exhausted";
}

/** A checkpoint alone: it is committed without rows. */
function positionOf({ columns }: { columns: string[] }, checkpoint: Checkpoint): Batch {
  return { kind: "rows", columns, rows: [], checkpoint, final: false };
}

function progressOf(checkpoint: Checkpoint): Progress {
  const { job, making, ...position } = checkpoint ?? {};
  const made = job?.madeTimes ?? (typeof making === "number" ? making : 0);
  return { job: job ?? null, made, position: Object.keys(position).length === 0 ? null : position };
}

const SOONEST_SECONDS = 5;
const LATEST_SECONDS = 5 * 60;
/** A source that names a longer time is asked again after this, so that no attempt ends for a job that goes on. */
const LONGEST_SECONDS = 60 * 60;

/** The longer it runs, the less often it is asked for: a tenth of its age, so that few of a long job's hours are lost at its end. */
function stillRunning(
  { what, kind }: { what: string; kind: string },
  { madeAt }: ExportJob,
  asked: number | undefined,
): TransientError {
  const ageSeconds = Math.max(0, (Date.now() - Date.parse(madeAt)) / 1000);
  const ours = Math.min(LATEST_SECONDS, Math.max(SOONEST_SECONDS, ageSeconds / 10));
  const retryAfterSeconds = asked === undefined ? ours : Math.min(LONGEST_SECONDS, Math.max(1, asked));
  return new TransientError("source_job_running", `${what}: the source is still at the ${kind} job.`, {
    retryAfterSeconds,
  });
}

function failed({ what, kind }: { what: string; kind: string }, how: string): TerminalError {
  return new TerminalError("source_export_failed", `${what}: the ${kind} job ${how}.`, {
    fix: "Look at the job in the source's own tools. The next attempt plans the run again.",
  });
}
