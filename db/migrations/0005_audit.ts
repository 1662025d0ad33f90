import { type Kysely, sql } from "kysely";

/** Who wrote what, before and after. Additive. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table audit_events (
      id bigint generated always as identity primary key,
      at timestamptz not null default now(),
      actor text not null,
      request_id text,
      action text not null,
      subject_type text not null,
      subject_id uuid not null,
      before jsonb,
      after jsonb
    )`.execute(db);
  await sql`create index audit_events_of_subject on audit_events (subject_id, id desc)`.execute(db);
  await sql`create index audit_events_of_actor on audit_events (actor, id desc)`.execute(db);
  await sql`create index audit_events_age on audit_events (at)`.execute(db);
}
