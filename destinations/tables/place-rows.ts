import type {
  FirstLoad,
  InPlace,
  KeptRow,
  LateKey,
  LoadedTable,
  ReplaceWindows,
  ScanInPlace,
  TargetColumn,
} from "../load-target.ts";
import type { Session } from "../session.ts";
import { LEDGER_SCHEMA, type TableName } from "../sql.ts";
import { isUnfilled } from "./filled-columns.ts";
import { createTable, nextTableName } from "./generations.ts";
import { growTable } from "./grow-table.ts";
import { findLateKey, keyStatements, parentKeyStatement } from "./late-key.ts";
import { hasDeletedMark } from "./layout.ts";
import { findTaken, hasRows } from "./losses.ts";
import type { Found, Placement, Present, Wanted } from "./placement.ts";
import { conflict } from "./refusals.ts";
import { sameColumns, type TableShape } from "./table-shape.ts";

/** Where the table has the source's rows, each once: how it is made, and how it grows with them. */

/** What a load mode wants of such a table beside what the source has. */
export interface RowsTable {
  /** The source's columns, and those that the load mode adds. */
  columns: TargetColumn[];
  keeps: KeptRow;
  /** Statements that make the indexes which the load mode needs and the table does not have. */
  indexes: string[];
  /** What to do where the key is another one. Absent: a full refresh makes the table anew. */
  otherKey?: string;
}

/** The table is made, and shows the rows as they arrive. */
export async function placeFirst(
  session: Session,
  wanted: Wanted,
  { next }: Pick<Found, "next">,
  { columns, keeps, indexes }: RowsTable,
): Promise<Placement> {
  const { deploymentId, syncId, entityKey } = wanted;
  const leaf = await nextTableName(session, "g", wanted, next);
  const strategy: FirstLoad = { kind: "first_load", straight: true, ...lateKeyFor(wanted, keeps) };
  return {
    target: { ...loadedTable(wanted, leaf), ...markOf(wanted, columns), ...strategy },
    statements: [...(await createTable(session, wanted, leaf, { ...wanted, columns })), ...indexes],
    owner: { deploymentId, syncId, entityKey, leafTable: leaf.table },
    losses: [],
  };
}

type InPlaceStrategy = InPlace | ReplaceWindows | ScanInPlace;

/**
 * Rows go into the table as it is, once it has grown.
 * @param how.statements make what the strategy needs
 * @param how.needsCursor what to do where rows that are there have no cursor, because they were loaded before the table had that column
 * @throws TerminalError destination_schema_conflict, destination_type_mismatch
 */
export async function placeInPlace(
  session: Session,
  wanted: Wanted,
  found: Present,
  how: RowsTable & { strategy: InPlaceStrategy; statements?: string[]; needsCursor?: string },
): Promise<Placement> {
  const { columns, indexes, strategy, statements = [], needsCursor, otherKey } = how;
  const { shape, lateKey } = await withLateKey(session, wanted, found);
  if (!sameColumns(shape.keyColumns, wanted.keyColumns)) {
    throw conflict(
      wanted,
      `its key is (${shape.keyColumns.join(", ")}), the source's now (${wanted.keyColumns.join(", ")})`,
      otherKey ?? "Retry with runMode full_refresh.",
    );
  }
  const leaf = presentLeaf(found);
  if (needsCursor !== undefined) await refuseNewCursor(session, wanted, { shape, leaf, fix: needsCursor });
  const grown = await growTable(session, wanted, { columns, shape, types: "widen", leaf });
  return {
    target: { ...loadedTable(wanted, leaf), ...markOf(wanted, [...shape.columns, ...columns]), ...strategy },
    statements: [
      ...grown,
      ...indexes,
      ...(lateKey.length === 0 ? [] : [...keyStatements(leaf, lateKey), parentKeyStatement(wanted, lateKey)]),
      ...statements,
    ],
    owner: null,
    losses: await findTaken(session, wanted, { shape, leafTable: leaf.table }),
    ...(lateKey.length === 0 ? {} : { lateKey }),
  };
}

/** A cursor column that the table did not have when its rows were loaded is empty in them. */
async function refuseNewCursor(
  session: Session,
  wanted: Wanted,
  { shape, leaf, fix }: { shape: TableShape; leaf: TableName; fix: string },
): Promise<void> {
  const { cursorField, loadMode } = wanted;
  if (cursorField === null || !(await hasRows(session, leaf.table))) return;
  const isThere = shape.columns.some(({ name }) => name === cursorField);
  if (isThere && !(await isUnfilled(session, wanted, { column: cursorField, leafTable: leaf.table }))) return;
  throw conflict(wanted, `its rows have no ${cursorField} yet, by which ${loadMode} goes`, fix);
}

/** @returns the shape with the key that the present generation was to get when it was loaded, where it did not */
export async function withLateKey(
  session: Session,
  { keyColumns }: Wanted,
  { shape, owner }: Present,
): Promise<{ shape: TableShape; lateKey: string[] }> {
  const lateKey = await findLateKey(session, owner, { shape, keyColumns });
  return { shape: lateKey.length === 0 ? shape : { ...shape, keyColumns: lateKey }, lateKey };
}

export function presentLeaf({ owner }: Present): TableName {
  return { schema: LEDGER_SCHEMA, table: owner.leafTable };
}

export function lateKeyFor({ keyComesLast }: Wanted, keeps: KeptRow): { lateKey?: LateKey } {
  return keyComesLast ? { lateKey: { keeps } } : {};
}

/** @param present columns of the table that is loaded */
export function markOf({ columns }: Wanted, present: TableShape["columns"]): Pick<LoadedTable, "hasDeletedMark"> {
  return hasDeletedMark(present, columns) ? { hasDeletedMark: true } : {};
}

export function loadedTable(wanted: Wanted, leaf: TableName): LoadedTable {
  const { schema, table, columns, keyColumns, cursorField, loadMode, discards, claimedKey, onDelete } = wanted;
  return {
    ...{ schema, table, leafSchema: leaf.schema, leafTable: leaf.table },
    ...{ columns, keyColumns, cursorField, loadMode },
    ...(discards ? { discards } : {}),
    ...(claimedKey ? { claimedKey } : {}),
    ...(onDelete === "mark" ? { onDelete } : {}),
  };
}
