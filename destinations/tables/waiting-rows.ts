import type { Session } from "../session.ts";
import { quoteTable, type TableName } from "../sql.ts";

/** Of rows that wait for versions to be made of them: the row tells that its key is gone from the source. NULL in all others. */
export const GONE_AT_COLUMN = "_sluice_gone_at";

export const DEFINE_GONE_AT = `${GONE_AT_COLUMN} timestamptz`;

/** A plan of an older version has made the table without. Idempotent. */
export async function ensureGoneAt({ client }: Session, waiting: TableName): Promise<void> {
  const { rowCount } = await client.query(
    "select from pg_attribute where attrelid = to_regclass($1) and attname = $2 and not attisdropped",
    [quoteTable(waiting), GONE_AT_COLUMN],
  );
  if (rowCount === 0)
    await client.query(`alter table ${quoteTable(waiting)} add column if not exists ${DEFINE_GONE_AT}`);
}
