import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "@temporalio/client";
import { isUnreachable } from "./temporal.ts";

/** TASK_QUEUE_TYPE_ACTIVITY */
const ACTIVITY_TASKS = 2;
const TIMEOUT_MS = 2_000;

/** Activities that lie in a task queue and that no worker has taken, as Temporal estimates them. */
export interface QueueBacklog {
  queue: string;
  tasks: number;
  /** 0 when there is none. */
  oldestSeconds: number;
}

/** Null while Temporal is away. A server that keeps no statistics gives an empty list. */
export async function readQueueBacklogs(
  client: Client,
  { namespace, queues }: { namespace: string; queues: string[] },
): Promise<QueueBacklog[] | null> {
  const read = async (queue: string): Promise<QueueBacklog[]> => {
    const { stats } = await client.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: queue },
      taskQueueType: ACTIVITY_TASKS,
      reportStats: true,
    });
    if (!stats) return [];
    const { seconds, nanos } = stats.approximateBacklogAge ?? {};
    const tasks = Number(stats.approximateBacklogCount ?? 0);
    return [{ queue, tasks, oldestSeconds: tasks === 0 ? 0 : Number(seconds ?? 0) + (nanos ?? 0) / 1e9 }];
  };
  const all = () => client.withDeadline(Date.now() + TIMEOUT_MS, () => Promise.all(queues.map(read)));
  try {
    // The SDK waits between its tries for longer than the deadline leaves it.
    const backlogs = await Promise.race([all(), sleep(TIMEOUT_MS, null, { ref: false })]);
    return backlogs?.flat() ?? null;
  } catch (error) {
    if (isUnreachable(error)) return null;
    throw error;
  }
}
