import type { Client } from "@temporalio/client";
import type { Logger } from "pino";
import { CONTRACT } from "../core/workflow-contract.ts";
import type { Db } from "../db/client.ts";
import { noteLostWorkers, takeBackWork } from "../db/run-activities.ts";
import { BEAT_SECONDS, beatWorker, retireWorker } from "../db/workers.ts";
import { type Loop, startLoop } from "./loop.ts";

const TEMPORAL_TIMEOUT_MS = 3_000;
/** A longer break between two beats: the control database was away, or this process was paused. */
const LONGEST_BREAK_MS = 2.5 * BEAT_SECONDS * 1000;
/** After a break, the others need this long to be heard again: a beat that failed is tried again within 15 s. */
const OTHERS_RETURN_MS = 2 * BEAT_SECONDS * 1000;

export interface BeatDeps {
  db: Db;
  worker: { id: string; executorId: string; version: string };
  slots(): Record<string, { slots: number; used: number }>;
  reachesTemporal(): Promise<boolean>;
  /** Unix milliseconds. */
  now(): number;
}

/** Keeps the worker's own row in the control database, and notes which others are not heard of any more. */
export function startWorkerBeat(
  options: Pick<BeatDeps, "db" | "worker" | "slots"> & { client: Client; log: Logger },
): Loop {
  const { db, worker, slots, client, log } = options;
  const work = createBeat({ db, worker, slots, reachesTemporal: () => reaches(client), now: Date.now });
  const loop = startLoop({ name: "beat", everyMs: BEAT_SECONDS * 1000, log, work });
  return {
    ...loop,
    async stop() {
      await loop.stop();
      await retireWorker(db, worker.id);
    },
  };
}

/** One beat. After an outage of the control database every row is old, so whoever is back first judges nobody until the others had their time. */
export function createBeat({ db, worker, slots, reachesTemporal, now }: BeatDeps): () => Promise<void> {
  let temporalAwaySince: Date | null = null;
  let beatAtMs = Number.NEGATIVE_INFINITY;
  let steadySinceMs = now();
  return async () => {
    temporalAwaySince = (await reachesTemporal()) ? null : (temporalAwaySince ?? new Date(now()));
    await beatWorker(db, { ...worker, contract: CONTRACT, queues: slots(), temporalAwaySince });
    if (now() - beatAtMs > LONGEST_BREAK_MS) {
      steadySinceMs = now();
      await takeBackWork(db, worker.id);
    }
    beatAtMs = now();
    if (beatAtMs - steadySinceMs >= OTHERS_RETURN_MS) await noteLostWorkers(db);
  };
}

async function reaches(client: Client): Promise<boolean> {
  try {
    await client.withDeadline(Date.now() + TEMPORAL_TIMEOUT_MS, () => client.workflowService.getSystemInfo({}));
    return true;
  } catch {
    return false;
  }
}
