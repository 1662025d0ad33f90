import { type Kysely, sql } from "kysely";

/** Budgets of several buckets, places in the queue for them, and leases of what is limited in flight. Additive. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table request_limits
      add column queue_until timestamptz,
      add column learned_per_second double precision,
      add column learned_burst double precision,
      add column learned_at timestamptz`.execute(db);
  // No reference to runs: a request must never wait for whoever has locked its run.
  await sql`
    create table request_tickets (
      connection_id uuid not null references connections (id),
      holder text not null,
      lane text not null,
      run_id uuid,
      urgent boolean not null,
      place bigint not null,
      buckets text[] not null,
      costs double precision[] not null,
      due_at timestamptz not null,
      primary key (connection_id, holder, lane)
    )`.execute(db);
  await sql`create index request_tickets_run on request_tickets (run_id)`.execute(db);
  await sql`
    create table request_leases (
      connection_id uuid not null references connections (id),
      name text not null,
      holder text not null,
      run_id uuid,
      held boolean not null,
      place bigint not null,
      ends_at timestamptz not null,
      primary key (connection_id, name, holder)
    )`.execute(db);
  await sql`create index request_leases_run on request_leases (run_id)`.execute(db);
}
