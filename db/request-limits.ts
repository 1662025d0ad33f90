import { type RawBuilder, sql } from "kysely";
import type { Db } from "./client.ts";

/** Rates that all processes keep to together: one row for each bucket of a connection. */
export interface RequestBucket {
  connectionId: string;
  bucket: string;
}

export interface RequestRate {
  /** The steady rate. */
  perSecond: number;
  /** So many may be sent at once after a pause. */
  burst: number;
  /** Who would have to wait longer is not counted and has to ask again; absent: everybody is counted. */
  maxWaitMs?: number;
}

/**
 * Counts one request, by GCRA: the row holds when the next one is due at the steady rate, and `burst - 1` may run ahead of it.
 * @returns milliseconds to wait before it is sent; more than `maxWaitMs` when it was not counted
 */
export async function reserveRequest(
  db: Db,
  { connectionId, bucket }: RequestBucket,
  { perSecond, burst, maxWaitMs }: RequestRate,
): Promise<number> {
  const step = sql`make_interval(secs => ${1 / perSecond})`;
  const ahead = sql`make_interval(secs => ${(Math.max(1, burst) - 1) / perSecond})`;
  const next = sql`greatest(l.next_at, l.blocked_until, clock_timestamp())`;
  const waitMs = (at: RawBuilder<unknown>) =>
    sql<number>`extract(epoch from greatest(${at} - ${ahead}, l.blocked_until) - clock_timestamp())::float8 * 1000`;

  const { rows: counted } = await sql<{ waitMs: number }>`
    insert into request_limits as l (connection_id, bucket, next_at)
    values (${connectionId}, ${bucket}, clock_timestamp() + ${step})
    on conflict (connection_id, bucket) do update set next_at = ${next} + ${step}
      where ${waitMs(next)} <= ${maxWaitMs ?? Number.POSITIVE_INFINITY}::float8
    returning ${waitMs(sql`(l.next_at - ${step})`)} as "waitMs"`.execute(db);
  if (counted[0]) return Math.max(0, Math.ceil(counted[0].waitMs));

  const { rows: refused } = await sql<{ waitMs: number }>`
    select ${waitMs(next)} as "waitMs" from request_limits as l
    where connection_id = ${connectionId} and bucket = ${bucket}`.execute(db);
  // It can have become free between the two statements; nothing was counted all the same.
  return Math.max((maxWaitMs ?? 0) + 1, Math.ceil(refused[0]?.waitMs ?? 0));
}

/** Nobody sends from this bucket before `until`. Never shortens what is there. */
export async function blockRequests(db: Db, { connectionId, bucket }: RequestBucket, until: Date): Promise<void> {
  await sql`
    insert into request_limits as l (connection_id, bucket, blocked_until) values (${connectionId}, ${bucket}, ${until})
    on conflict (connection_id, bucket) do update
      set blocked_until = greatest(l.blocked_until, excluded.blocked_until)`.execute(db);
}
