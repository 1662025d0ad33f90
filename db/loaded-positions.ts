import { type Kysely, sql } from "kysely";
import { inTransaction } from "./client.ts";
import { recordEvent } from "./run-events.ts";
import type { Database } from "./schema.ts";

type Executor = Kysely<Database>;

/** Which attempt moved an entity's cursor to where it stands. The destination heard of that attempt's end before. */
export interface LoadedPosition {
  entityKey: string;
  /** Of the cursor state. */
  version: number;
  rootRunId: string;
  attempt: number;
}

/** Of all entities of a sync whose newest cursor state a run has made; what a person has set is theirs to answer for. */
export async function findLoadedPositions(db: Executor, syncId: string): Promise<LoadedPosition[]> {
  const { rows } = await sql<LoadedPosition>`
    select s.entity_key, s.version, r.attempt_root_run_id as root_run_id, r.attempt_number as attempt
    from (select distinct on (entity_key) entity_key, version, run_id from cursor_states
          where sync_id = ${syncId} order by entity_key, version desc) s
    join runs r on r.id = s.run_id`.execute(db);
  return rows;
}

/** Likewise, of the cursor states that a plan started from. */
export async function findStartPositions(db: Executor, planId: string): Promise<LoadedPosition[]> {
  const { rows } = await sql<LoadedPosition>`
    select s.entity_key, s.version, r.attempt_root_run_id as root_run_id, r.attempt_number as attempt
    from plan_entities e
    join plans p on p.id = e.plan_id
    join cursor_states s on s.sync_id = p.sync_id and s.entity_key = e.entity_key and s.version = e.cursor_version
    join runs r on r.id = s.run_id
    where e.plan_id = ${planId}`.execute(db);
  return rows;
}

/** The chain's last attempt before this one that worked and was fenced. */
export async function findFencedAttempt(
  db: Executor,
  chain: { rootRunId: string; beforeAttempt: number },
): Promise<number | null> {
  const run = await db
    .selectFrom("runs")
    .select("attemptNumber")
    .where("attemptRootRunId", "=", chain.rootRunId)
    .where("attemptNumber", "<", chain.beforeAttempt)
    .where("startedAt", "is not", null)
    .where("fencedAt", "is not", null)
    .orderBy("attemptNumber", "desc")
    .limit(1)
    .executeTakeFirst();
  return run?.attemptNumber ?? null;
}

/**
 * The run has found that the destination lacks what was loaded: its summary and its events say so, once. The positions get a
 * new version without a cursor, so that everything is read and merged; one that has moved meanwhile stays.
 */
export async function recordSetBack(
  db: Executor,
  run: { id: string; syncId: string },
  lost: readonly LoadedPosition[],
): Promise<void> {
  const entityKeys = JSON.stringify(lost.map(({ entityKey }) => entityKey));
  await inTransaction(db, async (trx) => {
    const noted = await sql`
      update runs set summary = summary || jsonb_build_object('destinationSetBack', ${entityKeys}::jsonb), updated_at = now()
      where id = ${run.id} and completed_at is null and not summary ? 'destinationSetBack'`.execute(trx);
    if (noted.numAffectedRows === 1n) {
      await recordEvent(trx, run.id, "destination.set_back", { entityKeys: lost.map(({ entityKey }) => entityKey) });
    }
    for (const { entityKey, version } of lost) {
      await sql`
        insert into cursor_states (sync_id, entity_key, version, cursor, created_by)
        values (${run.syncId}, ${entityKey}, ${version + 1}, null, 'system:destination_set_back')
        on conflict do nothing`.execute(trx);
    }
  });
}
