import { z } from "@hono/zod-openapi";
import { instant, uuid } from "./primitives.ts";

const queueSlots = z
  .strictObject({
    slots: z.int().openapi({ description: "Activities that the worker takes from the queue at once." }),
    used: z.int().openapi({ description: "Activities that it works on now. Free slots are the difference." }),
  })
  .openapi("QueueSlots");

const worker = z
  .strictObject({
    executorId: z.string().openapi({ description: "`host:pid`, as in the runs that the worker executes." }),
    id: uuid(),
    live: z.boolean().openapi({ description: "The worker was heard of within the last 35 s." }),
    queues: z.record(z.string(), queueSlots).openapi({
      description: "By task queue. Empty for a worker that was stopped.",
    }),
    seenAt: instant().openapi({ description: "Each worker writes its row every 10 s." }),
    startedAt: instant(),
    temporalAwaySince: instant()
      .nullable()
      .openapi({ description: "Since when the worker cannot reach Temporal; null while it can." }),
    version: z.string(),
  })
  .openapi("Worker");
export type WorkerJson = z.output<typeof worker>;

export const workerList = z.strictObject({ workers: z.array(worker) }).openapi("WorkerList");
