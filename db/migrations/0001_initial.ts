import { type Kysely, sql } from "kysely";

/** Frozen in time: imports nothing of the application, so that it means the same for ever. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table deployment (
      id uuid primary key default gen_random_uuid(),
      singleton boolean not null default true unique check (singleton),
      created_at timestamptz not null default now()
    )`.execute(db);
  await sql`insert into deployment default values`.execute(db);

  await sql`
    create table connections (
      id uuid primary key,
      name text not null,
      provider text not null,
      config jsonb not null,
      secrets jsonb not null,
      task_queue text not null,
      status text not null default 'unchecked' check (status in ('unchecked', 'ok', 'failed')),
      checks jsonb not null default '[]',
      last_checked_at timestamptz,
      created_at timestamptz not null default now(),
      created_by text not null,
      updated_at timestamptz not null default now(),
      updated_by text not null,
      deleted_at timestamptz
    )`.execute(db);

  await sql`
    create table syncs (
      id uuid primary key,
      name text not null,
      slug text not null,
      task_slug text not null unique,
      connection_id uuid not null references connections (id),
      provider_key text not null,
      status text not null check (status in ('draft', 'active', 'paused', 'error', 'archived')),
      trigger_mode text not null,
      schedule jsonb,
      entities text[] not null,
      source_config jsonb not null,
      destination_config jsonb not null,
      execution_backend text not null,
      execution_mode text not null,
      execution_config jsonb not null,
      freshness_sla_seconds integer,
      last_error text,
      last_success_at timestamptz,
      version integer not null default 1,
      created_at timestamptz not null default now(),
      created_by text not null,
      updated_at timestamptz not null default now(),
      updated_by text not null,
      deleted_at timestamptz
    )`.execute(db);
  await sql`create unique index syncs_slug on syncs (slug) where deleted_at is null`.execute(db);
  await sql`create index syncs_newest on syncs (created_at desc, id desc) where deleted_at is null`.execute(db);
  await sql`create index syncs_connection on syncs (connection_id)`.execute(db);

  await sql`
    create table table_bindings (
      id uuid primary key,
      sync_id uuid not null references syncs (id),
      entity_key text not null,
      source_instance_key text not null,
      logical_table_name text not null,
      table_name text,
      physical_table_name text not null,
      table_naming_version text not null,
      load_mode text,
      primary_key_columns text[],
      cursor_field text,
      given jsonb not null default '{}',
      frozen_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      unique (sync_id, entity_key)
    )`.execute(db);

  await sql`
    create table runs (
      id uuid primary key,
      sync_id uuid not null references syncs (id),
      status text not null check (status in
        ('pending', 'queued', 'running', 'waiting', 'cancelling', 'succeeded', 'partial', 'failed', 'cancelled', 'skipped')),
      run_mode text not null,
      triggered_by text not null,
      trigger_ref text,
      created_by text not null,
      execution_backend text not null,
      execution_mode text not null,
      execution_config jsonb not null,
      attempt_number integer not null check (attempt_number >= 1),
      attempt_root_run_id uuid not null references runs (id),
      previous_attempt_run_id uuid references runs (id),
      max_auto_resume_attempts integer not null,
      result_class text,
      result_reason_code text,
      error text check (length(error) <= 2000),
      summary jsonb not null default '{}',
      backend_run_ref text,
      backend_run_url text,
      backend_status jsonb not null default '{}',
      backend_heartbeat_at timestamptz,
      last_heartbeat_at timestamptz,
      executor_id text,
      cancel_requested_at timestamptz,
      cancel_requested_by text,
      cancel_reason text,
      cancel_delivered_at timestamptz,
      not_before timestamptz,
      dispatch_after timestamptz not null default now(),
      dispatched_at timestamptz,
      plan_id uuid,
      slices_total integer,
      slices_done integer not null default 0,
      fenced_at timestamptz,
      started_at timestamptz,
      completed_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      constraint runs_first_attempt_is_root check ((attempt_number = 1) = (previous_attempt_run_id is null)),
      constraint runs_root_of_first check (attempt_number > 1 or attempt_root_run_id = id),
      constraint runs_ended check
        ((status in ('succeeded', 'partial', 'failed', 'cancelled', 'skipped')) = (completed_at is not null)),
      constraint runs_classified check ((completed_at is not null) = (result_class is not null)),
      constraint runs_success_is_proved check
        (status <> 'succeeded' or (plan_id is not null and slices_total is not null and slices_done = slices_total))
    )`.execute(db);
  // One active run per sync, and one that waits its turn. Who inserts second loses here, whatever the code above did.
  await sql`
    create unique index runs_one_active on runs (sync_id)
    where status in ('pending', 'running', 'waiting', 'cancelling')`.execute(db);
  await sql`create unique index runs_one_queued on runs (sync_id) where status = 'queued'`.execute(db);
  // `nextAttemptRunId` is this index read backwards: an attempt has at most one successor.
  await sql`create unique index runs_one_next_attempt on runs (previous_attempt_run_id)`.execute(db);
  await sql`create index runs_of_sync on runs (sync_id, created_at desc, id desc)`.execute(db);
  await sql`create index runs_of_chain on runs (attempt_root_run_id)`.execute(db);
  await sql`create index runs_to_dispatch on runs (dispatch_after) where status = 'pending' and dispatched_at is null`.execute(
    db,
  );
  await sql`create index runs_not_ended on runs (updated_at) where completed_at is null`.execute(db);
  await sql`create index runs_to_fence on runs (completed_at) where completed_at is not null and fenced_at is null`.execute(
    db,
  );

  await sql`
    create table plans (
      id uuid primary key references runs (id),
      root_run_id uuid not null references runs (id),
      sync_id uuid not null references syncs (id),
      config_hash text not null,
      created_at timestamptz not null default now()
    )`.execute(db);
  await sql`create index plans_of_chain on plans (root_run_id, created_at desc)`.execute(db);
  await sql`
    create table plan_entities (
      plan_id uuid not null references plans (id) on delete cascade,
      entity_key text not null,
      ordinal integer not null,
      depends_on text[] not null,
      spec jsonb not null,
      target jsonb not null,
      upper_bound text,
      cursor_version integer not null,
      evidence jsonb not null,
      swapped_at timestamptz,
      reason_code text,
      error text,
      primary key (plan_id, entity_key)
    )`.execute(db);
  await sql`
    create table plan_slices (
      plan_id uuid not null references plans (id) on delete cascade,
      slice_no integer not null,
      entity_key text not null,
      stage smallint not null,
      "window" jsonb not null,
      label text not null,
      primary key (plan_id, slice_no)
    )`.execute(db);
  await sql`
    create table run_slices (
      run_id uuid not null references runs (id) on delete cascade,
      slice_no integer not null,
      entity_key text not null,
      label text not null,
      status text not null check (status in ('planned', 'running', 'waiting', 'done', 'failed')),
      inherited boolean not null default false,
      rows_read bigint not null default 0,
      rows_written bigint not null default 0,
      rows_rejected bigint not null default 0,
      bytes_read bigint not null default 0,
      wait_reason text,
      wait_until timestamptz,
      reason_code text,
      error text,
      started_at timestamptz,
      completed_at timestamptz,
      updated_at timestamptz not null default now(),
      primary key (run_id, slice_no)
    )`.execute(db);
  await sql`
    create table cursor_states (
      sync_id uuid not null references syncs (id),
      entity_key text not null,
      version integer not null check (version >= 1),
      cursor text not null,
      run_id uuid not null references runs (id),
      plan_id uuid not null,
      created_at timestamptz not null default now(),
      primary key (sync_id, entity_key, version)
    )`.execute(db);
}
