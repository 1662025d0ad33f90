import type { Logger } from "pino";
import type { AppError } from "../core/errors.ts";
import type { ConnectionTaskOutcome } from "../core/workflow-contract.ts";
import type { Db } from "../db/client.ts";
import { deliverCancel } from "./cancel.ts";
import { findNoWorker, type PlanOrder, runConnectionTask, startPlanTask, type TaskOrder } from "./connection-task.ts";
import { dispatchRuns } from "./dispatch.ts";
import { createNamespaceIdReader } from "./namespace-id.ts";
import { type QueueBacklog, readQueueBacklogs } from "./queue-backlogs.ts";
import { createTemporalClient } from "./temporal.ts";
import type { TemporalOptions } from "./temporal-options.ts";

/**
 * What the API asks of Temporal: to start, to cancel, to check. Nothing that it answers with is read from there; times of
 * schedules are computed with the namespace's id.
 */
export interface ControlPort {
  /** Tries at once; never throws. A loop in every worker starts what could not be started now. */
  dispatchRun(runId: string): Promise<void>;
  /** Never throws; the reconciler delivers what could not be delivered now. */
  deliverCancel(runId: string): Promise<void>;
  /** What was found lies in the task's row. @throws AppError no_worker, check_timeout, temporal_unavailable */
  runConnectionTask(order: TaskOrder): Promise<ConnectionTaskOutcome>;
  /** Does not wait for the plan, which lies in the task's row when it is made. Idempotent. @throws AppError temporal_unavailable */
  startPlanTask(order: PlanOrder): Promise<void>;
  /** Why nobody does the tasks of a queue: AppError no_worker or temporal_unavailable; null where a worker serves it. */
  findNoWorker(taskQueue: string): Promise<AppError | null>;
  temporalReachable(): Promise<boolean>;
  /** On which the jitter of schedules depends. Null where Temporal does not say; never throws. */
  readNamespaceId(): Promise<string | null>;
}

/** What the process needs beside what its routes do. */
interface OwnPort extends ControlPort {
  /** For its metrics: what lies in task queues and was not taken; null while Temporal is away. */
  readQueueBacklogs(queues: string[]): Promise<QueueBacklog[] | null>;
  close(): Promise<void>;
}

export function createControlPort(options: {
  db: Db;
  temporal: TemporalOptions;
  temporalUiUrl: string | null;
  log: Logger;
}): OwnPort {
  const client = createTemporalClient(options.temporal);
  const { namespace } = options.temporal;
  const deps = { ...options, client, namespace };
  const inFlight = new Set<Promise<void>>();
  const track = (work: Promise<void>): Promise<void> => {
    inFlight.add(work);
    return work.finally(() => inFlight.delete(work));
  };
  return {
    dispatchRun: (runId) =>
      track(
        dispatchRuns(deps, { limit: 1, runId }).then(
          () => undefined,
          (error: unknown) =>
            options.log.warn({ err: error, runId }, "the run could not be dispatched at once; a worker does it"),
        ),
      ),
    deliverCancel: (runId) => track(deliverCancel(deps, runId)),
    runConnectionTask: (order) => runConnectionTask(deps, order),
    startPlanTask: (order) => startPlanTask(client, order),
    findNoWorker: (taskQueue) => findNoWorker(deps, taskQueue),
    async temporalReachable() {
      try {
        await client.withDeadline(Date.now() + 2_000, () => client.workflowService.getSystemInfo({}));
        return true;
      } catch {
        return false;
      }
    },
    readNamespaceId: createNamespaceIdReader(deps),
    readQueueBacklogs: (queues) => readQueueBacklogs(client, { namespace, queues }),
    async close() {
      // The caller has long stopped waiting for these, but a retry of gRPC throws when its channel is closed under it.
      await Promise.allSettled(inFlight);
      await client.connection.close();
    },
  };
}
