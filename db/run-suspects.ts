import { type Kysely, sql } from "kysely";
import type { Database } from "./schema.ts";

type Executor = Kysely<Database>;

/** Which rows the reconciler looks at, and what it notes on them. */

/** Dispatched, not ended, and silent or overdue: Temporal has to be asked. */
export async function findSuspects(db: Executor, limit: number): Promise<string[]> {
  const suspects = await sql<{ id: string }>`
    select id from runs
    where completed_at is null and dispatched_at is not null
      and (cancel_requested_at is not null
        or coalesce(backend_heartbeat_at, dispatched_at) < now() - interval '20 seconds'
        or status = 'pending' and dispatched_at < now() - interval '20 seconds')
    order by updated_at limit ${limit}`.execute(db);
  return suspects.rows.map((run) => run.id);
}

/** Of the given runs, those that have not ended (`open`) or have (`ended`). */
export async function filterRuns(db: Executor, runIds: string[], which: "open" | "ended"): Promise<string[]> {
  if (runIds.length === 0) return [];
  const rows = await db
    .selectFrom("runs")
    .select("id")
    .where("id", "in", runIds)
    .where("completedAt", which === "open" ? "is" : "is not", null)
    .execute();
  return rows.map((run) => run.id);
}

/** Syncs that are deleted or archived while a run of theirs goes on. */
export async function findInactiveSyncsWithRuns(db: Executor): Promise<string[]> {
  const rows = await sql<{ id: string }>`
    select distinct s.id from syncs s join runs r on r.sync_id = s.id
    where (s.deleted_at is not null or s.status = 'archived') and r.completed_at is null and r.cancel_requested_at is null`.execute(
    db,
  );
  return rows.rows.map((sync) => sync.id);
}

export async function noteBackend(
  db: Executor,
  runId: string,
  backend: { ref: string; url: string | null; status: Record<string, unknown> },
): Promise<void> {
  await sql`
    update runs set backend_run_ref = ${backend.ref}, backend_run_url = coalesce(${backend.url}, backend_run_url),
      backend_status = ${JSON.stringify(backend.status)}::jsonb, updated_at = now()
    where id = ${runId} and completed_at is null`.execute(db);
}
