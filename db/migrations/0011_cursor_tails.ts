import { type Kysely, sql } from "kysely";

/**
 * What a run saw at the source from the cursor on, so that the next one can tell whether it has changed. Null: a version of before
 * moved the cursor, which then stands right behind the newest value instead of at it.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table cursor_states add column tail jsonb`.execute(db);
}
