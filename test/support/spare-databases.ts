import { randomBytes } from "node:crypto";
import pg from "pg";

/**
 * Empty databases that tests have given back, for the next ones. Creating one copies 300 files and dropping it removes them, which costs up to
 * 0.2 s of CPU (ext4 looks for an inode that was not freed a moment ago), and more than a thousand tests need one.
 *
 * A spare one has a name of its own: who still knows the name that it had in a test gets no connection.
 */
const SPARE = "spare_";

/** @param server a superuser's session in another database @returns the name of a spare one, now the caller's; null when there is none */
export async function takeSpareDatabase(server: pg.Client): Promise<string | null> {
  const { rows } = await server.query<{ datname: string }>(
    "select datname from pg_database where starts_with(datname, $1) order by random()",
    [SPARE],
  );
  for (const { datname } of rows) {
    const name = `test_${randomBytes(8).toString("hex")}`;
    if (await rename(server, datname, name)) return name;
  }
  return null;
}

/**
 * Ends the sessions that are left in a database and empties it for the next test.
 * @param server a superuser's session in another database
 * @returns false when something of its test is left in it, or it is gone: it has to be dropped
 */
export async function spareDatabase(server: pg.Client, url: string): Promise<boolean> {
  const name = new URL(url).pathname.slice(1);
  // `drop database` ends them, too.
  await server.query("select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = $1", [name]);
  const client = new pg.Client({ connectionString: url, options: "-c event_triggers=off" });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query(EMPTY);
    const { rows } = await client.query<{ traces: number }>(TRACES);
    if (rows[0]?.traces !== 0) return false;
  } catch (error) {
    // It was renamed, takes no connections, or has more tables than one transaction can lock.
    if (error instanceof pg.DatabaseError) return false;
    throw error;
  } finally {
    await client.end();
  }
  return rename(server, name, `${SPARE}${randomBytes(8).toString("hex")}`);
}

/** @returns false when somebody else was faster, or is in it */
async function rename(server: pg.Client, from: string, to: string): Promise<boolean> {
  try {
    await server.query(`alter database ${from} rename to ${to}`);
    return true;
  } catch (error) {
    if (error instanceof pg.DatabaseError && (error.code === "3D000" || error.code === "55006")) return false;
    throw error;
  }
}

/** Drops all schemas, and makes `public` as it is in a new database. */
const EMPTY = `
do $$
declare list text;
begin
  select string_agg(quote_ident(nspname), ', ') into list
  from pg_namespace where nspname not like 'pg\\_%' and nspname <> 'information_schema';
  if list is not null then execute 'drop schema ' || list || ' cascade'; end if;
  create schema public authorization pg_database_owner;
  grant usage on schema public to public;
  comment on schema public is 'standard public schema';
end $$`;

/** Counts what is in no schema, or about the database itself, and not in a new one. 16384 is the first oid that is not the system's. */
const TRACES = `
select (
  (select count(*) from pg_event_trigger)
  + (select count(*) from pg_publication)
  + (select count(*) from pg_default_acl)
  + (select count(*) from pg_largeobject_metadata)
  + (select count(*) from pg_foreign_data_wrapper)
  + (select count(*) from pg_extension where extname <> 'plpgsql')
  + (select count(*) from pg_language where oid >= 16384)
  + (select count(*) from pg_cast where oid >= 16384)
  + (select count(*) from pg_namespace where oid >= 16384 and nspname <> 'public' and nspname not like 'pg\\_%temp\\_%')
  + (select count(*) from pg_class where oid >= 16384)
  + (select count(*) from pg_proc where oid >= 16384)
  + (select count(*) from pg_type where oid >= 16384)
  + (select count(*) from pg_init_privs where privtype <> 'i')
  + (select count(*) from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase where datname = current_database())
  + (select count(*) from pg_replication_slots where database = current_database())
  + (select count(*) from pg_prepared_xacts where database = current_database())
  + (select count(*) from pg_subscription s join pg_database d on d.oid = s.subdbid where datname = current_database())
  + (select count(*) from pg_shdepend s join pg_database d on d.oid = s.dbid where datname = current_database())
  + (select count(*) from pg_database where datname = current_database() and (datacl is not null or datconnlimit <> -1))
)::int as traces`;
