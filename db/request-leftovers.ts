import { sql } from "kysely";
import type { Db } from "./client.ts";

/** A run has ended: nobody comes back for its places. Idempotent. */
export async function forgetRunRequests(db: Db, runId: string): Promise<void> {
  await db.deleteFrom("requestTickets").where("runId", "=", runId).execute();
  await db.deleteFrom("requestLeases").where("runId", "=", runId).execute();
}

/**
 * Places that nobody has come back for, and what is known of limits that nobody has used for a day. By then each limit has got everything
 * back, so that a row that is made anew says the same.
 */
export async function deleteOldRequestLimits(db: Db): Promise<void> {
  await sql`
    delete from request_tickets t
    where t.due_at < now() - interval '1 day' or exists (
      select from runs r where r.id = t.run_id and r.completed_at is not null)`.execute(db);
  await sql`delete from request_leases where ends_at < now() - interval '10 minutes'`.execute(db);
  await sql`
    delete from request_limits
    where greatest(next_at, blocked_until, queue_until, learned_at) < now() - interval '1 day'`.execute(db);
}
