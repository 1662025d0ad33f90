import { lockTable } from "../ledger/ledger.ts";
import type { LoadTarget } from "../load-target.ts";
import { MODES } from "../modes/index.ts";
import { inTransaction, type Session } from "../session.ts";
import { quoteColumns, quoteTable } from "../sql.ts";

/**
 * Where the children of a parent are looked for. The index is the user's table's, so that the generations that come get it too; one that is
 * loaded beside already gets its own, which becomes a part of it. Idempotent.
 */
export async function ensureSetIndex(session: Session, target: LoadTarget, columns: string[]): Promise<void> {
  const { table: leaf } = await MODES[target.loadMode].deletes(target).present(session, target);
  if (await hasIndexOn(session, leaf, columns)) return;
  await inTransaction(session, async () => {
    await lockTable(session, target);
    for (const table of [quoteTable(target), leaf]) {
      if (await hasIndexOn(session, table, columns)) continue;
      await session.client.query(`create index on ${table} (${quoteColumns(columns)})`);
    }
  });
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
