import { inTransaction, type Session } from "../session.ts";

/**
 * What is committed is told by these tables alone, so all of them are logged: an unlogged one is empty after a crash.
 * `chains` fences attempts, `slices` counts what is committed, `tables` says whose a table is and which generation it shows,
 * `targets` what each plan loads into, `appended` how often the open slices have read a row that has no key.
 * `chains.closed` is read by workers of older versions only.
 * Checkpoints are `json`, not `jsonb`: they come back as they were given.
 */
const FIRST = `
  create schema if not exists _sluice;
  create table if not exists _sluice.chains (
    root_run_id uuid primary key,
    min_attempt integer not null default 1,
    closed boolean not null default false,
    updated_at timestamptz not null default now()
  );
  create table if not exists _sluice.slices (
    plan_id uuid not null,
    slice_no integer not null,
    root_run_id uuid not null,
    entity_key text not null,
    fence bigint not null default 1,
    attempt integer not null,
    done boolean not null default false,
    checkpoint json,
    rows_read bigint not null default 0,
    rows_written bigint not null default 0,
    rows_inserted bigint not null default 0,
    backend_pid integer not null,
    backend_start timestamptz not null,
    updated_at timestamptz not null default now(),
    primary key (plan_id, slice_no)
  );
  create index if not exists slices_of_chain on _sluice.slices (root_run_id);
  create sequence if not exists _sluice.generations;
  create table if not exists _sluice.tables (
    schema_name text not null,
    table_name text not null,
    deployment_id text not null,
    sync_id text not null,
    entity_key text not null,
    leaf_table text not null,
    leaf_plan_id uuid not null,
    updated_at timestamptz not null default now(),
    primary key (schema_name, table_name)
  );
  create table if not exists _sluice.appended (
    plan_id uuid not null,
    slice_no integer not null,
    row_hash uuid not null,
    times_read bigint not null,
    primary key (plan_id, slice_no, row_hash)
  );
  create table if not exists _sluice.targets (
    prepared_no bigint generated always as identity,
    plan_id uuid not null,
    entity_key text not null,
    root_run_id uuid not null,
    schema_name text not null,
    table_name text not null,
    leaf_table text not null,
    swap boolean not null,
    target json not null,
    primary key (plan_id, entity_key)
  );
  create index if not exists targets_of_chain on _sluice.targets (root_run_id);
  create index if not exists targets_of_table on _sluice.targets (schema_name, table_name, prepared_no);
`;

/** `rejects` has the rows that were not loaded; they go with their slice, whoever lets that go. */
const REJECTS = `
  alter table _sluice.slices add column if not exists rows_rejected bigint not null default 0;
  create table if not exists _sluice.rejects (
    plan_id uuid not null,
    slice_no integer not null,
    row_no bigint not null,
    entity_key text not null,
    column_name text,
    reason text not null,
    record text not null,
    created_at timestamptz not null default now(),
    primary key (plan_id, slice_no, row_no),
    foreign key (plan_id, slice_no) references _sluice.slices on delete cascade
  );
`;

/**
 * When an entity's finish was done, by which attempt, and what that wrote. `work_table` is the plan's own and goes with its
 * target.
 */
const FINISHES = `
  alter table _sluice.targets
    add column if not exists work_table text,
    add column if not exists finished_at timestamptz,
    add column if not exists finish_attempt integer,
    add column if not exists finish_rows bigint not null default 0;
`;

/**
 * The default of every row's `_sluice_run_id`. Declared immutable, which it is for the length of a statement, so that Postgres asks
 * for it once a statement: once a row is a tenth of what a COPY costs.
 */
const RUN_ID = `
  create or replace function _sluice.run_id() returns uuid
  language sql immutable parallel safe
  as $$ select current_setting('sluice.run_id')::uuid $$;
`;

/** The columns that Sluice has ever loaded into the table: all others are users'. Null: an older version made it. */
const LOADED_COLUMNS = "alter table _sluice.tables add column if not exists loaded_columns text[]";

/** The columns that every row of the present generation was loaded with. Null: an older version made it. */
const FILLED_COLUMNS = "alter table _sluice.tables add column if not exists filled_columns text[]";

/** The columns of the user's table when Sluice last changed it, with their numbers. Null: an older version did. */
const KNOWN_COLUMNS = "alter table _sluice.tables add column if not exists known_columns jsonb";

/**
 * `slice_tables` counts for each table of a slice that writes to several; such a slice's own counts are their sums. `files` is the
 * manifest of sources that have files. It outlives the chains: a later run reads from it what is loaded.
 */
const TABLES_OF_SLICES = `
  alter table _sluice.slices add column if not exists rows_deleted bigint not null default 0;
  alter table _sluice.targets add column if not exists finish_deleted bigint not null default 0;
  create table if not exists _sluice.slice_tables (
    plan_id uuid not null,
    slice_no integer not null,
    entity_key text not null,
    rows_read bigint not null default 0,
    rows_written bigint not null default 0,
    rows_inserted bigint not null default 0,
    rows_rejected bigint not null default 0,
    rows_deleted bigint not null default 0,
    primary key (plan_id, slice_no, entity_key),
    foreign key (plan_id, slice_no) references _sluice.slices on delete cascade
  );
  create table if not exists _sluice.files (
    deployment_id text not null,
    sync_id text not null,
    entity_key text not null,
    file_id text not null,
    version_token text not null,
    status text not null,
    rows bigint not null default 0,
    size_bytes bigint,
    position json,
    error text,
    plan_id uuid not null,
    updated_at timestamptz not null default now(),
    primary key (deployment_id, sync_id, entity_key, file_id)
  );
`;

/**
 * A file may have a mark in several generations of the manifest. No connector of before has marked files, so the key may change.
 * `has_older`: the table may have rows of another version of the file. `file_generations` says which table the marks of a generation are about,
 * the one that has the rows, in the ledger's schema. With `joins` they wait for the finish, and then become marks of that generation.
 * `rows_replaced` are those of `rows_deleted` that gave way to another version of their file. `rows_before` is what the table had when the plan
 * began, once somebody has counted.
 */
const FILE_GENERATIONS = `
  alter table _sluice.files
    add column if not exists generation text not null default '',
    add column if not exists has_older boolean not null default false,
    alter column file_id type text collate "C";
  alter table _sluice.files drop constraint if exists files_pkey;
  alter table _sluice.files add primary key (deployment_id, sync_id, entity_key, generation, file_id);
  create table if not exists _sluice.file_generations (
    deployment_id text not null,
    sync_id text not null,
    entity_key text not null,
    generation text not null,
    leaf_table text not null,
    joins text,
    created_at timestamptz not null default now(),
    primary key (deployment_id, sync_id, entity_key, generation)
  );
  alter table _sluice.slices add column if not exists rows_replaced bigint not null default 0;
  alter table _sluice.slice_tables add column if not exists rows_replaced bigint not null default 0;
  alter table _sluice.targets add column if not exists rows_before bigint;
`;

/**
 * The n-th brings a ledger of version n - 1 to version n. A step is frozen once it is released, and only ever adds: workers
 * of before go on with what they know, and a ledger that is newer than this list is left as it is.
 */
const STEPS = [
  ...[FIRST, REJECTS, FINISHES, RUN_ID, LOADED_COLUMNS, FILLED_COLUMNS, KNOWN_COLUMNS, TABLES_OF_SLICES],
  FILE_GENERATIONS,
];

/**
 * Makes the ledger, or adds what came since it was made. Safe when many do it at once. Takes two selects where there is
 * nothing to do.
 */
export async function ensureLedger(session: Session): Promise<void> {
  if ((await readVersion(session)) >= STEPS.length) return;
  await inTransaction(session, async () => {
    await session.client.query("select pg_advisory_xact_lock(hashtextextended('sluice ledger', 0))");
    const version = await readVersion(session);
    if (version >= STEPS.length) return;
    for (const step of STEPS.slice(version)) await session.client.query(step);
    await session.client.query(
      `create table if not exists _sluice.ledger (
         singleton boolean primary key default true check (singleton),
         version integer not null
       )`,
    );
    await session.client.query(
      `insert into _sluice.ledger (version) values ($1)
       on conflict (singleton) do update set version = excluded.version`,
      [STEPS.length],
    );
  });
}

/** 0 without a ledger. One of the first version did not say so; its step finds everything there. */
async function readVersion({ client }: Session): Promise<number> {
  const { rows: found } = await client.query<{ exists: boolean }>(
    "select to_regclass('_sluice.ledger') is not null as exists",
  );
  if (!found[0]?.exists) return 0;
  const { rows } = await client.query<{ version: number }>("select version from _sluice.ledger");
  return rows[0]?.version ?? 0;
}
