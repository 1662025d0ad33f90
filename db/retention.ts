import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Database } from "./schema.ts";

type Executor = Kysely<Database>;

/**
 * What is old goes, one attempt chain of a sync after the other, oldest first, so that no chain ever looks as if later ones
 * had not been. A chain is old when all of its attempts ended, and were fenced, before the cutoff. The newest chain of a sync
 * stays, and so do the rows of runs that moved a cursor to where it stands: they tell how far the destination has to be.
 */

export interface ExpiredChain {
  rootRunId: string;
  /** One of its runs moved a cursor to where it stands. */
  holdsCursor: boolean;
}

/** Syncs, deleted ones too, with runs that were admitted before the cutoff. */
export async function findSyncsWithOldRuns(db: Executor, olderThan: Date): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from syncs
    where exists (select from runs where runs.sync_id = syncs.id and runs.created_at < ${olderThan})`.execute(db);
  return rows.map((sync) => sync.id);
}

/** What is noted of a run, by the row or more a slice. */
const DETAILS = ["run_events", "rejected_rows", "export_jobs", "run_slices"] as const;

/**
 * Old chains of a sync lose what was noted of their slices and then their plans, so that none of them is resumed from here on.
 * @param request.rowsAtOnce of a table
 * @returns whether all of that has gone, or some is left for the next call. The chains are then for the destination to forget,
 * and for `deleteExpiredRuns`
 */
export async function expireChains(
  db: Executor,
  request: { syncId: string; olderThan: Date; limit: number; rowsAtOnce: number },
): Promise<{ chains: ExpiredChain[]; done: boolean }> {
  return db.transaction().execute(async (trx) => {
    const chains = await lockExpired(trx, request);
    const ids = chains.map((chain) => chain.rootRunId);
    for (const table of DETAILS) {
      const gone = await deleteSome(
        trx,
        table,
        sql`run_id in (select id from runs where attempt_root_run_id = any(${ids}::uuid[]))`,
        request.rowsAtOnce,
      );
      if (gone === request.rowsAtOnce) return { chains, done: false };
    }
    await trx.deleteFrom("plans").where("rootRunId", "in", orNone(ids)).execute();
    return { chains, done: true };
  });
}

/** The rows of chains that the destination has forgotten; those that hold a cursor stay. @returns how many runs went */
export async function deleteExpiredRuns(
  db: Executor,
  request: { syncId: string; olderThan: Date; rootRunIds: string[] },
): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const expired = await lockExpired(trx, {
      ...request,
      limit: request.rootRunIds.length,
      within: request.rootRunIds,
    });
    const gone = expired.filter((chain) => !chain.holdsCursor).map((chain) => chain.rootRunId);
    const { numDeletedRows } = await trx
      .deleteFrom("runs")
      .where("attemptRootRunId", "in", orNone(gone))
      .executeTakeFirstOrThrow();
    return Number(numDeletedRows);
  });
}

/**
 * The lock on the sync keeps new attempts from being admitted meanwhile. Whoever holds a row that we need is at work on it:
 * we come again in an hour.
 * @throws lock_not_available
 */
async function lockExpired(
  trx: Executor,
  request: { syncId: string; olderThan: Date; limit: number; within?: string[] },
): Promise<ExpiredChain[]> {
  const { syncId, olderThan, limit, within } = request;
  await sql`select from syncs where id = ${syncId} for update nowait`.execute(trx);
  const { rows } = await sql<ExpiredChain>`
    with kept as (
      select least(
        (select min(root.created_at) from runs r join runs root on root.id = r.attempt_root_run_id
         where r.sync_id = ${syncId}
           and (r.completed_at is null or r.completed_at >= ${olderThan} or r.fenced_at is null)),
        (select max(root.created_at) from runs root join syncs s on s.id = root.sync_id
         where root.sync_id = ${syncId} and root.attempt_number = 1 and s.deleted_at is null)
      ) as since
    ),
    holders as (
      select r.attempt_root_run_id as root_run_id
      from (select distinct on (entity_key) run_id from cursor_states
            where sync_id = ${syncId} order by entity_key, version desc) newest
      join runs r on r.id = newest.run_id
      join syncs s on s.id = r.sync_id and s.deleted_at is null
    )
    select root.id as root_run_id, root.id in (select root_run_id from holders) as holds_cursor
    from runs root, kept
    where root.sync_id = ${syncId} and root.attempt_number = 1 and root.created_at < ${olderThan}
      and (kept.since is null or root.created_at < kept.since)
      and ${within === undefined ? unfinished : sql`root.id = any(${within}::uuid[])`}
    order by root.created_at limit ${limit}
    for update of root nowait`.execute(trx);
  return rows;
}

/** A chain that holds a cursor comes up once; after that there is nothing more of it to take. */
const unfinished = sql`
  (root.id not in (select root_run_id from holders) or exists (select from plans where root_run_id = root.id))`;

/** Of each entity the newest states stay. */
export async function deleteOldCursorStates(db: Executor, keep: number): Promise<void> {
  await sql`
    delete from cursor_states old using (
      select sync_id, entity_key, max(version) as newest from cursor_states group by sync_id, entity_key
    ) state
    where old.sync_id = state.sync_id and old.entity_key = state.entity_key and old.version <= state.newest - ${keep}::integer`.execute(
    db,
  );
}

/**
 * Deleted syncs whose last run has gone. A table in the destination may still be a deleted sync's: the binding that says so,
 * and its sync, stay, so that another sync can inherit it.
 */
export async function deleteOldSyncs(db: Executor, olderThan: Date): Promise<void> {
  const gone = sql`select id from syncs s where s.deleted_at < ${olderThan} and not exists (select from runs where sync_id = s.id)`;
  await db.transaction().execute(async (trx) => {
    await sql`delete from cursor_states where sync_id in (${gone})`.execute(trx);
    await sql`delete from table_bindings where frozen_at is null and sync_id in (${gone})`.execute(trx);
    await sql`
      delete from syncs where id in (${gone}) and not exists (select from table_bindings where sync_id = syncs.id)`.execute(
      trx,
    );
  });
}

/** Of records that are of use for a while and belong to nothing: audit. @returns how many went, at most `limit` */
export function deleteOldAudit(db: Executor, olderThan: Date, limit: number): Promise<number> {
  return deleteSome(db, "audit_events", sql`at < ${olderThan}`, limit);
}

/** Likewise, of checks and discoveries. */
export function deleteOldConnectionTasks(db: Executor, olderThan: Date, limit: number): Promise<number> {
  return deleteSome(db, "connection_tasks", sql`created_at < ${olderThan}`, limit);
}

async function deleteSome(db: Executor, table: string, where: RawBuilder<unknown>, limit: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from ${sql.table(table)} where ctid = any(array(
      select ctid from ${sql.table(table)} where ${where} limit ${limit}))`.execute(db);
  return Number(numAffectedRows);
}

/** Kysely has no `in ()`. */
function orNone(ids: string[]): string[] {
  return ids.length === 0 ? ["00000000-0000-0000-0000-000000000000"] : ids;
}
