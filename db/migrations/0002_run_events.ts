import { type Kysely, sql } from "kysely";

/** What happened in a run, and the rows that it could not load. Additive: code of before goes on as it did. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table run_events (
      id bigint generated always as identity primary key,
      run_id uuid not null references runs (id) on delete cascade,
      seq integer,
      kind text not null,
      data jsonb not null,
      at timestamptz not null default now(),
      unique (run_id, seq)
    )`.execute(db);
  // Ids are given before transactions commit, so their order is not that in which events can be seen; `seq` is, and the
  // first reader gives it.
  await sql`create index run_events_unnumbered on run_events (run_id, id) where seq is null`.execute(db);
  await sql`
    create table rejected_rows (
      run_id uuid not null references runs (id) on delete cascade,
      slice_no integer not null,
      row_no bigint not null,
      entity_key text not null,
      column_name text,
      reason text not null,
      record text not null,
      created_at timestamptz not null default now(),
      primary key (run_id, slice_no, row_no)
    )`.execute(db);
}
