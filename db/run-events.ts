import { type Kysely, type Selectable, sql } from "kysely";
import type { RunEventKind } from "../core/run-events.ts";
import type { RunStatus } from "../core/run-lifecycle.ts";
import { inTransaction } from "./client.ts";
import type { Database, RunEventTable } from "./schema.ts";

type Executor = Kysely<Database>;

/**
 * What happened in a run, in the order in which it could be seen. Triggers write what changes a row (migrations/0002_run_events.ts),
 * `recordEvent` the rest.
 */

export type RunEventRow = Selectable<RunEventTable> & { seq: number };

/** In the transaction of what it tells of. */
export async function recordEvent(
  trx: Executor,
  runId: string,
  kind: RunEventKind,
  data: Record<string, unknown>,
): Promise<void> {
  await trx
    .insertInto("runEvents")
    .values({ runId, kind, data: JSON.stringify(data) })
    .execute();
}

/**
 * Events with a `seq` above `after`, lowest first. Whoever has read up to a `seq` misses none by asking for those after it.
 * @param page.limit at most so many
 */
export async function listEvents(
  db: Executor,
  page: { runId: string; after: number; limit: number },
): Promise<{ events: RunEventRow[]; hasNext: boolean }> {
  await numberEvents(db, page.runId);
  const events = await db
    .selectFrom("runEvents")
    .selectAll()
    .where("runId", "=", page.runId)
    .where("seq", ">", page.after)
    .orderBy("seq")
    .limit(page.limit + 1)
    .$narrowType<{ seq: number }>()
    .execute();
  return { events: events.slice(0, page.limit), hasNext: events.length > page.limit };
}

/** How far a run has come: its last event, 0 before the first. Null when there is no such run. */
export async function readEventPosition(
  db: Executor,
  runId: string,
): Promise<{ lastSeq: number; status: RunStatus } | null> {
  // The status first: the event of the end can be seen when the end can.
  const run = await db.selectFrom("runs").select("status").where("id", "=", runId).executeTakeFirst();
  if (!run) return null;
  await numberEvents(db, runId);
  const { lastSeq } = await db
    .selectFrom("runEvents")
    .select((eb) => eb.fn.coalesce(eb.fn.max("seq"), eb.val(0)).as("lastSeq"))
    .where("runId", "=", runId)
    .executeTakeFirstOrThrow();
  return { lastSeq, status: run.status };
}

/**
 * Gives the events that can be seen and have no `seq` the next ones, by id. An id is given before its transaction commits,
 * so that a lower one may come to light later; its `seq` is then the higher.
 */
async function numberEvents(db: Executor, runId: string): Promise<void> {
  const unnumbered = await db
    .selectFrom("runEvents")
    .select("id")
    .where("runId", "=", runId)
    .where("seq", "is", null)
    .limit(1)
    .executeTakeFirst();
  if (!unnumbered) return;
  await inTransaction(db, async (trx) => {
    // A statement sees what was committed before it began: only one that begins under the lock sees the last numbers given.
    await sql`select pg_advisory_xact_lock(hashtextextended('sluice run events ' || ${runId}, 0))`.execute(trx);
    await sql`
      update run_events e set seq = n.seq
      from (
        select id, row_number() over (order by id)
               + (select coalesce(max(seq), 0) from run_events where run_id = ${runId}) as seq
        from run_events where run_id = ${runId} and seq is null
      ) n
      where e.id = n.id`.execute(trx);
  });
}
