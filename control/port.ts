import type { Logger } from "pino";
import type { ConnectionTaskOutcome } from "../core/workflow-contract.ts";
import type { Db } from "../db/client.ts";
import { deliverCancel } from "./cancel.ts";
import { runConnectionTask, type TaskOrder } from "./connection-task.ts";
import { dispatchRuns } from "./dispatch.ts";
import { createTemporalClient } from "./temporal.ts";
import type { TemporalOptions } from "./temporal-options.ts";

/** What the API asks of Temporal: to start, to cancel, to check. Nothing that it answers with is read from there. */
export interface ControlPort {
  /** Tries at once; never throws. A loop in every worker starts what could not be started now. */
  dispatchRun(runId: string): Promise<void>;
  /** Never throws; the reconciler delivers what could not be delivered now. */
  deliverCancel(runId: string): Promise<void>;
  /** What was found lies in the task's row. @throws AppError no_worker, check_timeout, temporal_unavailable */
  runConnectionTask(order: TaskOrder): Promise<ConnectionTaskOutcome>;
  temporalReachable(): Promise<boolean>;
}

export function createControlPort(options: {
  db: Db;
  temporal: TemporalOptions;
  temporalUiUrl: string | null;
  log: Logger;
}): ControlPort & { close(): Promise<void> } {
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
    runConnectionTask: (order) => runConnectionTask(client, namespace, order),
    async temporalReachable() {
      try {
        await client.withDeadline(Date.now() + 2_000, () => client.workflowService.getSystemInfo({}));
        return true;
      } catch {
        return false;
      }
    },
    async close() {
      // The caller has long stopped waiting for these, but a retry of gRPC throws when its channel is closed under it.
      await Promise.allSettled(inFlight);
      await client.connection.close();
    },
  };
}
