import { type Kysely, sql } from "kysely";

/** What a run was asked to do beyond its mode, such as a backfill's window. Additive. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table runs add column request jsonb not null default '{}'`.execute(db);
}
