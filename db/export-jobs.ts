import { type Kysely, type Selectable, sql } from "kysely";
import type { ExportJob } from "../core/slices.ts";
import { inTransaction } from "./client.ts";
import type { ExportJobTable } from "./plan-tables.ts";
import { recordEvent } from "./run-events.ts";
import type { Database } from "./schema.ts";

type Executor = Kysely<Database>;

/** Jobs that sources do for slices, and what becomes of those that nobody waits for any more. */

export type ExportJobRow = Selectable<ExportJobTable>;

/** Before the ledger has the job: a worker that dies in between leaves a job that is known. Idempotent. */
export async function noteExportJob(
  db: Executor,
  made: { runId: string; connectionId: string; planId: string; sliceNo: number; entityKey: string; job: ExportJob },
): Promise<void> {
  await db
    .insertInto("exportJobs")
    .values({ ...made, job: JSON.stringify(made.job) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Those before it were given up, and may go on at the source. */
const isLast = sql<boolean>`not exists (
  select from export_jobs later
  where later.plan_id = j.plan_id and later.slice_no = j.slice_no and later.created_at > j.created_at)`;

/** The slice is done, so its job is. */
export async function endJobsOfSlice(db: Executor, slice: { planId: string; sliceNo: number }): Promise<void> {
  await sql`
    update export_jobs j set ended_at = now(), outcome = 'used'
    where plan_id = ${slice.planId} and slice_no = ${slice.sliceNo} and ended_at is null and ${isLast}`.execute(db);
}

/** Of a worker that died before it could say so. */
async function endUsedJobs(db: Executor): Promise<void> {
  await sql`
    update export_jobs j set ended_at = now(), outcome = 'used'
    where ended_at is null and ${isLast}
      and exists (select from runs maker
                  join runs r on r.attempt_root_run_id = maker.attempt_root_run_id and r.plan_id = j.plan_id
                  join run_slices s on s.run_id = r.id
                  where maker.id = j.run_id and s.slice_no = j.slice_no and s.status = 'done')`.execute(db);
}

/** A later job took its place, the chain was planned anew, or the chain has no attempt that is still to end. */
const isAbandoned = sql<boolean>`(
  not ${isLast}
  or exists (select from plans p join plans newer on newer.root_run_id = p.root_run_id and newer.created_at > p.created_at
             where p.id = j.plan_id)
  or not exists (select from runs maker join runs r on r.attempt_root_run_id = maker.attempt_root_run_id
                 where maker.id = j.run_id and r.completed_at is null))`;

/** The first pause between two tries is half a minute, the longest an hour. */
const PAUSE = sql<Date>`now() + least(interval '1 hour', greatest(interval '30 s', (now() - coalesce(j.cancel_from, now())) / 2))`;

export interface AbandonedJob {
  id: string;
  taskQueue: string;
}

/** Takes jobs that it is time to cancel. Each comes up again after a pause, until it has ended. */
export async function takeAbandonedJobs(db: Executor, limit: number): Promise<AbandonedJob[]> {
  await endUsedJobs(db);
  const { rows } = await sql<AbandonedJob>`
    update export_jobs taken
    set cancel_from = coalesce(taken.cancel_from, now()), next_try_at = due.next_try_at
    from (
      select j.id, c.task_queue, ${PAUSE} as next_try_at
      from export_jobs j join connections c on c.id = j.connection_id
      where j.ended_at is null and j.next_try_at <= now() and ${isAbandoned}
      order by j.next_try_at limit ${limit}
      for update of j skip locked
    ) due
    where taken.id = due.id
    returning taken.id, due.task_queue`.execute(db);
  return rows;
}

/** Those that nobody waits for since before, and that no worker could be asked to cancel. */
export async function findForgottenJobs(db: Executor, before: Date): Promise<ExportJobRow[]> {
  return db
    .selectFrom("exportJobs as j")
    .selectAll()
    .where("endedAt", "is", null)
    .where("cancelFrom", "<", before)
    .where(isAbandoned)
    .execute();
}

/**
 * Is a job of the connection still to be cancelled? Without the connection nobody can. Not where a try to do so has failed, nor two minutes after its
 * run and its sync have gone: then no worker is there that would.
 */
export async function hasJobToCancel(db: Executor, connectionId: string): Promise<boolean> {
  const { rows } = await sql`
    select from export_jobs j join runs maker on maker.id = j.run_id join syncs s on s.id = maker.sync_id
    where j.connection_id = ${connectionId} and j.ended_at is null and j.error is null
      and greatest(maker.completed_at, s.deleted_at) > now() - interval '2 minutes'
    limit 1`.execute(db);
  return rows.length > 0;
}

/** @returns null where it has ended, has gone with its run, or is waited for again by a retry */
export async function findAbandonedJob(db: Executor, jobId: string): Promise<ExportJobRow | null> {
  const row = await db
    .selectFrom("exportJobs as j")
    .selectAll()
    .where("id", "=", jobId)
    .where("endedAt", "is", null)
    .where(isAbandoned)
    .executeTakeFirst();
  return row ?? null;
}

/** The job was cancelled, or is left as it is; an event of its run says so. Idempotent. */
export async function endAbandonedJob(
  db: Executor,
  { id, runId, entityKey, job }: Pick<ExportJobRow, "id" | "runId" | "entityKey" | "job">,
  ending: { outcome: "cancelled" } | { outcome: "left"; error: string },
): Promise<void> {
  await inTransaction(db, async (trx) => {
    const ended = await trx
      .updateTable("exportJobs")
      .set({ ...ending, endedAt: sql<Date>`now()` })
      .where("id", "=", id)
      .where("endedAt", "is", null)
      .executeTakeFirst();
    if (ended.numUpdatedRows === 0n) return;
    const kind = ending.outcome === "cancelled" ? "source.job_cancelled" : "source.job_left";
    const error = "error" in ending ? { error: ending.error } : {};
    await recordEvent(trx, runId, kind, { entityKey, jobKind: job.kind, ...error });
  });
}

/** A try to cancel it failed; it is tried again. */
export async function noteFailedCancel(db: Executor, id: string, error: string): Promise<void> {
  await db.updateTable("exportJobs").set({ error }).where("id", "=", id).where("endedAt", "is", null).execute();
}
