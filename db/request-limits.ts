import { sql } from "kysely";
import type { Leave, Settlement, Spend } from "../core/budgets.ts";
import { secondsToRestore } from "../core/serve-time.ts";
import type { Db } from "./client.ts";
import { COUNTS_MAY_BE_LOST, GRANTED_AHEAD_SECONDS, laneOf, type RequestHolder, waitInQueue } from "./request-queue.ts";

/** Limits that all processes keep to together: one row for each bucket of a connection. */

/**
 * Counts one request in all of its buckets, or in none. Where the limit allows it and nobody waits, this is one statement.
 * @param place an earlier leave's
 */
export async function reserveRequest(
  db: Db,
  holder: RequestHolder,
  spends: readonly Spend[],
  place?: number,
): Promise<Leave> {
  if (spends.length === 0) return { given: true, waitMs: 0, place: 0 };
  if (place === undefined) {
    const leave = await countAtOnce(db, holder, spends);
    if (leave !== null) return leave;
  }
  return waitInQueue(db, holder, spends, place);
}

/** Null where it has to look at the queue: somebody waits, the limit is used up, or a bucket is new. */
async function countAtOnce(
  db: Db,
  { connectionId, holder }: RequestHolder,
  spends: readonly Spend[],
): Promise<Leave | null> {
  // Each row is locked in the order of the names, as everybody locks them.
  const { rows } = await sql<{ waitMs: number; place: number }>`
    with asked as (
      select * from jsonb_to_recordset(${JSON.stringify(spends)}::jsonb)
        as a (bucket text, cost float8, "perSecond" float8, burst float8)
    ),
    held as materialized (
      select l.bucket, l.queue_until, a.cost * r.second_per_unit as step, greatest(
        l.next_at - make_interval(secs => (greatest(1, r.burst) - least(a.cost, greatest(1, r.burst))) * r.second_per_unit),
        l.blocked_until) as free_at
      from request_limits l
        join asked a on a.bucket = l.bucket
        cross join lateral (select
          ${secondsToRestore(1, 1)}::float8 / case when l.learned_at > now() - interval '1 day'
            then coalesce(l.learned_per_second, a."perSecond") else a."perSecond" end as second_per_unit,
          case when l.learned_at > now() - interval '1 day'
            then coalesce(l.learned_burst, a.burst) else a.burst end as burst) r
      where l.connection_id = ${connectionId}
      order by l.bucket for update of l
    ),
    decided as materialized (
      select now, greatest(now, free_at) as at,
        known and open and free_at <= now + make_interval(secs => ${GRANTED_AHEAD_SECONDS}) as given
      from (
        select clock_timestamp() as now, max(free_at) as free_at, count(*) = ${spends.length} as known,
          coalesce(bool_and(queue_until < clock_timestamp()), true) as open
        from held
      ) seen
    ),
    counted as (
      update request_limits l set next_at = greatest(l.next_at, d.at) + make_interval(secs => h.step)
      from held h, decided d
      where d.given and l.connection_id = ${connectionId} and l.bucket = h.bucket
    ),
    used as (
      delete from request_tickets t using decided d
      where d.given and t.connection_id = ${connectionId} and t.holder = ${holder} and t.lane = ${laneOf(spends)}
    )
    select extract(epoch from at - now)::float8 * 1000 as "waitMs",
      (extract(epoch from now) * 1e6)::int8 as place, ${COUNTS_MAY_BE_LOST}
    from decided where given`.execute(db);
  const [row] = rows;
  return row === undefined ? null : { given: true, waitMs: row.waitMs, place: row.place };
}

/** Nobody sends from this bucket before `until`. Never shortens what is there. */
export async function blockRequests(
  db: Db,
  { connectionId, bucket }: { connectionId: string; bucket: string },
  until: Date,
): Promise<void> {
  // The clocks of this machine and of the database may differ.
  const seconds = (until.getTime() - Date.now()) / 1000;
  await sql`
    insert into request_limits as l (connection_id, bucket, blocked_until)
    values (${connectionId}, ${bucket}, clock_timestamp() + make_interval(secs => ${seconds}::float8))
    on conflict (connection_id, bucket) do update
      set blocked_until = greatest(l.blocked_until, excluded.blocked_until)`.execute(db);
}

/** Keeps what the answer to a request says of the limits. @param spends as the request was reserved with */
export async function settleRequest(
  db: Db,
  connectionId: string,
  spends: readonly Spend[],
  settlements: readonly Settlement[],
): Promise<void> {
  const known = settlements.flatMap((each) => {
    const spend = spends.find(({ bucket }) => bucket === each.bucket);
    return spend === undefined
      ? []
      : [{ ...each, counted: spend.cost, declared: spend.perSecond, size: each.burst ?? spend.burst }];
  });
  if (known.length === 0) return;
  await sql`
    with said as materialized (
      select s.*, ${secondsToRestore(1, 1)}::float8 / coalesce(s."perSecond", case when l.learned_at > now() - interval '1 day'
        then coalesce(l.learned_per_second, s.declared) else s.declared end) as second_per_unit
      from jsonb_to_recordset(${JSON.stringify(known)}::jsonb) as s (bucket text, counted float8, cost float8,
          remaining float8, "perSecond" float8, burst float8, "blockedSeconds" float8, declared float8, size float8)
        join request_limits l on l.connection_id = ${connectionId} and l.bucket = s.bucket
      order by l.bucket for update of l
    )
    update request_limits l set
      next_at = greatest(
        l.next_at - make_interval(secs => coalesce(s.counted - s.cost, 0) * s.second_per_unit),
        clock_timestamp() + make_interval(secs => (s.size - s.remaining) * s.second_per_unit)),
      blocked_until = greatest(l.blocked_until, clock_timestamp() + make_interval(secs => s."blockedSeconds")),
      learned_per_second = coalesce(s."perSecond", l.learned_per_second),
      learned_burst = coalesce(s.burst, l.learned_burst),
      learned_at = case when s."perSecond" is null and s.burst is null then l.learned_at else now() end
    from said s where l.connection_id = ${connectionId} and l.bucket = s.bucket`.execute(db);
}
