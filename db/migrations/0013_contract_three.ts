import { type Kysely, sql } from "kysely";

/**
 * Contract 3: columns that the source is not to be asked for, which a process of before would copy; columns that have recorded names,
 * which it would name by its own rule; and a load of some entities alone, which it would do for all. A table without recorded
 * names was never planned by a process that records them, so it stays everybody's. Additive.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create or replace function contract_of_run(run_mode text, request jsonb, sync_id uuid) returns integer language sql stable as $$
      select case
        when (run_mode in ('incremental', 'full_refresh') and request ? 'entities')
          or exists (select from syncs s
                     where s.id = contract_of_run.sync_id
                       and s.source_config @? '$.resources.* ? (exists(@.columns) || exists(@.exclude))')
          or exists (select from table_bindings b
                     where b.sync_id = contract_of_run.sync_id and b.column_names is not null)
        then 3
        when run_mode in ('backfill', 'repair', 'verify')
          or request <> '{}'
          or exists (select from syncs s
                     where s.id = contract_of_run.sync_id
                       and s.destination_config ?| array['schemaPolicy', 'guards', 'entities'])
          or exists (select from table_bindings b
                     where b.sync_id = contract_of_run.sync_id
                       and b.load_mode in ('append_snapshot', 'delete_insert', 'scd2', 'upsert_soft_delete'))
        then 2
        else 1 end
    $$`.execute(db);
}
