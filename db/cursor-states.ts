import { type Kysely, type Selectable, sql } from "kysely";
import type { CursorTail } from "../core/digests.ts";
import type { CursorStateTable, Database } from "./schema.ts";

type Executor = Kysely<Database>;

/** One version; the newest of a sync and entity is the state. */
export type CursorStateRow = Selectable<CursorStateTable>;

export interface CursorState {
  version: number;
  /** The source's own text; null after a reset: everything is read again. */
  cursor: string | null;
  /** What the plan that moved it saw there; `{}` where nothing is known. Null: moved by an older version. */
  tail: CursorTail | null;
  /** Who set it; null when a run moved it. */
  createdBy: string | null;
}

export async function readCursorState(db: Executor, syncId: string, entityKey: string): Promise<CursorState | null> {
  const state = await db
    .selectFrom("cursorStates")
    .select(["version", "cursor", "tail", "createdBy"])
    .where("syncId", "=", syncId)
    .where("entityKey", "=", entityKey)
    .orderBy("version", "desc")
    .limit(1)
    .executeTakeFirst();
  return state ?? null;
}

/** Of those entities that have a state, by their keys. */
export async function readCursorStates(
  db: Executor,
  syncId: string,
  entityKeys: string[],
): Promise<Map<string, CursorStateRow>> {
  const rows = await db
    .selectFrom("cursorStates")
    .selectAll()
    .distinctOn("entityKey")
    .where("syncId", "=", syncId)
    .where(sql<boolean>`entity_key = any(${entityKeys}::text[])`)
    .orderBy("entityKey")
    .orderBy("version", "desc")
    .execute();
  return new Map(rows.map((row) => [row.entityKey, row]));
}

/** One version of one entity each; those that are not there are absent. */
export async function findCursorVersions(
  db: Executor,
  syncId: string,
  wanted: { entityKey: string; version: number }[],
): Promise<Map<string, CursorStateRow>> {
  const rows = await db
    .selectFrom("cursorStates")
    .selectAll()
    .where("syncId", "=", syncId)
    .where(
      sql<boolean>`(entity_key, version) in (
        select * from jsonb_to_recordset(${JSON.stringify(wanted)}::jsonb) as w("entityKey" text, version integer))`,
    )
    .execute();
  return new Map(rows.map((row) => [row.entityKey, row]));
}

/** Every version of every entity, newest first. @param page.entityKey only of this one; null for all */
export async function listCursorVersions(
  db: Executor,
  page: { syncId: string; entityKey: string | null; limit: number; offset: number },
): Promise<{ versions: CursorStateRow[]; total: number }> {
  let matching = db.selectFrom("cursorStates").where("syncId", "=", page.syncId);
  if (page.entityKey !== null) matching = matching.where("entityKey", "=", page.entityKey);
  const { total } = await matching.select((eb) => eb.fn.countAll<number>().as("total")).executeTakeFirstOrThrow();
  const versions = await matching
    .selectAll()
    .orderBy("createdAt", "desc")
    .orderBy("entityKey")
    .orderBy("version", "desc")
    .limit(page.limit)
    .offset(page.offset)
    .execute();
  return { versions, total };
}

/**
 * What a person says, as the versions after those that there are. @param trx holds the sync's row
 * @param set.states.isOld it is brought back from a version of which no tail was kept, since an older Sluice has moved it
 */
export async function setCursorStates(
  trx: Executor,
  set: {
    syncId: string;
    actor: string;
    states: { entityKey: string; version: number; cursor: string | null; isOld?: boolean }[];
  },
): Promise<CursorStateRow[]> {
  if (set.states.length === 0) return [];
  return trx
    .insertInto("cursorStates")
    .values(
      set.states.map(({ isOld = false, ...state }) => ({
        ...{ ...state, syncId: set.syncId, createdBy: set.actor },
        tail: isOld ? null : JSON.stringify({}),
      })),
    )
    .returningAll()
    .execute();
}

/** `createdBy` of a state without a cursor, whose token the source has let expire. */
export const FEED_EXPIRED_ACTOR = "system:source_cursor_expired";

/**
 * The source does not accept the cursor any more: a version without one follows it, so that whoever plans next reads everything. A state
 * that is not the one the plan started from stays.
 */
export async function expireCursor(
  trx: Executor,
  of: { syncId: string; entityKey: string; fromVersion: number },
): Promise<void> {
  await sql`
    insert into cursor_states (sync_id, entity_key, version, cursor, created_by)
    select ${of.syncId}, ${of.entityKey}, ${of.fromVersion + 1}, null, ${FEED_EXPIRED_ACTOR}
    where ${of.fromVersion} = (select coalesce(max(version), 0) from cursor_states
                               where sync_id = ${of.syncId} and entity_key = ${of.entityKey})
    on conflict do nothing`.execute(trx);
}

/**
 * Compare-and-set: moves only if the newest version is the one the plan started from, or this plan's own. A plan of an
 * old chain that finishes late therefore changes nothing. Where the cursor stays, only its tail is noted.
 * @returns whether it moved
 */
export async function advanceCursor(
  trx: Executor,
  move: {
    syncId: string;
    entityKey: string;
    cursor: string;
    /** `{}` where nothing is known. */
    tail: CursorTail;
    fromVersion: number;
    planId: string;
    runId: string;
  },
): Promise<boolean> {
  const tail = JSON.stringify(move.tail);
  await sql`
    update cursor_states state set tail = ${tail}::jsonb
    where sync_id = ${move.syncId} and entity_key = ${move.entityKey} and cursor = ${move.cursor}
      and (version = ${move.fromVersion} or plan_id = ${move.planId}) and tail is distinct from ${tail}::jsonb
      and not exists (select from cursor_states later
                      where later.sync_id = state.sync_id and later.entity_key = state.entity_key
                        and later.version > state.version)`.execute(trx);
  const moved = await sql`
    insert into cursor_states (sync_id, entity_key, version, cursor, tail, run_id, plan_id)
    select ${move.syncId}, ${move.entityKey}, coalesce(newest.version, 0) + 1, ${move.cursor}, ${tail}::jsonb, ${move.runId}, ${move.planId}
    from (select 1) one left join lateral (
      select version, cursor, plan_id from cursor_states
      where sync_id = ${move.syncId} and entity_key = ${move.entityKey} order by version desc limit 1) newest on true
    where (coalesce(newest.version, 0) = ${move.fromVersion} or newest.plan_id = ${move.planId})
      and newest.cursor is distinct from ${move.cursor}
    on conflict do nothing`.execute(trx);
  return Number(moved.numAffectedRows ?? 0) > 0;
}
