import { type RawBuilder, sql } from "kysely";
import type { Leave, Spend } from "../core/budgets.ts";
import { afterSpending, type BucketState, type QueuedTicket, serveTime } from "../core/serve-time.ts";
import type { Db } from "./client.ts";

/**
 * The queue of those who wait for leave to send a request. A ticket is a place in it, and a time that its holder was told. It outlives the
 * activity that asked. A holder that does not come back at its time is passed over: it delays nobody, and is the next one once it is back.
 */

/** What is due so soon is counted at once, and sent when it is due. */
export const GRANTED_AHEAD_SECONDS = 0.1;

/**
 * Nobody waits for the disk: a crash of the database's server forgets at most the last second of what was counted, and nothing else is changed with
 * it.
 */
export const COUNTS_MAY_BE_LOST = sql`set_config('synchronous_commit', 'off', true)`;

/** A holder that is so late for its time is passed over. */
const LATE_SECONDS = 0.25;

/** Who asks for leave. */
export interface RequestHolder {
  connectionId: string;
  /** It has one place in the queue, however many requests it has to send. */
  holder: string;
  /** The place counts while this run does; null: it belongs to no run. */
  runId: string | null;
  /** A person waits: it is served after the first one in the queue, not after the last. */
  urgent: boolean;
}

/** Of buckets, as one text: each holder has one place for it. */
export function laneOf(spends: readonly Spend[]): string {
  return spends
    .map(({ bucket }) => bucket)
    .toSorted()
    .join(" ");
}

interface Ticket extends QueuedTicket {
  holder: string;
  lane: string;
  place: number;
  urgent: boolean;
}

/** What stands there once the buckets are locked, by one clock. */
interface Queue {
  buckets: Map<string, BucketState>;
  /** Of runs that are still to go on. */
  tickets: Ticket[];
  now: string;
  nowMicros: number;
}

/** @param place the place that the holder has had before, where it has no ticket any more */
export async function waitInQueue(
  db: Db,
  holder: RequestHolder,
  spends: readonly Spend[],
  place?: number,
): Promise<Leave> {
  const lane = laneOf(spends);
  return db.transaction().execute(async (trx) => {
    await lockBuckets(trx, holder.connectionId, spends);
    const { buckets, tickets, now, nowMicros } = await readQueue(trx, holder.connectionId, spends);
    const isOwn = (each: Ticket) => each.holder === holder.holder && each.lane === lane;
    const others = tickets.filter((each) => !isOwn(each) && each.dueAt + LATE_SECONDS > 0);
    const own = tickets.find(isOwn)?.place ?? place ?? (holder.urgent ? amongOthers(others, nowMicros) : nowMicros);
    const ahead = others.filter((each) => each.place < own || (each.place === own && each.holder < holder.holder));
    const at = serveTime(spends, buckets, ahead);
    const given = at <= GRANTED_AHEAD_SECONDS;
    const dues = [...others.map((each) => each.dueAt), ...(given ? [] : [at])];
    await write(trx, holder, {
      left: given ? afterSpending(spends, buckets, at) : buckets,
      queueUntil: dues.length === 0 ? null : Math.max(...dues) + LATE_SECONDS,
      now,
      ticket: given ? deleteTicket(holder, lane) : upsertTicket(holder, { lane, spends, place: own, at, now }),
    });
    const blockedFor = Math.max(0, ...[...buckets.values()].map(({ blockedUntil }) => blockedUntil));
    return { given, waitMs: at * 1000, place: own, ...(blockedFor > 0 ? { blockedMs: blockedFor * 1000 } : {}) };
  });
}

/**
 * Behind the first one, so that neither those who wait for long nor people who look at a source stand still. Of several people each
 * goes behind another one.
 */
function amongOthers(tickets: readonly Ticket[], nowMicros: number): number {
  const [people, others] = [true, false].map((urgent) =>
    tickets.filter((each) => each.urgent === urgent).map(({ place }) => place),
  ) as [number[], number[]];
  const before = others.toSorted((a, b) => a - b)[people.length] ?? nowMicros;
  return Math.min(nowMicros, Math.max(before, ...people) + 1);
}

/** In the order of their names, as everybody locks them. */
async function lockBuckets(trx: Db, connectionId: string, spends: readonly Spend[]): Promise<void> {
  const names = spends.map(({ bucket }) => bucket);
  const { rows } = await sql<{ bucket: string }>`
    select bucket from request_limits where connection_id = ${connectionId} and bucket = any(${names}::text[])
    order by bucket for update`.execute(trx);
  if (rows.length === new Set(names).size) return;
  await sql`
    insert into request_limits (connection_id, bucket)
    select ${connectionId}::uuid, bucket from unnest(${names}::text[]) bucket order by bucket
    on conflict do nothing`.execute(trx);
  return lockBuckets(trx, connectionId, spends);
}

/** Its snapshot and its clock are of when everybody else was done with the buckets. */
async function readQueue(trx: Db, connectionId: string, spends: readonly Spend[]): Promise<Queue> {
  const names = spends.map(({ bucket }) => bucket);
  const { rows } = await sql<{
    now: string;
    nowMicros: number;
    buckets: (Omit<BucketState, "perSecond" | "burst"> & Learned)[];
    tickets: (Omit<Ticket, "spends"> & { buckets: string[]; costs: number[] })[];
  }>`
    select now::text, (extract(epoch from now) * 1e6)::int8 as "nowMicros", ${COUNTS_MAY_BE_LOST},
      (select jsonb_agg(jsonb_build_object('bucket', bucket,
          'nextAt', extract(epoch from next_at - now)::float8,
          'blockedUntil', coalesce(extract(epoch from blocked_until - now), 0)::float8,
          'perSecond', case when learned_at > now - interval '1 day' then learned_per_second end,
          'burst', case when learned_at > now - interval '1 day' then learned_burst end))
        from request_limits where connection_id = ${connectionId} and bucket = any(${names}::text[])) as buckets,
      (select coalesce(jsonb_agg(jsonb_build_object('holder', t.holder, 'lane', t.lane, 'place', t.place,
          'urgent', t.urgent, 'buckets', t.buckets, 'costs', t.costs,
          'dueAt', extract(epoch from t.due_at - now)::float8)), '[]')
        from request_tickets t left join runs r on r.id = t.run_id
        where t.connection_id = ${connectionId} and t.buckets && ${names}::text[]
          and (t.run_id is null or (r.completed_at is null and r.status <> 'cancelling'))) as tickets
    from (select clock_timestamp() as now) clock`.execute(trx);
  const [queue] = rows;
  if (queue === undefined) throw new Error("a statement that always gives a row gave none");
  const known = new Map(queue.buckets.map((row) => [row.bucket, row]));
  const buckets = spends.flatMap((declared) => {
    const row = known.get(declared.bucket);
    if (row === undefined) return [];
    const { perSecond, burst, ...state } = row;
    return [{ ...state, perSecond: perSecond ?? declared.perSecond, burst: burst ?? declared.burst }];
  });
  const tickets = queue.tickets.map(({ buckets: names, costs, ...ticket }) => ({
    ...ticket,
    spends: names.map((bucket, index) => ({ bucket, cost: costs[index] ?? 1 })),
  }));
  return { ...queue, buckets: new Map(buckets.map((state) => [state.bucket, state])), tickets };
}

interface Learned {
  bucket: string;
  perSecond: number | null;
  burst: number | null;
}

/** @param change.queueUntil seconds from `now`; null: nobody waits */
async function write(
  trx: Db,
  { connectionId }: RequestHolder,
  change: {
    left: ReadonlyMap<string, BucketState>;
    queueUntil: number | null;
    now: string;
    ticket: RawBuilder<unknown>;
  },
): Promise<void> {
  const { left, now, queueUntil, ticket } = change;
  const buckets = [...left].map(([bucket, { nextAt }]) => ({ bucket, nextAt }));
  await sql`
    with ticket as (${ticket})
    update request_limits l set
      next_at = ${now}::timestamptz + make_interval(secs => b."nextAt"),
      queue_until = ${now}::timestamptz + make_interval(secs => ${queueUntil}::float8)
    from jsonb_to_recordset(${JSON.stringify(buckets)}::jsonb) as b (bucket text, "nextAt" float8)
    where l.connection_id = ${connectionId} and l.bucket = b.bucket`.execute(trx);
}

function deleteTicket({ connectionId, holder }: RequestHolder, lane: string): RawBuilder<unknown> {
  return sql`
    delete from request_tickets
    where connection_id = ${connectionId} and holder = ${holder} and lane = ${lane}`;
}

function upsertTicket(
  { connectionId, holder, runId, urgent }: RequestHolder,
  ticket: { lane: string; spends: readonly Spend[]; place: number; at: number; now: string },
): RawBuilder<unknown> {
  const { lane, spends, place, at, now } = ticket;
  const buckets = spends.map(({ bucket }) => bucket);
  const costs = spends.map(({ cost }) => cost);
  return sql`
    insert into request_tickets (connection_id, holder, lane, run_id, urgent, place, buckets, costs, due_at)
    values (${connectionId}, ${holder}, ${lane}, ${runId}, ${urgent}, ${place}, ${buckets}, ${costs},
      ${now}::timestamptz + make_interval(secs => ${at}::float8))
    on conflict (connection_id, holder, lane) do update set costs = excluded.costs, due_at = excluded.due_at`;
}
