import { sql } from "kysely";
import type { Db } from "../db/client.ts";

/** Any number that no other advisory lock of this database uses. */
const LEADER_LOCK = 7_274_001;

/** Runs `work` if no other process of this control database is doing so now. The lock goes with the session, so a crash frees it. */
export async function asLeader(db: Db, work: () => Promise<void>): Promise<boolean> {
  return db.connection().execute(async (session) => {
    const tried = await sql<{ won: boolean }>`select pg_try_advisory_lock(${LEADER_LOCK}) as won`.execute(session);
    if (tried.rows[0]?.won !== true) return false;
    try {
      await work();
    } finally {
      await sql`select pg_advisory_unlock(${LEADER_LOCK})`.execute(session);
    }
    return true;
  });
}
