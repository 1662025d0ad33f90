import { createRoute } from "@hono/zod-openapi";
import { listWorkers, type WorkerRow } from "../../db/workers.ts";
import type { ApiDeps } from "../deps.ts";
import { createRouter } from "../router.ts";
import { ok, problem } from "../schemas/responses.ts";
import { type WorkerJson, workerList } from "../schemas/workers.ts";

const list = createRoute({
  method: "get",
  path: "/api/v1/workers",
  operationId: "listWorkers",
  summary: "List Workers",
  tags: ["Workers"],
  description:
    "Live workers first, with the task queues that they serve and their slots. Workers that are gone are listed for a day.",
  responses: { 200: ok(workerList, "The workers"), 503: problem[503] },
});

export function workerRoutes({ db }: ApiDeps) {
  return createRouter().openapi(list, async (c) => {
    const workers = await listWorkers(db);
    return c.json({ workers: workers.map(presentWorker) }, 200);
  });
}

function presentWorker(worker: WorkerRow): WorkerJson {
  return {
    executorId: worker.executorId,
    id: worker.id,
    live: worker.live,
    queues: worker.queues,
    seenAt: worker.seenAt.toISOString(),
    startedAt: worker.startedAt.toISOString(),
    temporalAwaySince: worker.temporalAwaySince?.toISOString() ?? null,
    version: worker.version,
  };
}
