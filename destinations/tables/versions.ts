import { IS_CURRENT_COLUMN, VALID_FROM_COLUMN, VALID_TO_COLUMN } from "../../core/own-columns.ts";
import type { PreviewRequest } from "../destination.ts";
import type { Session } from "../session.ts";
import { LEDGER_SCHEMA, quoteColumns, quoteIdentifier, quoteTable, SYNCED_AT_COLUMN, type TableName } from "../sql.ts";
import { createTable, nextTableName } from "./generations.ts";
import { growTable } from "./grow-table.ts";
import { type Found, HISTORY_REMEDY, type Waiting } from "./layout.ts";
import { conflict } from "./refusals.ts";
import { defineColumns, sameColumns } from "./table-shape.ts";

const MOMENT = "timestamp with time zone";

/** The user's table holds versions; what a plan reads waits beside it, as it is, and a key may be there twice. */
export async function placeVersions(session: Session, request: PreviewRequest, found: Found): Promise<Waiting> {
  const { columns, keyColumns, complete } = request;
  const { shape, owner, next } = found;
  const stage = await nextTableName(session, "w", request, next);
  const place = { leaf: stage, straight: true, finish: { finish: "close_versions" as const, complete } };
  const staging = createStage(stage, columns, keyColumns);
  if (shape === null || owner === null) {
    const versions = await nextTableName(session, "g", request, next);
    const table = await createVersions(session, request, versions, { columns, keyColumns });
    return { ...place, statements: [...table, ...staging], shown: versions.table };
  }
  const versionKey = [...keyColumns, VALID_FROM_COLUMN];
  if (!sameColumns(shape.keyColumns, versionKey)) {
    const before = shape.keyColumns.filter((name) => name !== VALID_FROM_COLUMN).join(", ");
    throw conflict(
      request,
      `its key is (${before}), the source's now (${keyColumns.join(", ")}), and versions of one row cannot go on under another key`,
      "Drop or rename it, then retry with runMode full_refresh.",
    );
  }
  const leaf = { schema: LEDGER_SCHEMA, table: owner.leafTable };
  const grown = await growTable(session, request, { columns, shape, types: "widen", leaf, remedy: HISTORY_REMEDY });
  return { ...place, statements: [...grown, ...staging], shown: owner.leafTable };
}

/** Two versions of a row never begin together, and two are never current. */
async function createVersions(
  session: Session,
  name: TableName,
  leaf: TableName,
  { columns, keyColumns }: Pick<PreviewRequest, "columns" | "keyColumns">,
): Promise<string[]> {
  const validity = [VALID_FROM_COLUMN, VALID_TO_COLUMN].map((column) => ({
    name: column,
    type: MOMENT,
    nullable: true,
  }));
  const table = quoteTable(name);
  return [
    ...(await createTable(session, name, leaf, {
      columns: [...columns, ...validity],
      keyColumns: [...keyColumns, VALID_FROM_COLUMN],
      cursorField: null,
    })),
    `alter table ${table} add column ${IS_CURRENT_COLUMN} boolean generated always as (${VALID_TO_COLUMN} is null) stored`,
    `create unique index on ${table} (${quoteColumns(keyColumns)}) where ${VALID_TO_COLUMN} is null`,
  ];
}

function createStage(stage: TableName, columns: PreviewRequest["columns"], keyColumns: string[]): string[] {
  const required = keyColumns.map((name) => `alter column ${quoteIdentifier(name)} set not null`);
  return [
    `create table ${quoteTable(stage)} (${defineColumns(columns)}, ${SYNCED_AT_COLUMN} timestamptz not null default now())`,
    `alter table ${quoteTable(stage)} ${required.join(", ")}`,
  ];
}
