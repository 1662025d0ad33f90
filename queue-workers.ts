import type { NativeConnection } from "@temporalio/worker";
import { Worker } from "@temporalio/worker";
import { PAYLOAD_CONVERTER_PATH } from "./control/temporal.ts";
import { queueOf, WORK_KINDS, type WorkKind } from "./core/queues.ts";

/** The workers of one process, one for each task queue, so that each kind of work has slots of its own. */
export interface QueueWorkers {
  /** Resolves when all have stopped. @throws what one of them failed with, once the others have stopped */
  run(): Promise<void>;
  shutdown(): void;
  /** All of them are at work. */
  running(): boolean;
  /** By queue. */
  slots(): Record<string, { slots: number; used: number }>;
}

export type Slots = Record<WorkKind, number>;

export async function createQueueWorkers(options: {
  connection: NativeConnection;
  namespace: string;
  identity: string;
  /** The bundle of the workflows. */
  codePath: string;
  activities: object;
  kinds: readonly WorkKind[];
  slots: Slots;
}): Promise<QueueWorkers> {
  const { connection, namespace, identity, activities, codePath } = options;
  const kinds = WORK_KINDS.filter((kind) => options.kinds.includes(kind));
  const workers = new Map<WorkKind, Worker>();
  for (const kind of kinds) {
    const worker = await Worker.create({
      ...{ connection, namespace, identity, activities },
      taskQueue: queueOf(kind),
      ...(kind === "workflows" ? { workflowBundle: { codePath } } : {}),
      dataConverter: { payloadConverterPath: PAYLOAD_CONVERTER_PATH },
      maxConcurrentActivityTaskExecutions: options.slots[kind],
      // By default as many as the heap might hold, thousands; one that is not kept is replayed.
      maxCachedWorkflows: 200,
      // A worker that is stopped keeps its polls open, and each one swallows a task until that times out: so, few.
      workflowTaskPollerBehavior: { type: "simple-maximum", maximum: 2 },
      activityTaskPollerBehavior: { type: "simple-maximum", maximum: 2 },
      // A cancel reaches an activity only with a heartbeat, so they must not be held back.
      maxHeartbeatThrottleInterval: "1s",
      defaultHeartbeatThrottleInterval: "1s",
      shutdownGraceTime: "2s",
      shutdownForceTime: "20s",
    });
    workers.set(kind, worker);
  }
  const shutdown = (): void => {
    for (const worker of workers.values()) if (worker.getState() === "RUNNING") worker.shutdown();
  };
  return {
    async run() {
      const runs = [...workers.values()].map((worker) => worker.run());
      // One that has failed takes the others with it: the process is started again, rather than half of it.
      await Promise.all(runs).catch(shutdown);
      await Promise.allSettled(runs);
      await Promise.all(runs);
    },
    shutdown,
    running: () => [...workers.values()].every((worker) => worker.getState() === "RUNNING"),
    slots: () =>
      Object.fromEntries(
        [...workers].map(([kind, worker]) => [
          queueOf(kind),
          { slots: options.slots[kind], used: worker.getStatus().numInFlightActivities },
        ]),
      ),
  };
}
