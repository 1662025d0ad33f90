import { type Kysely, sql } from "kysely";

/** `/metrics` counts the runs of the last hour, every few seconds; those of 90 days are not to be read for that. Additive. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index runs_ended_at on runs (completed_at) where completed_at is not null`.execute(db);
}
