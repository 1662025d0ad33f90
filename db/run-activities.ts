import { type Kysely, sql } from "kysely";
import type { ActivityWait } from "../core/run-progress.ts";
import type { Database } from "./schema.ts";
import type { RunActivity } from "./worker-tables.ts";
import { isLive } from "./workers.ts";

/** What works on runs right now, as the activities themselves note it. */

type Executor = Kysely<Database>;

export interface ActivityKey {
  runId: string;
  activity: RunActivity;
  subject: string;
}

/** One try. Of two tries of the same work, the one that Temporal scheduled later holds it; a worker that was paused may still have the other. */
export interface ActivityTry extends ActivityKey {
  /** RFC 3339, by the clock of Temporal's server. */
  scheduledAt: string;
}

export interface ActivityNote extends ActivityTry {
  state: "working" | "retrying";
  attempt: number;
  /** RFC 3339. */
  since: string;
  /** Of the last try that failed; null: this one does not know. */
  failure: { reasonCode: string; message: string } | null;
  waiting: ActivityWait | null;
}

/**
 * In one batch: the notes of work that goes on or has to be tried again, and an end to those of work that is done. What a later try has noted
 * stays. `notes` and `done` name a piece of work once.
 */
export async function writeActivityNotes(
  db: Executor,
  worker: { id: string; executorId: string },
  { notes, done }: { notes: ActivityNote[]; done: ActivityTry[] },
): Promise<void> {
  if (notes.length > 0) {
    await sql`
      insert into run_activities (run_id, activity, subject, state, attempt, worker_id, executor_id, since, reason_code, last_failure, failed_at, waiting, scheduled_at)
      select n."runId", n.activity, n.subject, n.state, n.attempt, ${worker.id}, ${worker.executorId}, n.since,
             n.failure ->> 'reasonCode', left(n.failure ->> 'message', 2000), case when n.failure is not null then now() end, n.waiting, n."scheduledAt"
      from jsonb_to_recordset(${JSON.stringify(notes)}::jsonb)
        as n ("runId" uuid, activity text, subject text, state text, attempt integer, since timestamptz, failure jsonb, waiting jsonb, "scheduledAt" timestamptz)
      join runs on runs.id = n."runId" and runs.completed_at is null
      on conflict (run_id, activity, subject) do update
      set state = excluded.state, attempt = excluded.attempt, worker_id = excluded.worker_id, executor_id = excluded.executor_id,
          since = excluded.since, waiting = excluded.waiting, scheduled_at = excluded.scheduled_at,
          reason_code = coalesce(excluded.reason_code, run_activities.reason_code),
          last_failure = coalesce(excluded.last_failure, run_activities.last_failure),
          failed_at = coalesce(excluded.failed_at, run_activities.failed_at)
      where coalesce(run_activities.scheduled_at, '-infinity') <= excluded.scheduled_at`.execute(db);
  }
  if (done.length > 0) {
    await sql`
      delete from run_activities a
      using jsonb_to_recordset(${JSON.stringify(done)}::jsonb) as d ("runId" uuid, activity text, subject text, "scheduledAt" timestamptz)
      where a.run_id = d."runId" and a.activity = d.activity and a.subject = d.subject
        and coalesce(a.scheduled_at, '-infinity') <= d."scheduledAt"`.execute(db);
  }
}

/** Nothing works on a run that has ended. */
export async function forgetEndedActivities(db: Executor): Promise<void> {
  await sql`
    delete from run_activities a using runs where runs.id = a.run_id and runs.completed_at is not null`.execute(db);
}

/** What an event tells of the work that a worker held. */
const heldWork = sql<string>`(
  select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('activity', activity, 'subject', nullif(subject, ''), 'label', s.label)) order by activity, subject)
  from held left join run_slices s on activity = 'slice' and s.run_id = held.run_id and s.slice_no::text = held.subject
  where held.run_id = of_run.run_id and held.executor_id = of_run.executor_id)`;

/**
 * Work whose worker is not heard of any more waits for another one: an event of its run says so, once.
 * @returns how many runs are concerned
 */
export async function noteLostWorkers(db: Executor): Promise<number> {
  const { rows } = await sql`
    with held as (
      update run_activities set state = 'lost', since = now(), waiting = null
      where state = 'working'
        and not exists (select from workers where workers.id = run_activities.worker_id and ${isLive})
      returning *
    ), of_run as (
      select distinct run_id, executor_id from held
    )
    insert into run_events (run_id, kind, data)
    select run_id, 'worker.lost', jsonb_build_object('executorId', executor_id, 'work', ${heldWork}) from of_run
    returning run_id`.execute(db);
  return rows.length;
}

/** A worker that others took for gone is there again: it holds what nobody else has taken meanwhile. */
export async function takeBackWork(db: Executor, workerId: string): Promise<void> {
  await sql`update run_activities set state = 'working', since = now() where worker_id = ${workerId} and state = 'lost'`.execute(
    db,
  );
}

/** A worker that was stopped has handed its work back. In the transaction that notes it. */
export async function noteStoppedWorker(db: Executor, executorId: string, handedBack: ActivityKey[]): Promise<void> {
  await sql`
    with held as (
      select "runId" as run_id, activity, subject, ${executorId}::text as executor_id
      from jsonb_to_recordset(${JSON.stringify(handedBack)}::jsonb) as h ("runId" uuid, activity text, subject text)
      join runs on runs.id = h."runId" and runs.completed_at is null
    ), of_run as (
      select distinct run_id, executor_id from held
    )
    insert into run_events (run_id, kind, data)
    select run_id, 'worker.stopped', jsonb_build_object('executorId', executor_id, 'work', ${heldWork}) from of_run`.execute(
    db,
  );
}
