import { type Kysely, sql } from "kysely";

/**
 * What a run asks of those who work on it, as a number that every session says of itself (`sluice.contract`; none says 1). What
 * a process does not know it would do wrong, such as loading versions as if they were plain rows. Additive: runs that asked
 * for nothing new before ask for nothing new now.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function contract_of_run(run_mode text, request jsonb, sync_id uuid) returns integer language sql stable as $$
      select case when run_mode in ('backfill', 'repair', 'verify')
        or request <> '{}'
        or exists (select from syncs s
                   where s.id = contract_of_run.sync_id
                     and s.destination_config ?| array['schemaPolicy', 'guards', 'entities'])
        or exists (select from table_bindings b
                   where b.sync_id = contract_of_run.sync_id
                     and b.load_mode in ('append_snapshot', 'delete_insert', 'scd2', 'upsert_soft_delete'))
      then 2 else 1 end
    $$`.execute(db);
  await sql`
    create function knows_contract(contract integer) returns boolean language sql stable as $$
      select coalesce(nullif(current_setting('sluice.contract', true), ''), '1')::integer >= contract
    $$`.execute(db);
  // A lease finds nothing, so that others are dispatched all the same; whoever would begin or end the run tries again until
  // somebody has done it who can.
  await sql`
    create function keep_run_from_older_process() returns trigger language plpgsql as $$
    begin
      if knows_contract(contract_of_run(new.run_mode, new.request, new.sync_id)) then
        return new;
      end if;
      if new.status = old.status then
        return null;
      end if;
      raise exception 'Run % asks for what only a later version of Sluice can do.', new.id;
    end
    $$`.execute(db);
  await sql`
    create trigger keep_run_from_older_process before update of dispatch_after, status on runs for each row
    when (case when new.status = old.status then new.status = 'pending' and new.dispatch_after > old.dispatch_after
               else new.status in ('running', 'succeeded', 'partial', 'failed') end)
    execute function keep_run_from_older_process()`.execute(db);
  // Both come before anything is done at the source or the destination, and fail in a way that is tried again elsewhere.
  await sql`
    create function keep_work_from_older_process() returns trigger language plpgsql as $$
    begin
      if knows_contract((select contract_of_run(run_mode, request, sync_id) from runs
                         where id = (to_jsonb(new) ->> tg_argv[0])::uuid)) then
        return new;
      end if;
      raise exception 'Run % asks for what only a later version of Sluice can do.', to_jsonb(new) ->> tg_argv[0];
    end
    $$`.execute(db);
  await sql`
    create trigger keep_plan_from_older_process before insert on plans for each row
    execute function keep_work_from_older_process('id')`.execute(db);
  await sql`
    create trigger keep_slice_from_older_process before update of status on run_slices for each row
    when (new.status = 'running')
    execute function keep_work_from_older_process('run_id')`.execute(db);
}
