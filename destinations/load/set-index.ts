import { createHash } from "node:crypto";
import { sqlState } from "../errors.ts";
import { lockTable } from "../ledger/ledger.ts";
import type { LoadTarget } from "../load-target.ts";
import { MODES } from "../modes/index.ts";
import { inTransaction, type Session } from "../session.ts";
import { LEDGER_SCHEMA, quoteColumns, quoteIdentifier, quoteTable } from "../sql.ts";

/** An index of a larger table takes so long that it is built without shutting writers out. */
const LARGE_BYTES = 8 * 1024 * 1024;

/** Such a build waits for every open transaction of the database. One that takes longer than this is given up. */
const BESIDE_WITHIN_MS = 120_000;

/**
 * Where the children of a parent are looked for. The index is the user's table's, so that the generations that come get it too; one that is
 * loaded beside already gets its own, which becomes a part of it. Large partitions get theirs while everybody writes on, where that comes to an end.
 * Not within a transaction. Idempotent.
 */
export async function ensureSetIndex(
  session: Session,
  target: LoadTarget,
  { columns, signal }: { columns: string[]; signal: AbortSignal },
): Promise<void> {
  const { table: leaf } = await MODES[target.loadMode].deletes(target).present(session, target);
  const tables = [quoteTable(target), leaf];
  if ((await hasIndexOn(session, leaf, columns)) && (await hasIndexOn(session, quoteTable(target), columns))) return;
  for (const large of await findLarge(session, tables)) {
    if (!(await hasIndexOn(session, large, columns))) await buildBeside(session, { table: large, columns, signal });
  }
  await inTransaction(session, async () => {
    await lockTable(session, target);
    if (!(await hasIndexOn(session, leaf, columns))) {
      await session.client.query(`drop index if exists ${indexName(leaf, columns)}`);
    }
    for (const table of tables) {
      if (await hasIndexOn(session, table, columns)) continue;
      // An index that a partition has already becomes a part of the new one.
      await session.client.query(`create index on ${table} (${quoteColumns(columns)})`);
    }
  });
}

/** @returns as in a statement: of the tables and their partitions those that hold many rows */
async function findLarge({ client }: Session, tables: string[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `with part (oid) as (
       select to_regclass(name)::oid from unnest($1::text[]) as name
       union select inhrelid from pg_inherits where inhparent in (select to_regclass(name) from unnest($1::text[]) as name)
     )
     select format('%I.%I', nspname, relname) as name
     from part join pg_class on pg_class.oid = part.oid join pg_namespace on pg_namespace.oid = relnamespace
     where relkind = 'r' and pg_relation_size(pg_class.oid) > $2`,
    [tables, LARGE_BYTES],
  );
  return rows.map(({ name }) => name);
}

/** A build that is broken off leaves an index of no use, which the next one drops. */
async function buildBeside(
  session: Session,
  { table, columns, signal }: { table: string; columns: string[]; signal: AbortSignal },
): Promise<void> {
  const { client } = session;
  const { rows } = await client.query<{ locks: string; statements: string }>(
    "select current_setting('lock_timeout') as locks, current_setting('statement_timeout') as statements",
  );
  const limit = (locks: string, statements: string) =>
    client.query("select set_config('lock_timeout', $1, false), set_config('statement_timeout', $2, false)", [
      ...[locks, statements],
    ]);
  const name = indexName(table, columns);
  await limit("0", `${BESIDE_WITHIN_MS}ms`);
  try {
    if (!(await hasIndexOn(session, table, columns))) await client.query(`drop index concurrently if exists ${name}`);
    await client.query(
      `create index concurrently if not exists ${unqualified(table, columns)} on ${table} (${quoteColumns(columns)})`,
    );
  } catch (error) {
    signal.throwIfAborted();
    if (!["57014", "55P03", "40P01"].includes(sqlState(error) ?? "")) throw error;
  } finally {
    await limit(rows[0]?.locks ?? "0", rows[0]?.statements ?? "0");
  }
}

function indexName(table: string, columns: string[]): string {
  return `${quoteIdentifier(LEDGER_SCHEMA)}.${unqualified(table, columns)}`;
}

/** The same for all that build it. */
function unqualified(table: string, columns: string[]): string {
  const hash = createHash("sha256")
    .update(JSON.stringify([table.replaceAll('"', ""), columns]))
    .digest("hex")
    .slice(0, 16);
  return quoteIdentifier(`sluice_sets_${hash}`);
}

/** By its first column: what is left is few rows. */
async function hasIndexOn({ client }: Session, table: string, [first]: string[]): Promise<boolean> {
  const { rowCount } = await client.query(
    `select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
     where i.indrelid = to_regclass($1) and i.indisvalid and i.indpred is null and a.attname = $2`,
    [table, first],
  );
  return rowCount !== 0;
}
