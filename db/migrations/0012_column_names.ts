import { type Kysely, sql } from "kysely";

/**
 * What a source calls the columns of a binding's table, by what each of them was made of. They stay with the binding, which outlives
 * plans and its sync. Null before the first plan, and for sources whose columns have names of their own. Additive.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table table_bindings add column column_names jsonb`.execute(db);
}
