import type { StagedRows } from "../load/staging.ts";
import type { TargetTable } from "../load-target.ts";
import type { Session } from "../session.ts";
import { LEDGER_SCHEMA, quoteColumns, quoteTable, type TableName } from "../sql.ts";

/**
 * Which rows a complete scan has seen is told by a table of their keys alone: rows that have not changed are not written. It is
 * logged, since it has to outlive what the ledger outlives.
 * @param table of the user's, whose key types it takes
 */
export function createSeenKeys(seen: TableName, table: TableName, keyColumns: string[]): string[] {
  const key = quoteColumns(keyColumns);
  return [
    `create table ${quoteTable(seen)} as select ${key} from ${quoteTable(table)} with no data`,
    `alter table ${quoteTable(seen)} add primary key (${key})`,
  ];
}

/** The keys of the staged rows, in the transaction that merges them, and in its order. */
export async function noteSeenKeys(
  { client }: Session,
  { keyColumns }: TargetTable,
  { staged, seenKeysTable }: { staged: StagedRows; seenKeysTable: string },
): Promise<void> {
  const key = quoteColumns(keyColumns);
  await client.query(
    `insert into ${quoteTable({ schema: LEDGER_SCHEMA, table: seenKeysTable })} (${key})
     select distinct ${key} from ${staged.table} order by ${key}
     on conflict do nothing`,
  );
}
