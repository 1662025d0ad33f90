-- The role that workers load with. Run it as the owner of the warehouse, connected to it. It makes its own schemas, the ledger
-- `_sluice` among them, and owns the tables in them; it sees and changes nothing that others made.

do $$
begin
  if not exists (select from pg_roles where rolname = 'sluice_warehouse') then
    create role sluice_warehouse login;
  end if;
  execute format('grant connect, create, temporary on database %I to sluice_warehouse', current_database());
end $$;

-- Where a schema is to be there before Sluice is: create schema sales authorization sluice_warehouse;
-- For those who read what was loaded, once the schema is there:
--   grant usage on schema sales to analysts;
--   alter default privileges for role sluice_warehouse in schema sales grant select on tables to analysts;
