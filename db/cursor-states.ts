import { type Kysely, sql } from "kysely";
import type { Database } from "./schema.ts";

type Executor = Kysely<Database>;

export interface CursorState {
  version: number;
  /** The source's own text; null after a reset: everything is read again. */
  cursor: string | null;
  /** Who set it; null when a run moved it. */
  createdBy: string | null;
}

export async function readCursorState(db: Executor, syncId: string, entityKey: string): Promise<CursorState | null> {
  const state = await db
    .selectFrom("cursorStates")
    .select(["version", "cursor", "createdBy"])
    .where("syncId", "=", syncId)
    .where("entityKey", "=", entityKey)
    .orderBy("version", "desc")
    .limit(1)
    .executeTakeFirst();
  return state ?? null;
}

/**
 * Compare-and-set: moves only if the newest version is the one the plan started from, or this plan's own. A plan of an
 * old chain that finishes late therefore changes nothing.
 * @returns whether it moved
 */
export async function advanceCursor(
  trx: Executor,
  move: { syncId: string; entityKey: string; cursor: string; fromVersion: number; planId: string; runId: string },
): Promise<boolean> {
  const moved = await sql`
    insert into cursor_states (sync_id, entity_key, version, cursor, run_id, plan_id)
    select ${move.syncId}, ${move.entityKey}, coalesce(newest.version, 0) + 1, ${move.cursor}, ${move.runId}, ${move.planId}
    from (select 1) one left join lateral (
      select version, cursor, plan_id from cursor_states
      where sync_id = ${move.syncId} and entity_key = ${move.entityKey} order by version desc limit 1) newest on true
    where (coalesce(newest.version, 0) = ${move.fromVersion} or newest.plan_id = ${move.planId})
      and newest.cursor is distinct from ${move.cursor}
    on conflict do nothing`.execute(trx);
  return Number(moved.numAffectedRows ?? 0) > 0;
}
