import { setTimeout as sleep } from "node:timers/promises";
import { APPLICATION_NAME } from "./connection.ts";
import type { Session } from "./session.ts";

const PATIENCE_MS = 5_000;
const POLL_MS = 50;

/**
 * Waits for the transactions that are open in this database to end. A transaction holds a lock on its own virtual id,
 * which every user may see.
 * @returns false when some stay open for longer than a few seconds
 */
export async function openTransactionsEnded(session: Session): Promise<boolean> {
  let open = await openTransactions(session, null);
  const deadline = Date.now() + PATIENCE_MS;
  while (open.length > 0) {
    if (Date.now() > deadline) return false;
    await sleep(POLL_MS);
    open = await openTransactions(session, open);
  }
  return true;
}

/** @param among only these; null for all */
async function openTransactions(session: Session, among: string[] | null): Promise<string[]> {
  const rows = await session.query<{ id: string }>(
    "looking for open transactions",
    `select held.virtualtransaction as id
     from pg_locks as held join pg_stat_activity as activity on activity.pid = held.pid
     where held.locktype = 'virtualxid' and held.granted and held.virtualxid = held.virtualtransaction
       and activity.datname = current_database() and activity.pid <> pg_backend_pid()
       and activity.application_name is distinct from $1
       and activity.backend_type is distinct from 'autovacuum worker'
       and ($2::text[] is null or held.virtualtransaction = any ($2))
     union all
     select 'prepared ' || gid from pg_prepared_xacts
     where database = current_database() and ($2::text[] is null or 'prepared ' || gid = any ($2))`,
    [APPLICATION_NAME, among],
  );
  return rows.map((row) => row.id);
}
