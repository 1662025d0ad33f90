import { type Kysely, sql } from "kysely";

/**
 * Who works, and on what. A worker notes its queues and slots every 10 s, since it polls none of them while its slots are taken; an
 * activity notes its try and its last failure, so that nobody has to ask Temporal. `examined_at`: when the reconciler asked Temporal
 * all the same. Additive.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table workers (
      id uuid primary key,
      executor_id text not null,
      version text not null,
      contract integer not null,
      queues jsonb not null,
      temporal_away_since timestamptz,
      started_at timestamptz not null default now(),
      seen_at timestamptz not null default now()
    )`.execute(db);
  await sql`
    create table run_activities (
      run_id uuid not null references runs on delete cascade,
      activity text not null check (activity in ('plan', 'slice', 'finish', 'prove')),
      subject text not null,
      state text not null check (state in ('working', 'retrying', 'lost')),
      attempt integer not null,
      worker_id uuid not null,
      executor_id text not null,
      since timestamptz not null default now(),
      reason_code text,
      last_failure text,
      failed_at timestamptz,
      waiting jsonb,
      primary key (run_id, activity, subject)
    )`.execute(db);
  await sql`create index run_activities_working on run_activities (worker_id) where state = 'working'`.execute(db);
  await sql`alter table runs add column examined_at timestamptz`.execute(db);
}
