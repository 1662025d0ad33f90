import { type Kysely, sql } from "kysely";

/** What a run that compares has found in each window. Additive. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table run_slices add column verification jsonb`.execute(db);
}
