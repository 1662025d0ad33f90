import { type Kysely, sql } from "kysely";

/** When a sync was brought into use for the first time. Whatever is no draft may have been in use before. Additive. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table syncs add column first_activated_at timestamptz`.execute(db);
  await sql`update syncs set first_activated_at = updated_at where status <> 'draft'`.execute(db);
}
