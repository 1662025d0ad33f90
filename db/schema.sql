-- What the migrations make; read it, don't run it. Written by test/db/schema-snapshot.test.ts.

create table connections (
  id uuid not null,
  name text not null,
  provider text not null,
  config jsonb not null,
  secrets jsonb not null,
  task_queue text not null,
  status text default 'unchecked'::text not null,
  checks jsonb default '[]'::jsonb not null,
  last_checked_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  created_by text not null,
  updated_at timestamp with time zone default now() not null,
  updated_by text not null,
  deleted_at timestamp with time zone,
  constraint connections_pkey PRIMARY KEY (id),
  constraint connections_status_check CHECK ((status = ANY (ARRAY['unchecked'::text, 'ok'::text, 'failed'::text])))
);

create table cursor_states (
  sync_id uuid not null,
  entity_key text not null,
  version integer not null,
  cursor text not null,
  run_id uuid not null,
  plan_id uuid not null,
  created_at timestamp with time zone default now() not null,
  constraint cursor_states_pkey PRIMARY KEY (sync_id, entity_key, version),
  constraint cursor_states_run_id_fkey FOREIGN KEY (run_id) REFERENCES runs(id),
  constraint cursor_states_sync_id_fkey FOREIGN KEY (sync_id) REFERENCES syncs(id),
  constraint cursor_states_version_check CHECK ((version >= 1))
);

create table deployment (
  id uuid default gen_random_uuid() not null,
  singleton boolean default true not null,
  created_at timestamp with time zone default now() not null,
  constraint deployment_pkey PRIMARY KEY (id),
  constraint deployment_singleton_key UNIQUE (singleton),
  constraint deployment_singleton_check CHECK (singleton)
);

create table plan_entities (
  plan_id uuid not null,
  entity_key text not null,
  ordinal integer not null,
  depends_on text[] not null,
  spec jsonb not null,
  target jsonb not null,
  upper_bound text,
  cursor_version integer not null,
  evidence jsonb not null,
  swapped_at timestamp with time zone,
  reason_code text,
  error text,
  constraint plan_entities_pkey PRIMARY KEY (plan_id, entity_key),
  constraint plan_entities_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES plans(id) ON DELETE CASCADE
);

create table plan_slices (
  plan_id uuid not null,
  slice_no integer not null,
  entity_key text not null,
  stage smallint not null,
  "window" jsonb not null,
  label text not null,
  constraint plan_slices_pkey PRIMARY KEY (plan_id, slice_no),
  constraint plan_slices_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES plans(id) ON DELETE CASCADE
);

create table plans (
  id uuid not null,
  root_run_id uuid not null,
  sync_id uuid not null,
  config_hash text not null,
  created_at timestamp with time zone default now() not null,
  constraint plans_pkey PRIMARY KEY (id),
  constraint plans_id_fkey FOREIGN KEY (id) REFERENCES runs(id),
  constraint plans_root_run_id_fkey FOREIGN KEY (root_run_id) REFERENCES runs(id),
  constraint plans_sync_id_fkey FOREIGN KEY (sync_id) REFERENCES syncs(id)
);
CREATE INDEX plans_of_chain ON public.plans USING btree (root_run_id, created_at DESC);

create table run_slices (
  run_id uuid not null,
  slice_no integer not null,
  entity_key text not null,
  label text not null,
  status text not null,
  inherited boolean default false not null,
  rows_read bigint default 0 not null,
  rows_written bigint default 0 not null,
  rows_rejected bigint default 0 not null,
  bytes_read bigint default 0 not null,
  wait_reason text,
  wait_until timestamp with time zone,
  reason_code text,
  error text,
  started_at timestamp with time zone,
  completed_at timestamp with time zone,
  updated_at timestamp with time zone default now() not null,
  constraint run_slices_pkey PRIMARY KEY (run_id, slice_no),
  constraint run_slices_run_id_fkey FOREIGN KEY (run_id) REFERENCES runs(id) ON DELETE CASCADE,
  constraint run_slices_status_check CHECK ((status = ANY (ARRAY['planned'::text, 'running'::text, 'waiting'::text, 'done'::text, 'failed'::text])))
);

create table runs (
  id uuid not null,
  sync_id uuid not null,
  status text not null,
  run_mode text not null,
  triggered_by text not null,
  trigger_ref text,
  created_by text not null,
  execution_backend text not null,
  execution_mode text not null,
  execution_config jsonb not null,
  attempt_number integer not null,
  attempt_root_run_id uuid not null,
  previous_attempt_run_id uuid,
  max_auto_resume_attempts integer not null,
  result_class text,
  result_reason_code text,
  error text,
  summary jsonb default '{}'::jsonb not null,
  backend_run_ref text,
  backend_run_url text,
  backend_status jsonb default '{}'::jsonb not null,
  backend_heartbeat_at timestamp with time zone,
  last_heartbeat_at timestamp with time zone,
  executor_id text,
  cancel_requested_at timestamp with time zone,
  cancel_requested_by text,
  cancel_reason text,
  cancel_delivered_at timestamp with time zone,
  not_before timestamp with time zone,
  dispatch_after timestamp with time zone default now() not null,
  dispatched_at timestamp with time zone,
  plan_id uuid,
  slices_total integer,
  slices_done integer default 0 not null,
  fenced_at timestamp with time zone,
  started_at timestamp with time zone,
  completed_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  constraint runs_pkey PRIMARY KEY (id),
  constraint runs_attempt_root_run_id_fkey FOREIGN KEY (attempt_root_run_id) REFERENCES runs(id),
  constraint runs_previous_attempt_run_id_fkey FOREIGN KEY (previous_attempt_run_id) REFERENCES runs(id),
  constraint runs_sync_id_fkey FOREIGN KEY (sync_id) REFERENCES syncs(id),
  constraint runs_attempt_number_check CHECK ((attempt_number >= 1)),
  constraint runs_classified CHECK (((completed_at IS NOT NULL) = (result_class IS NOT NULL))),
  constraint runs_ended CHECK (((status = ANY (ARRAY['succeeded'::text, 'partial'::text, 'failed'::text, 'cancelled'::text, 'skipped'::text])) = (completed_at IS NOT NULL))),
  constraint runs_error_check CHECK ((length(error) <= 2000)),
  constraint runs_first_attempt_is_root CHECK (((attempt_number = 1) = (previous_attempt_run_id IS NULL))),
  constraint runs_root_of_first CHECK (((attempt_number > 1) OR (attempt_root_run_id = id))),
  constraint runs_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'queued'::text, 'running'::text, 'waiting'::text, 'cancelling'::text, 'succeeded'::text, 'partial'::text, 'failed'::text, 'cancelled'::text, 'skipped'::text]))),
  constraint runs_success_is_proved CHECK (((status <> 'succeeded'::text) OR ((plan_id IS NOT NULL) AND (slices_total IS NOT NULL) AND (slices_done = slices_total))))
);
CREATE INDEX runs_not_ended ON public.runs USING btree (updated_at) WHERE (completed_at IS NULL);
CREATE INDEX runs_of_chain ON public.runs USING btree (attempt_root_run_id);
CREATE INDEX runs_of_sync ON public.runs USING btree (sync_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX runs_one_active ON public.runs USING btree (sync_id) WHERE (status = ANY (ARRAY['pending'::text, 'running'::text, 'waiting'::text, 'cancelling'::text]));
CREATE UNIQUE INDEX runs_one_next_attempt ON public.runs USING btree (previous_attempt_run_id);
CREATE UNIQUE INDEX runs_one_queued ON public.runs USING btree (sync_id) WHERE (status = 'queued'::text);
CREATE INDEX runs_to_dispatch ON public.runs USING btree (dispatch_after) WHERE ((status = 'pending'::text) AND (dispatched_at IS NULL));
CREATE INDEX runs_to_fence ON public.runs USING btree (completed_at) WHERE ((completed_at IS NOT NULL) AND (fenced_at IS NULL));

create table syncs (
  id uuid not null,
  name text not null,
  slug text not null,
  task_slug text not null,
  connection_id uuid not null,
  provider_key text not null,
  status text not null,
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
  last_success_at timestamp with time zone,
  version integer default 1 not null,
  created_at timestamp with time zone default now() not null,
  created_by text not null,
  updated_at timestamp with time zone default now() not null,
  updated_by text not null,
  deleted_at timestamp with time zone,
  constraint syncs_pkey PRIMARY KEY (id),
  constraint syncs_task_slug_key UNIQUE (task_slug),
  constraint syncs_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES connections(id),
  constraint syncs_status_check CHECK ((status = ANY (ARRAY['draft'::text, 'active'::text, 'paused'::text, 'error'::text, 'archived'::text])))
);
CREATE INDEX syncs_connection ON public.syncs USING btree (connection_id);
CREATE INDEX syncs_newest ON public.syncs USING btree (created_at DESC, id DESC) WHERE (deleted_at IS NULL);
CREATE UNIQUE INDEX syncs_slug ON public.syncs USING btree (slug) WHERE (deleted_at IS NULL);

create table table_bindings (
  id uuid not null,
  sync_id uuid not null,
  entity_key text not null,
  source_instance_key text not null,
  logical_table_name text not null,
  table_name text,
  physical_table_name text not null,
  table_naming_version text not null,
  load_mode text,
  primary_key_columns text[],
  cursor_field text,
  given jsonb default '{}'::jsonb not null,
  frozen_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  constraint table_bindings_pkey PRIMARY KEY (id),
  constraint table_bindings_sync_id_entity_key_key UNIQUE (sync_id, entity_key),
  constraint table_bindings_sync_id_fkey FOREIGN KEY (sync_id) REFERENCES syncs(id)
);
