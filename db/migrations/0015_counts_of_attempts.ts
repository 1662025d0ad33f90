import { type Kysely, sql } from "kysely";

/**
 * What each slice's ledger said when an attempt began, so that an attempt counts its own rows alone; and how many chains in a row
 * have failed, or ended partial, on the sync. Additive: null is written by a process of before, which noted no beginning.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table run_slices
      add column base_rows_read bigint, add column base_rows_written bigint, add column base_rows_rejected bigint`.execute(
    db,
  );
  await sql`
    alter table syncs
      add column failed_chains integer not null default 0,
      add column partial_chains integer not null default 0,
      add column chains_counted_from timestamptz`.execute(db);
  await sql`
    create function count_chains_anew() returns trigger language plpgsql as $$
    begin
      new.failed_chains := 0;
      new.chains_counted_from := clock_timestamp();
      return new;
    end $$`.execute(db);
  // Also where a process of before sets the sync right again.
  await sql`
    create trigger syncs_count_chains_anew before update of status on syncs for each row
    when (old.status = 'error' and new.status = 'active')
    execute function count_chains_anew()`.execute(db);
}
