import { type Kysely, sql } from "kysely";
import { queueOf } from "../core/queues.ts";
import { LIVENESS_DEFAULTS, type RunPhase, UNSERVED_SECONDS } from "../core/run-progress.ts";
import type { Database } from "./schema.ts";
import { isLive } from "./workers.ts";

/** What a run that has not ended does, or stands still for: read when somebody asks, so that it is never out of date. */
export interface RunLive {
  phase: RunPhase;
  /** `reason`, `since`, `until` and more; absent while it moves. */
  waiting?: Record<string, unknown>;
  /** Of the activities at work, or waiting to be tried again. */
  pendingActivities: number;
  /** The most tries that one of them has had. */
  attempt: number;
  lastFailure?: string;
}

/** Between two activities, a run is between its phases for this long at most. */
const BETWEEN_SECONDS = 5;

const utc = (instant: ReturnType<typeof sql>) =>
  sql<string>`to_char((${instant}) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

const heartbeatTimeout = sql<string>`make_interval(secs =>
  coalesce((runs.execution_config ->> 'heartbeatTimeoutSeconds')::float8, ${LIVENESS_DEFAULTS.heartbeatTimeoutSeconds}))`;

/** Queue of what the workflow of `runs` does next. */
export const nextQueue = sql<string>`case
  when runs.status = 'pending' then ${queueOf("workflows")}
  when runs.plan_id is null then ${queueOf("plans")}
  else ${queueOf("data")} end`;

/** When something was heard of the work of `runs` last; where the source asked for a wait, the end of that wait, which may be to come. */
export const quietSince = sql<Date>`greatest(runs.backend_heartbeat_at, runs.started_at, runs.dispatched_at, runs.created_at,
  case when runs.status = 'waiting' then coalesce((runs.summary #>> '{waiting,resumeAt}')::timestamptz, 'infinity') end)`;

/** While nobody looks, the clock stands still. */
const noWorker = (queue: unknown) => sql`
  jsonb_build_object('reason', 'no_worker', 'queue', ${queue}::text, 'since', ${utc(sql`stated.quiet_since`)},
    'until', case when exists (select from serving) then ${utc(sql`stated.quiet_since + make_interval(secs => ${UNSERVED_SECONDS})`)} end)`;

/**
 * Rows of `runId` and `live`, the jsonb of `RunLive`, of those of the runs that are neither queued nor ended. What all runs share is read once
 * for all of them, so a page of runs costs little more than one.
 * @param runIds a list of ids, or a query for them, as `in` takes it
 */
export function liveStatesOf(runIds: ReturnType<typeof sql>) {
  return sql<{ runId: string; live: RunLive }>`
    with asked as (
      select runs.id, runs.status, runs.plan_id, ${nextQueue} as queue, ${quietSince} as quiet_since,
             ${heartbeatTimeout} as heartbeat_timeout,
             ${quietSince} < now() - make_interval(secs => ${BETWEEN_SECONDS})
               and coalesce(runs.not_before, '-infinity') < now() as is_quiet
      from runs where runs.id in (${runIds}) and runs.completed_at is null and runs.status <> 'queued'
    ), serving as (
      select queue, bool_and(temporal_away_since is not null) as without_temporal, min(temporal_away_since) as away_since,
             sum((slots ->> 'slots')::int) as slots, sum((slots ->> 'used')::int) as used
      from workers, jsonb_each(queues) as each_queue (queue, slots) where ${isLive} group by queue
    ), held as (
      -- Who notes that a worker is gone may be gone as well.
      select a.run_id, a.activity, a.subject, a.attempt, a.executor_id, a.last_failure, a.reason_code, a.failed_at, a.waiting, workers.seen_at,
             case when a.state = 'working' and ${isLive} is not true then 'lost' else a.state end as state,
             case when a.state = 'working' and ${isLive} is not true then coalesce(workers.seen_at, a.since) else a.since end as since
      from asked join run_activities a on a.run_id = asked.id left join workers on workers.id = a.worker_id
    ), work as (
      select run_id, count(*) as count, max(attempt) as attempt,
             count(*) filter (where state = 'working') as working,
             bool_or(state in ('working', 'retrying') and activity = 'prove') as proving,
             bool_or(state in ('working', 'retrying') and activity = 'slice') as loading,
             bool_or(state in ('working', 'retrying') and activity = 'finish') as finishing,
             bool_or(state in ('working', 'retrying') and activity = 'plan') as planning,
             (array_agg(last_failure order by failed_at desc nulls last))[1] as last_failure,
             (array_agg(waiting || jsonb_strip_nulls(jsonb_build_object(
                 'entityKey', case activity
                   when 'finish' then subject
                   when 'slice' then (select entity_key from run_slices s where s.run_id = a.run_id and s.slice_no = a.subject::int) end))
               order by waiting ->> 'since') filter (where state = 'working' and waiting is not null))[1] as blocked,
             (array_agg(jsonb_build_object('reason', reason_code, 'since', ${utc(sql`failed_at`)}, 'error', last_failure, 'tries', attempt)
               order by since) filter (where state = 'retrying'))[1] as retried,
             (array_agg(jsonb_build_object('reason', 'worker_lost', 'since', ${utc(sql`since`)}, 'executorId', a.executor_id,
                 'until', ${utc(sql`seen_at + heartbeat_timeout`)})
               order by since) filter (where state = 'lost'))[1] as lost
      from asked join held a on a.run_id = asked.id
      group by a.run_id
    ), in_line as materialized (
      select runs.id, rank() over (partition by runs.plan_id is null order by ${quietSince}) - 1 as ahead
      from runs
      where runs.completed_at is null and runs.status in ('running', 'waiting') and ${quietSince} <= now()
        and not exists (select from run_activities w where w.run_id = runs.id and w.state = 'working')
    ), stated as (
      select asked.*, coalesce(work.working, 0) as working, asked.is_quiet and coalesce(work.working, 0) = 0 as stands_still,
             -- A workflow takes none of them.
             asked.status <> 'pending' and coalesce(serving.used >= serving.slots, false) as finds_no_slot
      from asked left join work on work.run_id = asked.id left join serving on serving.queue = asked.queue
    )
    select stated.id as "runId", jsonb_strip_nulls(jsonb_build_object(
      'phase', case
        when work.proving then 'proving' when work.loading then 'loading'
        when work.finishing then 'finishing' when work.planning then 'planning'
        when stated.status = 'pending' then 'starting'
        when stated.stands_still then 'waiting_for_slot'
        when stated.plan_id is null then 'planning' else 'loading' end,
      'waiting', case
        when stated.working > 0 then work.blocked
        when not stated.stands_still then null
        when serving.queue is null then
          ${noWorker(sql`stated.queue`)}
        when serving.without_temporal then
          jsonb_build_object('reason', 'temporal_unavailable', 'since', ${utc(sql`serving.away_since`)})
        -- Once its heartbeat timeout is over, it waits as all other work does.
        when work.lost is not null and ((work.lost ->> 'until')::timestamptz > now() or not stated.finds_no_slot) then work.lost
        when work.retried is not null then work.retried
        when stated.finds_no_slot then jsonb_build_object('reason', 'no_free_slot',
          'queue', stated.queue, 'since', ${utc(sql`stated.quiet_since`)}, 'slots', serving.slots,
          'ahead', (select ahead from in_line where in_line.id = stated.id))
        when stated.plan_id is not null and not exists (select from serving where queue = ${queueOf("records")}) then
          ${noWorker(queueOf("records"))} end,
      'pendingActivities', coalesce(work.count, 0), 'attempt', coalesce(work.attempt, 0), 'lastFailure', work.last_failure)) as live
    from stated left join work on work.run_id = stated.id left join serving on serving.queue = stated.queue`;
}

/** By run; a run that is queued or has ended is missing. */
export async function readLiveStates(
  db: Kysely<Database>,
  runs: readonly { id: string; completedAt: Date | null }[],
): Promise<Map<string, RunLive>> {
  const open = runs.filter(({ completedAt }) => completedAt === null).map(({ id }) => id);
  if (open.length === 0) return new Map();
  const { rows } = await liveStatesOf(sql.join(open)).execute(db);
  return new Map(rows.map(({ runId, live }) => [runId, live]));
}
