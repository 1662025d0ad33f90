import pg from "pg";
import { SNAPSHOT_AT_COLUMN } from "../../core/own-columns.ts";
import type { PreviewRequest } from "../destination.ts";
import { attachSnapshot } from "../finish/attach-snapshot.ts";
import type { TableOwner } from "../ledger/ledger.ts";
import { append } from "../load/append.ts";
import { removeRows } from "../load/delete-rows.ts";
import { merge } from "../load/merge.ts";
import type { Session } from "../session.ts";
import { quoteColumns, quoteTable, type TableName } from "../sql.ts";
import { findIdentityDefaults } from "../tables/attach-requirements.ts";
import { widens } from "../tables/column-types.ts";
import { createParent, nextTableName } from "../tables/generations.ts";
import { growTable } from "../tables/grow-table.ts";
import { HISTORY_REMEDY } from "../tables/layout.ts";
import { lateKeyFor, loadedTable } from "../tables/place-rows.ts";
import { requireKeyColumns, type TableShape } from "../tables/table-shape.ts";
import type { Mode } from "./mode.ts";

/**
 * Every run adds all rows of the source, under its `_snapshot_at`. The user's table has one partition for each snapshot. The key is the
 * snapshot's own: it is unique in it, the next snapshot may have another, and rows find each other in it as they do in any table.
 */
export const appendSnapshot: Mode = {
  layout: "snapshots",
  removesRows: false,
  keeps: "newest",

  loadsBeside: ({ complete }) => complete,

  async place(session, wanted, { shape, owner, next }) {
    const { columns, keyColumns, keyComesLast, deploymentId, syncId, entityKey } = wanted;
    const leaf = await nextTableName(session, "g", wanted, next);
    const snapshotAt = await readInstant(session, wanted, owner);
    const table =
      shape === null
        ? await createSnapshots(session, wanted, columns)
        : await growTable(session, wanted, { columns, shape, types: "widen", remedy: HISTORY_REMEDY });
    const identities = await findIdentityDefaults(session, wanted);
    const straight = hasSourceTypes(columns, shape);
    return {
      target: {
        ...loadedTable(wanted, leaf),
        ...{ kind: "snapshot", snapshotAt, straight, ...lateKeyFor(wanted, appendSnapshot.keeps) },
      },
      statements: [...table, ...createSnapshot(wanted, leaf, { keyColumns, keyComesLast, snapshotAt, identities })],
      // The table shows the snapshots before until this one is attached.
      owner: { deploymentId, syncId, entityKey, leafTable: shape === null ? "" : (owner?.leafTable ?? "") },
      losses: [],
    };
  },

  write: ({ keyColumns }) => (keyColumns.length > 0 ? merge : append),

  deletes: () => removeRows,

  finish: { snapshot: attachSnapshot },
};

/** Where a type of the table is wider, a COPY of the source's would fail. */
function hasSourceTypes(columns: PreviewRequest["columns"], shape: TableShape | null): boolean {
  const types = new Map(shape?.columns.map(({ name, type }) => [name, type]));
  return columns.every(({ name, type }) => {
    const before = types.get(name) ?? type;
    return before === type || !widens(type, before);
  });
}

async function createSnapshots(
  session: Session,
  name: TableName,
  columns: PreviewRequest["columns"],
): Promise<string[]> {
  const snapshotAt = { name: SNAPSHOT_AT_COLUMN, type: "timestamp with time zone", nullable: false };
  return [
    ...(await createParent(session, name, {
      columns: [...columns, snapshotAt],
      keyColumns: [],
      partitionBy: SNAPSHOT_AT_COLUMN,
    })),
    `alter table ${quoteTable(name)} alter column ${SNAPSHOT_AT_COLUMN} set not null`,
  ];
}

/** With its constraint there is nothing to look for in it when it is attached. */
function createSnapshot(
  name: TableName,
  leaf: TableName,
  of: { keyColumns: string[]; keyComesLast: boolean; snapshotAt: string; identities: string[] },
): string[] {
  const { keyColumns, keyComesLast, snapshotAt, identities } = of;
  const at = pg.escapeLiteral(snapshotAt);
  const parts = [
    `like ${quoteTable(name)} including all excluding identity`,
    ...(keyColumns.length === 0 || keyComesLast ? [] : [`primary key (${quoteColumns(keyColumns)})`]),
    `check (${SNAPSHOT_AT_COLUMN} = ${at})`,
  ];
  return [
    `create table ${quoteTable(leaf)} (${parts.join(", ")})`,
    `alter table ${quoteTable(leaf)} ${[`alter column ${SNAPSHOT_AT_COLUMN} set default ${at}`, ...identities].join(", ")}`,
    ...(keyComesLast ? [requireKeyColumns(leaf, keyColumns)] : []),
  ];
}

/** By the destination's clock, and later than every snapshot of the table that the ledger knows, should that clock be set back. */
async function readInstant({ client }: Session, name: TableName, owner: TableOwner | null): Promise<string> {
  const { rows } = await client.query<{ at: string }>(
    owner === null
      ? "select clock_timestamp()::text as at"
      : `select greatest(
           clock_timestamp(), max((target ->> 'snapshotAt')::timestamptz) + interval '1 microsecond'
         )::text as at
         from _sluice.targets where schema_name = $1 and table_name = $2`,
    owner === null ? [] : [name.schema, name.table],
  );
  return String(rows[0]?.at);
}
