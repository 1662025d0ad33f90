import type { FinishRequest } from "../destination.ts";
import { sqlState } from "../errors.ts";
import { lockTable, type TableOwner } from "../ledger/ledger.ts";
import { TABLE_SLICES } from "../ledger/slice-tables.ts";
import { isHidden, type KeptRow, lateKeyOf, type TargetTable } from "../load-target.ts";
import { inTransaction, type Session } from "../session.ts";
import { quoteColumns, quoteIdentifier, quoteTable, type TableName } from "../sql.ts";
import { allowTimeFor } from "../statement-time.ts";
import { keyConstraintOf } from "./generations.ts";
import type { TableShape } from "./table-shape.ts";

/**
 * A key is made faster over rows that are there than with each of them. Until then the columns of the key take no NULL, and nothing
 * can be merged into the table.
 */

type Keyed = Pick<FinishRequest, "target" | "planId" | "entityKey">;

/** Of rows that are there, with a key that is still missing. */
interface Unkeyed extends Omit<Keyed, "target"> {
  target: TargetTable;
  keeps: KeptRow;
}

/** Enough to sort 5,000,000 integers without a file. */
const SORT_MEMORY_KB = 256 * 1024;

/** @returns the statements that give the leaf its key; readers wait only for the second, which is done at once */
export function keyStatements(leaf: TableName, keyColumns: readonly string[]): [build: string, adopt: string] {
  const name = quoteIdentifier(keyConstraintOf(leaf));
  return [
    `create unique index if not exists ${name} on ${quoteTable(leaf)} (${quoteColumns(keyColumns)})`,
    `alter table ${quoteTable(leaf)} add constraint ${name} primary key using index ${name}`,
  ];
}

export function parentKeyStatement(table: TableName, keyColumns: readonly string[]): string {
  return `alter table ${quoteTable(table)} add primary key (${quoteColumns(keyColumns)})`;
}

/**
 * @param keyColumns those that are wanted now
 * @returns the key that the generation which the table shows was to get when it was loaded, and did not; else none
 */
export async function findLateKey(
  { client }: Session,
  { leafTable }: TableOwner,
  { shape, keyColumns }: { shape: TableShape; keyColumns: string[] },
): Promise<string[]> {
  // What was made without a key is partitioned by another column.
  if (shape.keyConstraint !== null || shape.partitionedBy !== keyColumns[0]) return [];
  const { rows } = await client.query<{ keyColumns: string[] }>(
    `select target -> 'keyColumns' as "keyColumns" from _sluice.targets
     where leaf_table = $1 and finished_at is null and target ->> 'finish' = 'add_key'`,
    [leafTable],
  );
  // The ledger forgets chains that nobody resumes any more.
  return rows[0]?.keyColumns ?? keyColumns;
}

/**
 * Where the target's key comes late: makes the unique index of the leaf's key; of a leaf that nobody reads yet the key itself. Readers read on, who writes waits. A key that
 * is there twice after all keeps the row that a merge would have kept, the newest by cursor, and of equals the one read last; or that an append
 * would have, the first. Idempotent.
 */
export async function buildKey(session: Session, of: Keyed): Promise<void> {
  const { target } = of;
  const lateKey = lateKeyOf(target);
  const leaf = { schema: target.leafSchema, table: target.leafTable };
  if (lateKey === null || (await hasIndex(session, leaf))) return;
  await inTransaction(session, async () => {
    await lockTable(session, target);
    if (await hasIndex(session, leaf)) return;
    await buildIndex(session, { ...of, keeps: lateKey.keeps });
    const [, adopt] = keyStatements(leaf, target.keyColumns);
    if (isHidden(target)) await session.client.query(adopt);
  });
}

/** Within a transaction that has locked the table. */
export async function buildIndex(session: Session, of: Unkeyed): Promise<void> {
  const { target } = of;
  const { client } = session;
  const leaf = { schema: target.leafSchema, table: target.leafTable };
  const [build] = keyStatements(leaf, target.keyColumns);
  await allowTimeFor(session, [leaf], "transaction");
  await client.query(
    "select set_config('maintenance_work_mem', greatest(setting::int, $1) || 'kB', true) from pg_settings where name = 'maintenance_work_mem'",
    [SORT_MEMORY_KB],
  );
  await client.query("savepoint without_key");
  try {
    await client.query(build);
  } catch (error) {
    if (sqlState(error) !== "23505") throw error;
    await client.query("rollback to savepoint without_key");
    await dropDoubles(session, of);
    await client.query(build);
  }
}

async function hasIndex({ client }: Session, leaf: TableName): Promise<boolean> {
  const { rowCount } = await client.query(
    "select from pg_index where indexrelid = to_regclass($1) and indrelid = to_regclass($2)",
    [quoteTable({ schema: leaf.schema, table: keyConstraintOf(leaf) }), quoteTable(leaf)],
  );
  return rowCount === 1;
}

/** The ledger counts what is there, as it does where rows are merged; which slice brought a row twice nobody can say. */
async function dropDoubles({ client }: Session, { target, planId, entityKey, keeps }: Unkeyed): Promise<void> {
  const leaf = quoteTable({ schema: target.leafSchema, table: target.leafTable });
  const newest = target.cursorField === null ? "" : `${quoteIdentifier(target.cursorField)} desc nulls last, `;
  const kept = keeps === "first" ? "ctid" : `${newest}ctid desc`;
  const { rowCount } = await client.query(
    `delete from ${leaf} where ctid in (
       select ctid from (
         select ctid, row_number() over (partition by ${quoteColumns(target.keyColumns)} order by ${kept}) as rank from ${leaf}
       ) ranked
       where rank > 1)`,
  );
  await client.query(
    `with most as (
       select slice_no from ${TABLE_SLICES} where plan_id = $1 and entity_key = $2 order by rows_inserted desc limit 1
     ),
     of_table as (
       update _sluice.slice_tables set rows_inserted = rows_inserted - $3, rows_written = rows_written - $3
       where plan_id = $1 and entity_key = $2 and slice_no = (select slice_no from most)
     )
     update _sluice.slices set rows_inserted = rows_inserted - $3, rows_written = rows_written - $3
     where plan_id = $1 and slice_no = (select slice_no from most)`,
    [planId, entityKey, rowCount],
  );
}
