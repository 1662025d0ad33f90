import { sql } from "kysely";
import type { Db } from "./client.ts";

/** Rates that all processes keep to together: one row for each bucket of a connection. */
export interface RequestBucket {
  connectionId: string;
  bucket: string;
}

/**
 * Counts one request. The row holds when the next one would be due at the steady rate; up to `burst` may run ahead of it.
 * @returns milliseconds to wait before the request is sent
 */
export async function reserveRequest(
  db: Db,
  { connectionId, bucket }: RequestBucket,
  { perSecond, burst }: { perSecond: number; burst: number },
): Promise<number> {
  const { rows } = await sql<{ waitMs: number }>`
    insert into request_limits as l (connection_id, bucket, next_at)
    values (${connectionId}, ${bucket}, clock_timestamp() + make_interval(secs => ${1 / perSecond}))
    on conflict (connection_id, bucket) do update set next_at =
      greatest(l.next_at, l.blocked_until, clock_timestamp()) + make_interval(secs => ${1 / perSecond})
    returning greatest(0, extract(epoch from greatest(
      next_at - make_interval(secs => ${Math.max(1, burst) / perSecond}), blocked_until) - clock_timestamp()) * 1000)::float8 as "waitMs"`.execute(
    db,
  );
  return Math.ceil(rows[0]?.waitMs ?? 0);
}

/** Nobody sends from this bucket before `until`. Never shortens what is there. */
export async function blockRequests(db: Db, { connectionId, bucket }: RequestBucket, until: Date): Promise<void> {
  await sql`
    insert into request_limits as l (connection_id, bucket, blocked_until) values (${connectionId}, ${bucket}, ${until})
    on conflict (connection_id, bucket) do update
      set blocked_until = greatest(l.blocked_until, excluded.blocked_until)`.execute(db);
}
