import pg from "pg";
import { SNAPSHOT_AT_COLUMN } from "../../core/own-columns.ts";
import type { PreviewRequest } from "../destination.ts";
import type { TableOwner } from "../ledger/ledger.ts";
import type { Session } from "../session.ts";
import { quoteColumns, quoteTable, type TableName } from "../sql.ts";
import { findIdentityDefaults } from "./attach-requirements.ts";
import { widens } from "./column-types.ts";
import { createParent, nextTableName } from "./generations.ts";
import { growTable } from "./grow-table.ts";
import { type Found, HISTORY_REMEDY, type Waiting } from "./layout.ts";
import { requireKeyColumns } from "./table-shape.ts";

/**
 * The user's table has one partition for each snapshot. The key is the snapshot's own: it is unique in it, the next snapshot
 * may have another, and rows find each other in it as they do in any table.
 */
export async function placeSnapshot(session: Session, request: PreviewRequest, found: Found): Promise<Waiting> {
  const { columns, keyColumns, keyLast } = request;
  const { shape, owner, next } = found;
  const leaf = await nextTableName(session, "g", request, next);
  const snapshotAt = await readInstant(session, request, owner);
  const table =
    shape === null
      ? await createSnapshots(session, request, columns)
      : await growTable(session, request, { columns, shape, types: "widen", remedy: HISTORY_REMEDY });
  const types = new Map(shape?.columns.map(({ name, type }) => [name, type]));
  return {
    leaf,
    statements: [
      ...table,
      ...createSnapshot(request, leaf, {
        ...{ keyColumns, keyLast, snapshotAt },
        identities: await findIdentityDefaults(session, request),
      }),
    ],
    straight: columns.every(({ name, type }) => {
      const before = types.get(name) ?? type;
      return before === type || !widens(type, before);
    }),
    shown: shape === null ? "" : (owner?.leafTable ?? ""),
    finish: { finish: "attach_snapshot", snapshotAt, ...(keyLast ? { keyLast } : {}) },
  };
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
  of: { keyColumns: string[]; keyLast: boolean; snapshotAt: string; identities: string[] },
): string[] {
  const { keyColumns, keyLast, snapshotAt, identities } = of;
  const at = pg.escapeLiteral(snapshotAt);
  const parts = [
    `like ${quoteTable(name)} including all excluding identity`,
    ...(keyColumns.length === 0 || keyLast ? [] : [`primary key (${quoteColumns(keyColumns)})`]),
    `check (${SNAPSHOT_AT_COLUMN} = ${at})`,
  ];
  return [
    `create table ${quoteTable(leaf)} (${parts.join(", ")})`,
    `alter table ${quoteTable(leaf)} ${[`alter column ${SNAPSHOT_AT_COLUMN} set default ${at}`, ...identities].join(", ")}`,
    ...(keyLast ? [requireKeyColumns(leaf, keyColumns)] : []),
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
