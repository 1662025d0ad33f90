import { type Kysely, type Selectable, sql } from "kysely";
import type { Database } from "./schema.ts";
import type { QueueSlots, WorkerTable } from "./worker-tables.ts";

/** Who serves which queue. A worker polls no queue while its slots are taken, so Temporal cannot be asked for that. */

type Executor = Kysely<Database>;

export const BEAT_SECONDS = 10;
/** A worker that missed three beats is taken for gone. */
const SILENT_SECONDS = 35;

/** The worker whose row is `workers` was seen just now, and has not been stopped. */
export const isLive = sql<boolean>`workers.queues <> '{}' and workers.seen_at > now() - make_interval(secs => ${SILENT_SECONDS})`;

export interface WorkerBeat {
  id: string;
  executorId: string;
  version: string;
  contract: number;
  queues: Record<string, QueueSlots>;
  /** Null while it reaches Temporal. */
  temporalAwaySince: Date | null;
}

/** Rows of workers that were killed are taken away a day later: until then they say since when a queue is not served. */
export async function beatWorker(db: Executor, beat: WorkerBeat): Promise<void> {
  const { id, executorId, version, contract, temporalAwaySince } = beat;
  const seen = { queues: JSON.stringify(beat.queues), temporalAwaySince, seenAt: sql<Date>`now()` };
  await db
    .insertInto("workers")
    .values({ id, executorId, version, contract, ...seen })
    .onConflict((conflict) => conflict.column("id").doUpdateSet(seen))
    .execute();
  await sql`delete from workers where seen_at < now() - interval '1 day'`.execute(db);
}

/** It has stopped, and serves nothing any more. */
export async function retireWorker(db: Executor, id: string): Promise<void> {
  await sql`update workers set queues = '{}', seen_at = now() where id = ${id}`.execute(db);
}

export type WorkerRow = Selectable<WorkerTable> & { live: boolean };

/** Those that live first. */
export async function listWorkers(db: Executor): Promise<WorkerRow[]> {
  return db
    .selectFrom("workers")
    .selectAll()
    .select(isLive.as("live"))
    .orderBy("live", "desc")
    .orderBy("startedAt")
    .execute();
}

export interface ServedQueue {
  /** A worker that lives serves it. */
  served: boolean;
  /** When a worker that serves it was seen last. */
  seenAt: Date;
  /** Of all workers that live. */
  slots: number;
  used: number;
}

/**
 * Queues by name; one that no worker has served for a day is missing.
 * @param runId counts only workers that know enough for this run
 */
export async function readServedQueues(db: Executor, runId: string | null = null): Promise<Map<string, ServedQueue>> {
  const able = sql<boolean>`${runId}::uuid is null or workers.contract >= (
    select contract_of_run(run_mode, request, sync_id) from runs where id = ${runId}::uuid)`;
  const { rows } = await sql<ServedQueue & { queue: string }>`
    select queue, bool_or(${isLive}) as served, max(seen_at) as "seenAt",
           coalesce(sum((slots ->> 'slots')::int) filter (where ${isLive}), 0)::int as slots,
           coalesce(sum((slots ->> 'used')::int) filter (where ${isLive}), 0)::int as used
    from workers, jsonb_each(queues) as each_queue (queue, slots)
    where ${able} group by queue`.execute(db);
  return new Map(rows.map(({ queue, ...served }) => [queue, served]));
}
