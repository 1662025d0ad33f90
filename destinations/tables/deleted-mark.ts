import { TerminalError } from "../../core/errors.ts";
import { DELETED_AT_COLUMN } from "../../core/own-columns.ts";
import { lockTable } from "../ledger/ledger.ts";
import { isHidden, type LoadTarget, type TargetTable } from "../load-target.ts";
import { inTransaction, type Session } from "../session.ts";
import { quoteTable, type TableName } from "../sql.ts";
import { DELETED_AT } from "./layout.ts";
import { recordKnownColumns } from "./table-changes.ts";
import { recordLoadedColumns } from "./user-columns.ts";

/**
 * Gives the table `_deleted_at` where it has none: whether a source tells of deleted rows shows only when it does. A short transaction of
 * its own. Idempotent.
 * @throws TerminalError destination_schema_conflict where the source has a column of that name
 */
export async function ensureDeletedMark(session: Session, target: LoadTarget): Promise<void> {
  const leaf = leafOf(target);
  if (target.columns.some(({ name }) => name === DELETED_AT_COLUMN)) {
    throw new TerminalError(
      "destination_schema_conflict",
      `${target.schema}.${target.table} has ${DELETED_AT_COLUMN} from the source, so nothing can tell there which rows are deleted.`,
      { fix: "Leave that column out with sourceConfig, or choose another load mode in the table binding." },
    );
  }
  if (await hasMark(session, target)) return;
  const add = `add column if not exists ${DELETED_AT_COLUMN} ${DELETED_AT.type}`;
  await inTransaction(session, async () => {
    await lockTable(session, target);
    if (await hasMark(session, target)) return;
    await session.client.query(`alter table ${quoteTable(isHidden(target) ? leaf : target)} ${add}`);
    if (isHidden(target)) return;
    await recordLoadedColumns(session, target, [...target.columns, DELETED_AT]);
    await recordKnownColumns(session, target);
  });
}

/** Whether the leaf has a `_deleted_at` of ours. */
export async function hasMark({ client }: Session, target: TargetTable): Promise<boolean> {
  if (target.columns.some(({ name }) => name === DELETED_AT_COLUMN)) return false;
  const { rowCount } = await client.query(
    "select from pg_attribute where attrelid = to_regclass($1) and attname = $2 and not attisdropped",
    [quoteTable(leafOf(target)), DELETED_AT_COLUMN],
  );
  return rowCount !== 0;
}

function leafOf({ leafSchema, leafTable }: TargetTable): TableName {
  return { schema: leafSchema, table: leafTable };
}
