import type { ReasonCode } from "./result-reasons.ts";
import type { RunStatus } from "./run-lifecycle.ts";
import type { EntityWork } from "./slices.ts";
import type { ExecutionMode } from "./vocabulary.ts";

/** What the API, the control loops and the workflows agree on; all of it is small: ids, counts, labels. */

/**
 * What a run may ask of those who work on it, as `contract_of_run` in the control database tells it, which keeps a run from processes that
 * know less: they would do what they do not know as if it were what they know.
 */
export const CONTRACT = 4;

/** Largest workflow payload that the converter lets through. */
export const MAX_PAYLOAD_BYTES = 64 * 1024;

export function syncRunWorkflowId(runId: string): string {
  return `sync-run/${runId}`;
}

/** Keyword but for `SluiceAttempt` (Int). `RunId` itself is reserved by Temporal. */
export const SEARCH_ATTRIBUTES = {
  SluiceSyncId: "Keyword",
  SluiceSyncSlug: "Keyword",
  SluiceProvider: "Keyword",
  SluiceRunId: "Keyword",
  SluiceRunMode: "Keyword",
  SluiceTriggeredBy: "Keyword",
  SluiceReasonCode: "Keyword",
  SluiceAttempt: "Int",
} as const;

export interface SyncRunInput {
  runId: string;
  /** How the run has gone in executions that were continued as this one; absent in the first. */
  outcome?: RunOutcome;
}

export interface SyncRunResult {
  status: RunStatus;
  resultReasonCode: ReasonCode | null;
  /** The run's, at most 2000 characters; absent where a worker of before tells it. */
  error?: string | null;
}

export interface SliceInput {
  runId: string;
  sliceNo: number;
}

export interface EntityInput {
  runId: string;
  entityKey: string;
}

export interface FinishInput {
  runId: string;
  outcome: RunOutcome;
}

/** Type of the failure with which an activity stops because its run is being cancelled or has ended. */
export const RUN_STOPPED = "run_stopped";

/** `ended`: the row is terminal, there is nothing to do. `cancelling`: go straight to the end. */
export type Beginning =
  | { kind: "begun"; run: BegunRun }
  | { kind: "cancelling" }
  | { kind: "ended"; result: SyncRunResult };

/** What the workflow needs of the run row. */
export interface BegunRun {
  executionMode: ExecutionMode;
  maxConcurrency: number;
  failFast: boolean;
  heartbeatTimeoutSeconds: number;
  /** What is left of it when the execution begins; null: no limit. */
  runTimeoutSeconds: number | null;
  /** The namespace knows Sluice's search attributes; an unknown one would wedge the workflow. */
  searchAttributes: boolean;
}

export interface PlanInput {
  runId: string;
  /** Entities that have failed in this run already: nothing more is done for them. */
  failed: string[];
}

export interface PlannedWork {
  entities: EntityWork[];
  /** There is more than one execution can hold: when this is done, the next one asks again. */
  more: boolean;
}

/** Holds no slot: the workflow sleeps until `resumeAt` (RFC 3339) and asks again. */
export interface Wait {
  kind: "wait";
  resumeAt: string;
  reasonCode: ReasonCode;
}

export type PlanOutcome = PlannedWork | Wait;

export type SliceOutcome = { kind: "done" } | Wait;

export interface EntityFailure {
  entityKey: string;
  reasonCode: ReasonCode;
  message: string;
}

/** How the workflow saw the run end. The finaliser proves or corrects it from the ledger. */
export interface RunOutcome {
  cancelled: boolean;
  /** A failure of the run as a whole, as opposed to one entity's. */
  failure: { reasonCode: ReasonCode; message: string } | null;
  /** One of each entity that failed, the first. */
  entityFailures: EntityFailure[];
  /** The attempt ends here and the next one starts then (RFC 3339): a wait of more than an hour. */
  resumeAt: string | null;
}

/** Workflow types, by name. */
export const WORKFLOW_TYPES = { syncRun: "syncRun", connectionTask: "connectionTask", cancelJob: "cancelJob" } as const;

/** An export job that nobody waits for any more, by its row. */
export interface CancelJobInput {
  jobId: string;
}

/** Longest that the plan of many entities may take, tries of several workers included. */
export const PLAN_TASK_MINUTES = 30;

/** Request and answer lie in the task's row. */
export interface ConnectionTaskInput {
  taskId: string;
  /** It may take minutes, and nobody waits for it: a plan. Absent: seconds. */
  lasting?: true;
}

export interface ConnectionTaskOutcome {
  /** Every check passed. */
  ok: boolean;
}
