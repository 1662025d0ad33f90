import { type Kysely, sql } from "kysely";

/** Which try a note is of, by Temporal's clock: a worker that was paused must not end or overwrite the note of a later try. Additive. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table run_activities add column scheduled_at timestamptz`.execute(db);
}
