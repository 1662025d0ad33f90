import { type Kysely, sql } from "kysely";
import { nextQueue, quietSince } from "./run-live.ts";
import type { Database } from "./schema.ts";
import { isLive, readServedQueues, type ServedQueue } from "./workers.ts";

/** How the whole deployment does, for `/metrics`. */

export interface Fleet {
  /** Runs that have not ended, by status. */
  openRuns: { status: string; count: number; oldestSeconds: number }[];
  /** Runs of the last hour. */
  endedRuns: { status: string; reason: string; count: number }[];
  /** Runs of which no worker holds any work, by the queue of their next work. */
  waitingRuns: { queue: string; count: number; oldestSeconds: number }[];
  queues: Map<string, ServedQueue>;
  workers: { live: number; withoutTemporal: number };
  /** 0 when there is none. */
  oldestDueSeconds: number;
  oldestUndeliveredCancelSeconds: number;
  syncs: { status: string; count: number }[];
}

/** An answer that nobody waits for any more is not worth a long query. */
const STATEMENT_TIMEOUT = "2s";
/** A run is between two pieces of work for this long without anybody's fault. */
const BETWEEN_SECONDS = 5;

const ageOf = (instant: ReturnType<typeof sql>) =>
  sql<number>`greatest(coalesce(extract(epoch from now() - min(${instant})), 0), 0)::float8`;

/** Every try to hand the run to Temporal moves `dispatch_after`, so that does not tell. */
const dueSince = sql<Date>`greatest(runs.updated_at, runs.not_before)`;

/** All of one instant. Reads no run that ended more than an hour ago. */
export async function readFleet(db: Kysely<Database>): Promise<Fleet> {
  return db
    .transaction()
    .setIsolationLevel("repeatable read")
    .setAccessMode("read only")
    .execute(async (trx) => {
      await sql`select set_config('statement_timeout', ${STATEMENT_TIMEOUT}, true)`.execute(trx);
      const openRuns = await sql<Fleet["openRuns"][number]>`
        select status, count(*)::int as count, ${ageOf(sql`coalesce(started_at, created_at)`)} as "oldestSeconds"
        from runs where completed_at is null group by status`.execute(trx);
      const endedRuns = await sql<Fleet["endedRuns"][number]>`
        select status, coalesce(result_reason_code, '') as reason, count(*)::int as count
        from runs where completed_at > now() - interval '1 hour' group by status, reason`.execute(trx);
      const waitingRuns = await sql<Fleet["waitingRuns"][number]>`
        select ${nextQueue} as queue, count(*)::int as count, ${ageOf(quietSince)} as "oldestSeconds"
        from runs
        where completed_at is null and (status in ('running', 'waiting') or status = 'pending' and dispatched_at is not null)
          and ${quietSince} < now() - make_interval(secs => ${BETWEEN_SECONDS})
          and not exists (select from run_activities w where w.run_id = runs.id and w.state = 'working')
        group by 1`.execute(trx);
      const workers = await sql<Fleet["workers"]>`
        select count(*)::int as live, count(temporal_away_since)::int as "withoutTemporal"
        from workers where ${isLive}`.execute(trx);
      const late = await sql<Pick<Fleet, "oldestDueSeconds" | "oldestUndeliveredCancelSeconds">>`
        select (select ${ageOf(dueSince)} from runs
                where status = 'pending' and dispatched_at is null and ${dueSince} <= now()) as "oldestDueSeconds",
               (select ${ageOf(sql`cancel_requested_at`)} from runs
                where completed_at is null and cancel_requested_at is not null and cancel_delivered_at is null)
                 as "oldestUndeliveredCancelSeconds"`.execute(trx);
      const syncs = await sql<Fleet["syncs"][number]>`
        select status, count(*)::int as count from syncs where deleted_at is null group by status`.execute(trx);
      return {
        openRuns: openRuns.rows,
        endedRuns: endedRuns.rows,
        waitingRuns: waitingRuns.rows,
        queues: await readServedQueues(trx),
        workers: workers.rows[0] ?? { live: 0, withoutTemporal: 0 },
        ...(late.rows[0] ?? { oldestDueSeconds: 0, oldestUndeliveredCancelSeconds: 0 }),
        syncs: syncs.rows,
      };
    });
}
