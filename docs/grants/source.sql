-- The role that reads a Postgres source. Run it as the owner of the tables, connected to the source; name your schemas.

do $$
begin
  if not exists (select from pg_roles where rolname = 'sluice_source') then
    create role sluice_source login;
  end if;
  execute format('grant connect on database %I to sluice_source', current_database());
end $$;

alter role sluice_source set default_transaction_read_only = on;
grant usage on schema public to sluice_source;
grant select on all tables in schema public to sluice_source;
alter default privileges in schema public grant select on tables to sluice_source;

-- Lets Sluice see which transactions of others are still open, so that an incremental run misses no late commit. Without it,
-- each run reads the last minutes before its cursor again. Leave it out where it is too much.
grant pg_read_all_stats to sluice_source;
