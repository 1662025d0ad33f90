import { VALID_TO_COLUMN } from "../../core/own-columns.ts";
import { goneMeanwhile } from "../finish/reconcile.ts";
import { findOwner } from "../ledger/ledger.ts";
import type { TargetTable } from "../load-target.ts";
import type { Session } from "../session.ts";
import { LEDGER_SCHEMA, quoteColumns, quoteTable } from "../sql.ts";
import { GONE_AT_COLUMN } from "../tables/waiting-rows.ts";
import { type Deleting, isGone } from "./gone-keys.ts";

/**
 * Rows that are gone are noted among those that wait for the finish, which closes their versions. What waited of such a row is older, and
 * goes.
 */
export const closeLater: Deleting = {
  does: "note",
  present: async (session, target) => ({
    table: await versionsOf(session, target),
    where: `present.${VALID_TO_COLUMN} is null`,
  }),
  async apply(session, request, gone) {
    const { client } = session;
    const { target } = request;
    const waiting = quoteTable({ schema: target.leafSchema, table: target.leafTable });
    const versions = await versionsOf(session, target);
    const { rows } = await client.query<{ open: string }>(
      `select count(*) as open from ${versions} present
       where present.${VALID_TO_COLUMN} is null
         and exists (select from ${gone.table} gone where ${isGone(gone, target)})
         and not exists (
           select from ${waiting} noted join ${gone.table} gone on ${sameKey(gone.keyColumns, "noted", "gone")}
           where noted.${GONE_AT_COLUMN} is not null and ${sameKey(gone.keyColumns, "noted", "present")})`,
    );
    const older = await client.query(
      `delete from ${waiting} present using ${gone.table} gone where ${isGone(gone, target)}`,
    );
    const columns =
      gone.cursor === null || gone.keyColumns.includes(gone.cursor)
        ? gone.keyColumns
        : [...gone.keyColumns, gone.cursor];
    const noted = await client.query(
      `insert into ${waiting} (${quoteColumns(columns)}, ${GONE_AT_COLUMN})
       select ${quoteColumns(columns)}, now() from ${gone.table} gone`,
    );
    // The finish counts the versions that it closes.
    return { deleted: Number(rows[0]?.open), written: 0, inserted: (noted.rowCount ?? 0) - (older.rowCount ?? 0) };
  },
};

async function versionsOf(session: Session, target: TargetTable): Promise<string> {
  const owner = await findOwner(session, target);
  if (owner === null) throw goneMeanwhile(target);
  return quoteTable({ schema: LEDGER_SCHEMA, table: owner.leafTable });
}

function sameKey(keyColumns: string[], a: string, b: string): string {
  return keyColumns.map((name) => `${a}.${quoteColumns([name])} = ${b}.${quoteColumns([name])}`).join(" and ");
}
