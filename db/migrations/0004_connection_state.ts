import { type Kysely, sql } from "kysely";

/** What workers share of a connection: tokens, limits, and the checks and discoveries that the API asks them for. Additive. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table connections
      add column settings_version integer not null default 1,
      add column tokens jsonb not null default '{}',
      add column renewal_id uuid,
      add column renewal_until timestamptz,
      add column next_secrets jsonb,
      add column rotation_id uuid`.execute(db);
  await sql`
    create table connection_tasks (
      id uuid primary key,
      connection_id uuid not null references connections (id),
      kind text not null check (kind in ('check', 'discover')),
      settings_version integer not null,
      request jsonb not null,
      result jsonb,
      created_at timestamptz not null default now(),
      completed_at timestamptz
    )`.execute(db);
  await sql`create index connection_tasks_age on connection_tasks (created_at)`.execute(db);
  await sql`create index connection_tasks_latest on connection_tasks (connection_id, completed_at desc)`.execute(db);
  await sql`
    create table request_limits (
      connection_id uuid not null references connections (id),
      bucket text not null,
      next_at timestamptz not null default now(),
      blocked_until timestamptz,
      primary key (connection_id, bucket)
    )`.execute(db);
}
