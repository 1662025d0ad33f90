import { sql } from "kysely";
import type { Db } from "./client.ts";

/** Any numbers that no other advisory lock of this database uses. */
const LOCKS = { reconcile: 7_274_001, retain: 7_274_002 };

/** A leader that is stopped in the middle of a pass loses its session, and with it the lock, after this long. */
const LONGEST_PASS = { reconcile: "60s", retain: "600s" };

/**
 * Runs `work` if no other process of this control database is doing the same now.
 * @returns whether it did
 */
export async function asLeader(db: Db, what: keyof typeof LOCKS, work: () => Promise<void>): Promise<boolean> {
  return db.connection().execute(async (session) => {
    const tried = await sql<{ won: boolean }>`
      select pg_try_advisory_lock(${LOCKS[what]}) as won, set_config('idle_session_timeout', ${LONGEST_PASS[what]}, false)`.execute(
      session,
    );
    try {
      if (tried.rows[0]?.won !== true) return false;
      await work();
      return true;
    } finally {
      await sql`select pg_advisory_unlock_all(), set_config('idle_session_timeout', '0', false)`.execute(session);
    }
  });
}
