-- Roles of the control database, each with what it needs and no more. Run it as a superuser (or a role that may create
-- roles and owns the database) while connected to the control database: once before the first migration, and again after each
-- one, for the tables that came with it. It may be run as often as you like. Then give each role a password: \password sluice_api

do $$
declare
  role text;
begin
  foreach role in array array['sluice_migrate', 'sluice_api', 'sluice_worker'] loop
    if not exists (select from pg_roles where rolname = role) then
      execute format('create role %I login', role);
    end if;
    execute format('grant connect on database %I to %I', current_database(), role);
  end loop;
  execute format('revoke connect, temporary on database %I from public', current_database());
end $$;

-- Owns the tables. Nobody works as this role but `npm run migrate`.
revoke create on schema public from public;
grant usage, create on schema public to sluice_migrate;
grant usage on schema public to sluice_api, sluice_worker;

do $$
declare
  nothing_there constant boolean := to_regclass('public.runs') is null;
begin
  if nothing_there then
    return;
  end if;

  grant select on all tables in schema public to sluice_api, sluice_worker;
  revoke all on kysely_migration, kysely_migration_lock from sluice_api, sluice_worker;

  -- The API writes definitions and intents. Plans, progress and rejected rows are none of its business.
  grant insert, update on connections, syncs, runs, cursor_states to sluice_api;
  grant insert, delete on connection_tasks to sluice_api;
  grant insert, update, delete on table_bindings, idempotency_keys to sluice_api;
  grant insert on audit_events to sluice_api;
  -- Triggers write events as whoever changes a row; whoever reads first numbers them.
  grant insert on run_events to sluice_api, sluice_worker;
  grant update (seq) on run_events to sluice_api;

  -- The worker moves runs on, and takes away what is old. It defines nothing.
  grant insert, update, delete on runs, plans, plan_entities, plan_slices, run_slices, run_slice_tables, cursor_states to sluice_worker;
  grant insert, update, delete on request_limits, request_tickets, request_leases, export_jobs to sluice_worker;
  grant insert, delete on rejected_rows to sluice_worker;
  grant update, delete on syncs, table_bindings, connection_tasks, idempotency_keys to sluice_worker;
  grant delete on run_events, audit_events to sluice_worker;
  -- Renewed credentials of a connection, and nothing else of it.
  grant update (secrets, tokens, next_secrets, renewal_id, renewal_until) on connections to sluice_worker;
end $$;
