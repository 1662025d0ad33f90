import { type Kysely, sql } from "kysely";

/** Answers kept for `Idempotency-Key`, cursor states that a person can set, and runs of all syncs in order. Additive. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table idempotency_keys (
      actor text not null,
      route text not null,
      key text not null,
      request_hash text not null,
      claim_id uuid not null,
      locked_until timestamptz not null,
      new_id uuid not null,
      status integer,
      headers jsonb,
      body text,
      created_at timestamptz not null default now(),
      primary key (actor, route, key)
    )`.execute(db);
  await sql`create index idempotency_keys_age on idempotency_keys (created_at)`.execute(db);
  // A null cursor is a reset: the next run reads everything. What a person sets has no run and no plan.
  await sql`
    alter table cursor_states
      alter column cursor drop not null,
      alter column run_id drop not null,
      alter column plan_id drop not null,
      add column created_by text,
      drop constraint cursor_states_run_id_fkey`.execute(db);
  await sql`create index runs_newest on runs (created_at desc, id desc)`.execute(db);
}
