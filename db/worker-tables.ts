import type { JSONColumnType } from "kysely";
import type { CreatedAt, InstantOrNull, JsonOrNull, UpdatedAt } from "./column-types.ts";

/** Slots of one task queue at one worker. */
export interface QueueSlots {
  slots: number;
  used: number;
}

/** A worker process, as it noted itself last. */
export interface WorkerTable {
  id: string;
  /** `host:pid`, as in `runs.executor_id`. */
  executorId: string;
  version: string;
  /** What it knows (`CONTRACT`). */
  contract: number;
  /** By task queue. */
  queues: JSONColumnType<Record<string, QueueSlots>, string, string>;
  temporalAwaySince: InstantOrNull;
  startedAt: CreatedAt;
  seenAt: UpdatedAt;
}

export const RUN_ACTIVITIES = ["plan", "slice", "finish", "prove"] as const;
export type RunActivity = (typeof RUN_ACTIVITIES)[number];

/** Work on a run that has not ended well: it is done, tried again later, or was held by a worker that is not heard of any more. */
export interface RunActivityTable {
  runId: string;
  activity: RunActivity;
  /** Number of the slice, or key of the entity; empty for what concerns the run. */
  subject: string;
  state: "working" | "retrying" | "lost";
  /** Tries in this attempt, this one included. */
  attempt: number;
  workerId: string;
  executorId: string;
  /** Since when this try works, or since when it is waited for the next. */
  since: UpdatedAt;
  reasonCode: string | null;
  lastFailure: string | null;
  failedAt: InstantOrNull;
  /** JSON of `ActivityWait` (core/run-progress.ts). */
  waiting: JsonOrNull;
  /** When Temporal scheduled the try that the row is of. */
  scheduledAt: InstantOrNull;
}
