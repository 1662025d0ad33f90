import { IS_CURRENT_COLUMN, VALID_FROM_COLUMN, VALID_TO_COLUMN } from "../../core/own-columns.ts";
import type { PreviewRequest } from "../destination.ts";
import { closeVersions } from "../finish/close-versions.ts";
import { closeLater } from "../load/close-later.ts";
import { keepAsRead } from "../load/keep-as-read.ts";
import type { Session } from "../session.ts";
import { quoteColumns, quoteIdentifier, quoteTable, SYNCED_AT_COLUMN, type TableName } from "../sql.ts";
import { createTable, nextTableName } from "../tables/generations.ts";
import { growTable } from "../tables/grow-table.ts";
import { HISTORY_REMEDY } from "../tables/layout.ts";
import { loadedTable, presentLeaf } from "../tables/place-rows.ts";
import { isPresent, type Present, type Wanted } from "../tables/placement.ts";
import { conflict } from "../tables/refusals.ts";
import { defineColumns, sameColumns } from "../tables/table-shape.ts";
import { DEFINE_GONE_AT } from "../tables/waiting-rows.ts";
import type { Mode } from "./mode.ts";

/** The user's table holds every version of a row. What a plan reads waits beside it, as it is, and a key may be there twice. */
export const scd2: Mode = {
  layout: "versions",
  removesRows: false,
  keeps: "newest",

  loadsBeside: ({ complete }) => complete,

  async place(session, wanted, found) {
    const { columns, keyColumns, complete, resync = false, deploymentId, syncId, entityKey } = wanted;
    const waiting = await nextTableName(session, "w", wanted, found.next);
    const versions = isPresent(found)
      ? { leaf: presentLeaf(found), statements: await growVersions(session, wanted, found) }
      : await makeVersions(session, wanted, await nextTableName(session, "g", wanted, found.next));
    return {
      target: { ...loadedTable(wanted, waiting), kind: "versions", complete: complete || resync },
      statements: [...versions.statements, ...createWaiting(waiting, columns, keyColumns)],
      owner: { deploymentId, syncId, entityKey, leafTable: versions.leaf.table },
      losses: [],
    };
  },

  write: () => keepAsRead,

  deletes: () => closeLater,

  finish: { versions: closeVersions },
};

const MOMENT = "timestamp with time zone";

/** Two versions of a row never begin together, and two are never current. */
async function makeVersions(
  session: Session,
  { schema, table, columns, keyColumns }: Wanted,
  leaf: TableName,
): Promise<{ leaf: TableName; statements: string[] }> {
  const name = { schema, table };
  const validity = [VALID_FROM_COLUMN, VALID_TO_COLUMN].map((column) => ({
    name: column,
    type: MOMENT,
    nullable: true,
  }));
  const made = await createTable(session, name, leaf, {
    columns: [...columns, ...validity],
    keyColumns: [...keyColumns, VALID_FROM_COLUMN],
    cursorField: null,
  });
  return {
    leaf,
    statements: [
      ...made,
      `alter table ${quoteTable(name)} add column ${IS_CURRENT_COLUMN} boolean generated always as (${VALID_TO_COLUMN} is null) stored`,
      `create unique index on ${quoteTable(name)} (${quoteColumns(keyColumns)}) where ${VALID_TO_COLUMN} is null`,
    ],
  };
}

async function growVersions(session: Session, wanted: Wanted, found: Present): Promise<string[]> {
  const { columns, keyColumns } = wanted;
  const { shape } = found;
  if (!sameColumns(shape.keyColumns, [...keyColumns, VALID_FROM_COLUMN])) {
    const before = shape.keyColumns.filter((name) => name !== VALID_FROM_COLUMN).join(", ");
    throw conflict(
      wanted,
      `its key is (${before}), the source's now (${keyColumns.join(", ")}), and versions of one row cannot go on under another key`,
      "Drop or rename it, then retry with runMode full_refresh.",
    );
  }
  const leaf = presentLeaf(found);
  return growTable(session, wanted, { columns, shape, types: "widen", leaf, remedy: HISTORY_REMEDY });
}

function createWaiting(waiting: TableName, columns: PreviewRequest["columns"], keyColumns: string[]): string[] {
  const required = keyColumns.map((name) => `alter column ${quoteIdentifier(name)} set not null`);
  return [
    `create table ${quoteTable(waiting)} (${defineColumns(columns)}, ${SYNCED_AT_COLUMN} timestamptz not null default now(), ${DEFINE_GONE_AT})`,
    `alter table ${quoteTable(waiting)} ${required.join(", ")}`,
  ];
}
