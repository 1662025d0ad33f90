import { sql } from "kysely";
import type { Db } from "./client.ts";

/** Places that a source has for what is in flight: requests at a time, or jobs. All processes keep to them together. */

export interface LeaseKey {
  connectionId: string;
  name: string;
  /** Whoever asks again by the same name renews. */
  holder: string;
}

/** A wait that was not renewed keeps its place for so long, for a holder that has given its slot back meanwhile. */
const KEPT = sql`interval '10 minutes'`;

/**
 * Takes, renews, or waits for a place; the first to ask gets the next free one. A wait that is not renewed in time is passed over, and keeps its
 * place for a while. By the clock of the database. Idempotent.
 * @param request.runId the lease ends with this run; null: it belongs to no run
 * @returns whether it is held
 */
export async function takeLease(
  db: Db,
  { connectionId, name, holder }: LeaseKey,
  request: { runId: string | null; limit: number; seconds: number },
): Promise<boolean> {
  return db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`lease ${connectionId} ${name}`}, 0))`.execute(trx);
    await sql`
      delete from request_leases l
      where connection_id = ${connectionId} and name = ${name} and (
        ends_at < clock_timestamp() - case when held then interval '0' else ${KEPT} end
        or exists (select from runs r where r.id = l.run_id and r.completed_at is not null))`.execute(trx);
    const { rows } = await sql<{ held: boolean }>`
      insert into request_leases as l (connection_id, name, holder, run_id, held, place, ends_at)
      select ${connectionId}::uuid, ${name}, ${holder}, ${request.runId}::uuid,
        (select count(*) from request_leases o
         where o.connection_id = ${connectionId} and o.name = ${name} and o.ends_at >= clock_timestamp()) < ${request.limit},
        (extract(epoch from clock_timestamp()) * 1e6)::int8, clock_timestamp() + make_interval(secs => ${request.seconds})
      on conflict (connection_id, name, holder) do update set
        ends_at = excluded.ends_at,
        held = l.held or (
          select count(*) from request_leases o
          where o.connection_id = l.connection_id and o.name = l.name and o.holder <> l.holder
            and (o.held or ((o.place, o.holder) < (l.place, l.holder) and o.ends_at >= clock_timestamp()))) < ${request.limit}
      returning held`.execute(trx);
    return rows[0]?.held ?? false;
  });
}

/** Idempotent. */
export async function giveLeaseBack(db: Db, { connectionId, name, holder }: LeaseKey): Promise<void> {
  await db
    .deleteFrom("requestLeases")
    .where("connectionId", "=", connectionId)
    .where("name", "=", name)
    .where("holder", "=", holder)
    .execute();
}
