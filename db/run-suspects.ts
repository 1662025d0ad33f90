import { type Kysely, sql } from "kysely";
import { liveStatesOf } from "./run-live.ts";
import type { Database } from "./schema.ts";

type Executor = Kysely<Database>;

/** Which rows the reconciler looks at, and what it notes on them. */

/**
 * Dispatched, not ended, and silent: Temporal has to be asked. Many may wait for a free slot at once, which is no reason: of these, each is
 * asked about every five minutes. Those that are to be cancelled come first.
 * @returns the runs, noted as looked at
 */
export async function takeSuspects(db: Executor, limit: number): Promise<string[]> {
  const silent = sql`completed_at is null and dispatched_at is not null
    and greatest(backend_heartbeat_at, dispatched_at) < now() - interval '20 seconds'`;
  const recent = sql`examined_at > now() - interval '5 minutes'`;
  const suspects = await sql<{ id: string }>`
    with lately as (
      ${liveStatesOf(sql`select id from runs where ${silent} and ${recent}`)}
    )
    update runs set examined_at = now()
    from (
      select id from runs
      where completed_at is null and dispatched_at is not null and cancel_requested_at is not null
        or ${silent} and not exists (
          select from lately where "runId" = runs.id and live #>> '{waiting,reason}' = 'no_free_slot')
      order by cancel_requested_at is null, examined_at nulls first limit ${limit}
    ) taken
    where runs.id = taken.id returning runs.id`.execute(db);
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
  backend: { ref: string; url: string | null },
): Promise<void> {
  await sql`
    update runs set backend_run_ref = ${backend.ref}, backend_run_url = coalesce(${backend.url}, backend_run_url), updated_at = now()
    where id = ${runId} and completed_at is null and backend_run_ref is distinct from ${backend.ref}`.execute(db);
}
