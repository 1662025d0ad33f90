import { type Kysely, sql } from "kysely";

/**
 * Groups: several entities of a plan are loaded by the same slices. `lead_key` names the entity that carries these slices (null: the
 * entity itself), `child_of` the parent that an entity's rows belong to, and `read_spec` how the slices are read where the parent is not
 * loaded. `run_slice_tables` counts for each table of such a slice. Rows that a source has deleted are counted. Additive: a process of
 * before makes no groups, and counts no deletes.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table plan_entities
      add column lead_key text, add column child_of text, add column read_spec jsonb`.execute(db);
  await sql`
    alter table run_slices
      add column rows_deleted bigint not null default 0, add column base_rows_deleted bigint`.execute(db);
  await sql`
    create table run_slice_tables (
      run_id uuid not null,
      slice_no integer not null,
      entity_key text not null,
      rows_read bigint not null default 0,
      rows_written bigint not null default 0,
      rows_rejected bigint not null default 0,
      rows_deleted bigint not null default 0,
      base_rows_read bigint not null default 0,
      base_rows_written bigint not null default 0,
      base_rows_rejected bigint not null default 0,
      base_rows_deleted bigint not null default 0,
      primary key (run_id, slice_no, entity_key),
      foreign key (run_id, slice_no) references run_slices on delete cascade
    )`.execute(db);
}
