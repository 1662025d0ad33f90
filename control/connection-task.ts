import { type Client, WorkflowExecutionAlreadyStartedError, WorkflowFailedError } from "@temporalio/client";
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  TerminatedFailure,
  TimeoutFailure,
} from "@temporalio/common";
import { AppError } from "../core/errors.ts";
import { queueOf } from "../core/queues.ts";
import type { ReasonCode } from "../core/result-reasons.ts";
import {
  type ConnectionTaskInput,
  type ConnectionTaskOutcome,
  PLAN_TASK_MINUTES,
  WORKFLOW_TYPES,
} from "../core/workflow-contract.ts";
import type { Db } from "../db/client.ts";
import { readServedQueues } from "../db/workers.ts";
import { isUnreachable } from "./temporal.ts";

const TASK_TIMEOUT_MS = 30_000;
/** What an activity throws where no contract knows the error. */
const DEFECT: ReasonCode = "internal_error";
const WORKER_STOPPED: ReasonCode = "worker_shutdown";
const SOURCE_TIMEOUT: ReasonCode = "source_timeout";
/** To hand a task to Temporal, which keeps it until a worker takes it. */
const START_TIMEOUT_MS = 5_000;
/** The first worker's time, and that of those who take over from one that died. */
const PLAN_LIFETIME_MS = (PLAN_TASK_MINUTES + 5) * 60_000;

export interface TaskDeps {
  db: Db;
  client: Client;
}

export interface TaskOrder {
  taskId: string;
  connectionId: string;
  taskQueue: string;
  /** For the message when it takes too long. */
  what: "check" | "discovery";
}

export type PlanOrder = Omit<TaskOrder, "what">;

/**
 * Lets a worker of the connection's task queue do the task and waits for it, at most 30 s. The answer lies in its row.
 * @throws AppError no_worker, check_failed, check_timeout, internal_error, temporal_unavailable
 */
export async function runConnectionTask(
  deps: TaskDeps,
  { taskId, connectionId, taskQueue, what }: TaskOrder,
): Promise<ConnectionTaskOutcome> {
  const { client } = deps;
  try {
    return await client.withDeadline(Date.now() + TASK_TIMEOUT_MS, () =>
      client.workflow.execute<(input: ConnectionTaskInput) => Promise<ConnectionTaskOutcome>>(
        WORKFLOW_TYPES.connectionTask,
        {
          workflowId: `connection-task/${connectionId}/${taskId}`,
          taskQueue,
          args: [{ taskId }],
          // Before the call's own deadline: which of the two ends it is then never open.
          workflowExecutionTimeout: TASK_TIMEOUT_MS - 1_000,
          staticSummary: `look at connection ${connectionId}`,
        },
      ),
    );
  } catch (cause) {
    const failure = cause instanceof WorkflowFailedError ? describeFailure(what, cause) : null;
    if (failure !== null) throw failure;
    if (cause instanceof WorkflowFailedError || isUnreachable(cause))
      throw (await findReason(deps, taskQueue, cause)) ?? tookTooLong(what, cause);
    throw cause;
  }
}

/**
 * Hands a plan to a worker of the task queue; what it finds lies in the task's row. Idempotent.
 * @throws AppError temporal_unavailable
 */
export async function startPlanTask(client: Client, { taskId, connectionId, taskQueue }: PlanOrder): Promise<void> {
  try {
    await client.withDeadline(Date.now() + START_TIMEOUT_MS, () =>
      client.workflow.start<(input: ConnectionTaskInput) => Promise<ConnectionTaskOutcome>>(
        WORKFLOW_TYPES.connectionTask,
        {
          workflowId: `connection-task/${connectionId}/${taskId}`,
          workflowIdReusePolicy: "REJECT_DUPLICATE",
          taskQueue,
          args: [{ taskId, lasting: true }],
          workflowExecutionTimeout: PLAN_LIFETIME_MS,
          staticSummary: `plan of connection ${connectionId}`,
        },
      ),
    );
  } catch (cause) {
    if (cause instanceof WorkflowExecutionAlreadyStartedError) return;
    if (isUnreachable(cause)) throw temporalUnavailable(cause);
    throw cause;
  }
}

/** @returns null while a worker serves the queue; AppError no_worker or temporal_unavailable otherwise */
export function findNoWorker(deps: TaskDeps, taskQueue: string): Promise<AppError | null> {
  return findReason(deps, taskQueue, undefined);
}

/** What ended the task, in its own words. Null: nothing did in time, for which there may be a reason to be looked for. */
function describeFailure(what: TaskOrder["what"], failed: WorkflowFailedError): AppError | null {
  const thrown = failed.cause instanceof ActivityFailure ? failed.cause.cause : failed.cause;
  if (thrown === undefined || thrown instanceof TimeoutFailure) return null;
  if (thrown instanceof CancelledFailure || thrown instanceof TerminatedFailure) {
    const message = `The ${what} of the connection was ended in Temporal by somebody else. Try again.`;
    return new AppError("check_failed", message, { cause: failed });
  }
  const { message, type } = thrown instanceof ApplicationFailure ? thrown : { message: thrown.message, type: null };
  switch (type) {
    case SOURCE_TIMEOUT:
      return tookTooLong(what, failed, message);
    case WORKER_STOPPED: {
      const stopped = `The worker that was at the ${what} of the connection was stopped. Try again.`;
      return new AppError("check_failed", stopped, { cause: failed });
    }
    case DEFECT:
      return new AppError("internal_error", `The ${what} met a defect: ${message}. Report it with the worker's log.`, {
        cause: failed,
      });
    default: {
      const reason = `The ${what} of the connection failed in the worker: ${message} Read the worker's log, then try again.`;
      return new AppError("check_failed", reason, { cause: failed });
    }
  }
}

function tookTooLong(what: TaskOrder["what"], cause: unknown, said?: string): AppError {
  const late = said ?? `The ${what} of the connection did not finish within ${TASK_TIMEOUT_MS / 1000} s.`;
  const message = {
    check: `${late} Look at the worker's log and at the source's network, then try again.`,
    discovery: `${late} Name fewer schemas in the connection's config, or look at the source's load, then try again.`,
  }[what];
  return new AppError("check_timeout", message, { cause });
}

function temporalUnavailable(cause: unknown): AppError {
  return new AppError("temporal_unavailable", "Temporal cannot be reached. Try again when it is back.", { cause });
}

/** Why no answer came: nobody serves the queue, or Temporal itself is away. Null: somebody does, but was too slow. */
async function findReason({ client, db }: TaskDeps, taskQueue: string, cause: unknown): Promise<AppError | null> {
  try {
    await client.withDeadline(Date.now() + 3_000, () => client.workflowService.getSystemInfo({}));
  } catch (unreachable) {
    return temporalUnavailable(unreachable);
  }
  const queues = await readServedQueues(db);
  const missing = [taskQueue, queueOf("looks", taskQueue)].find((queue) => !queues.get(queue)?.served);
  if (missing === undefined) return null;
  return new AppError("no_worker", `No worker serves task queue ${missing}. Start one with npm run start:worker.`, {
    cause,
  });
}
