import type { Session } from "./session.ts";
import { quoteTable, type TableName } from "./sql.ts";

/** What goes over a table may take a second for each of these, besides what every statement may take: slow disks read more. */
const BYTES_PER_SECOND = 1024 * 1024;

/** Postgres keeps it in 32 bits: 24 days. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Statements may take as long as these tables are large, so that none is ended again and again for taking long. The size of a table that
 * somebody has locked is taken from the catalog: nobody waits here.
 * @param until `transaction`: what comes after it has the usual limit; `session`: until `restoreTime`
 * @param tables with their partitions; those that do not exist count for nothing
 */
export async function allowTimeFor(
  session: Session,
  tables: readonly TableName[],
  until: "transaction" | "session",
): Promise<void> {
  await session.client.query(
    `with recursive part (oid) as (
       select to_regclass(name)::oid from unnest($1::text[]) as name
       union select inhrelid from pg_inherits join part on inhparent = part.oid
     ), locked (oid) as (
       select relation from pg_locks where mode = 'AccessExclusiveLock' and pid <> pg_backend_pid()
     )
     select set_config('statement_timeout', least($2::float8 + bytes * 1000.0 / $3, $4)::bigint || 'ms', $5)
     from (
       select coalesce(sum(case when oid in (select oid from locked where oid is not null) then relpages * current_setting('block_size')::bigint
                                else pg_total_relation_size(oid) end), 0)::float8 as bytes
       from part join pg_class using (oid)
     ) as size`,
    [tables.map(quoteTable), session.statementTimeoutMs, BYTES_PER_SECOND, LONGEST_MS, until === "transaction"],
  );
}

/** Back to what every statement may take. */
export async function restoreTime({ client, statementTimeoutMs }: Session): Promise<void> {
  await client.query("select set_config('statement_timeout', $1, false)", [`${statementTimeoutMs}ms`]);
}

/**
 * While a COPY waits for rows, it is the source that takes its time, which it has its own limits for. This one only bounds how long a worker
 * that is stopped, and that nobody takes over from, can hold locks.
 */
const COPY_TIMEOUT = "1d";

/** `copy` moves rows of the source, in a transaction that is open. */
export async function atSourcesPace<T>({ client, statementTimeoutMs }: Session, copy: () => Promise<T>): Promise<T> {
  const setLimit = "select set_config('statement_timeout', $1, true)";
  const { rows } = await client.query<{ before: string }>(
    "select current_setting('statement_timeout') as before, set_config('statement_timeout', $1, true)",
    [COPY_TIMEOUT],
  );
  const result = await copy();
  await client.query(setLimit, [rows[0]?.before ?? `${statementTimeoutMs}ms`]);
  return result;
}
