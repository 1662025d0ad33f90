import { type Kysely, sql } from "kysely";

/**
 * Jobs that were made at a source, so that one which nobody waits for any more is cancelled there, whatever has become of its run.
 * Contract 4: a provider of which a process of before has no connector. It would end the run for want of one. Additive.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table export_jobs (
      id uuid primary key default gen_random_uuid(),
      run_id uuid not null references runs (id) on delete cascade,
      connection_id uuid not null references connections (id) on delete cascade,
      plan_id uuid not null,
      slice_no integer not null,
      entity_key text not null,
      job jsonb not null,
      created_at timestamptz not null default now(),
      cancel_from timestamptz,
      next_try_at timestamptz not null default now(),
      ended_at timestamptz,
      outcome text check (outcome in ('used', 'cancelled', 'left')),
      error text,
      check ((ended_at is null) = (outcome is null))
    )`.execute(db);
  await sql`create unique index export_jobs_ref on export_jobs (plan_id, slice_no, (job ->> 'ref'))`.execute(db);
  await sql`create index export_jobs_open on export_jobs (next_try_at) where ended_at is null`.execute(db);
  await sql`create index export_jobs_run on export_jobs (run_id)`.execute(db);
  await sql`
    create or replace function contract_of_run(run_mode text, request jsonb, sync_id uuid) returns integer language sql stable as $$
      select case
        when exists (select from syncs s
                     where s.id = contract_of_run.sync_id and s.provider_key not in ('http_api', 'postgres'))
        then 4
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
