import { type Kysely, sql } from "kysely";

/** What was planned from goes with the plan. Additive: a plan of a process of before has none and goes by what is there now. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table plans add column frozen jsonb`.execute(db);
}
