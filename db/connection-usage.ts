import { type Kysely, sql } from "kysely";
import type { RunStatus } from "../core/run-lifecycle.ts";
import type { SyncStatus } from "../core/vocabulary.ts";
import type { Database } from "./schema.ts";

/** A sync that reads from a connection, loads into it, or both. */
export interface ConnectionUse {
  id: string;
  slug: string;
  name: string;
  status: SyncStatus;
  isSource: boolean;
  isDestination: boolean;
  runCount: number;
  lastRunId: string | null;
  lastRunStatus: RunStatus | null;
  lastRunAt: Date | null;
}

/** Newest sync first; deleted ones use nothing. */
export async function listUsage(
  db: Kysely<Database>,
  connectionId: string,
  page: { limit: number; offset: number },
): Promise<{ syncs: ConnectionUse[]; total: number }> {
  const using = sql`deleted_at is null
    and (connection_id = ${connectionId} or destination_config ->> 'connectionId' = ${connectionId}::text)`;
  const { rows: counted } = await sql<{ total: number }>`select count(*) as total from syncs where ${using}`.execute(
    db,
  );
  const { rows: syncs } = await sql<ConnectionUse>`
    select s.id, s.slug, s.name, s.status, r.run_count,
      s.connection_id = ${connectionId} as is_source,
      coalesce(s.destination_config ->> 'connectionId' = ${connectionId}::text, false) as is_destination,
      last.id as last_run_id, last.status as last_run_status, last.created_at as last_run_at
    from (
      select * from syncs where ${using}
      order by created_at desc, id desc limit ${page.limit} offset ${page.offset}
    ) s
    cross join lateral (select count(*) as run_count from runs where sync_id = s.id) r
    left join lateral (
      select id, status, created_at from runs where sync_id = s.id order by created_at desc, id desc limit 1
    ) last on true
    order by s.created_at desc, s.id desc`.execute(db);
  return { syncs, total: counted[0]?.total ?? 0 };
}
