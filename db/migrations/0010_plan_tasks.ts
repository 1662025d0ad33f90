import { type Kysely, sql } from "kysely";

/** Plans that take longer than a request: what is found so far lies beside the task, and its kind keeps it for longer. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table connection_tasks
      add column found jsonb not null default '[]',
      drop constraint connection_tasks_kind_check,
      add constraint connection_tasks_kind_check check (kind in ('check', 'discover', 'plan'))`.execute(db);
}
