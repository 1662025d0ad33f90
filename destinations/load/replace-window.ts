import { TerminalError } from "../../core/errors.ts";
import { sqlState } from "../errors.ts";
import type { TargetTable } from "../load-target.ts";
import type { Session } from "../session.ts";
import { checkedType, quoteColumns, quoteIdentifier, quoteTable, RUN_ID_COLUMN } from "../sql.ts";
import { allowTimeFor } from "../statement-time.ts";
import { defineColumns } from "../tables/table-shape.ts";
import { mergeRows } from "./merge.ts";
import { type AppliedRows, type StagedRows, stageTable } from "./staging.ts";
import { windowConditions } from "./window-conditions.ts";
import type { SliceWriting, WriteRequest } from "./writing.ts";

/** The rows of a window that were read take the place of those that the table has there, in one transaction. */
export const replaceWindows: SliceWriting = {
  by: "slice",
  does: "replace",
  check: checkBounds,
  hold: holdStaged,
  applyHeld: replaceWindow,
};

const HELD_ORDER = "_sluice_read_order";

/**
 * The staged rows join those that wait for the end of the slice: then all of the window is there, and takes its place in the
 * table in one transaction. They wait in the session, so whoever takes the slice over reads it from the start.
 */
async function holdStaged(
  session: Session,
  { target }: WriteRequest,
  { staged, held }: { staged: StagedRows; held: string },
): Promise<void> {
  const names = quoteColumns(staged.columns);
  await makeHeld(session, target, held);
  await session.client.query(
    `insert into ${stageTable(held)} (${names}) select ${names} from ${staged.table} order by ${staged.readOrder}`,
  );
}

/**
 * Rows of the window that were not read go, those that were are merged by key, wherever they were before: a row may have moved
 * into the window. In effect the window is deleted and inserted anew, but what has not changed is not written.
 */
async function replaceWindow(
  session: Session,
  request: WriteRequest,
  { held }: { held: string },
): Promise<AppliedRows> {
  const { target, runId } = request;
  await makeHeld(session, target, held);
  const leaf = { schema: target.leafSchema, table: target.leafTable };
  await allowTimeFor(session, [leaf, { schema: "pg_temp", table: held }], "transaction");
  await session.client.query(`analyze ${stageTable(held)}`);
  const columns = target.columns.map(({ name }) => name);
  const rows = { table: stageTable(held), columns, readOrder: HELD_ORDER };
  const merged = await mergeRows(session, target, rows, { overrulesEarlierRuns: true });
  const gone = await session.client.query(deleteUnread(request, rows), [runId]);
  return { written: merged.written + (gone.rowCount ?? 0), inserted: merged.inserted };
}

async function makeHeld({ client }: Session, { columns }: TargetTable, held: string): Promise<void> {
  await client.query(
    `create temporary table if not exists ${held} (
       ${defineColumns(columns)}, ${HELD_ORDER} bigint generated always as identity
     )`,
  );
}

/** What another slice of the run has read is at the source, whatever its cursor says by now. */
function deleteUnread({ target, window }: WriteRequest, { table }: StagedRows): string {
  const sameKey = target.keyColumns.map(quoteIdentifier).map((column) => `read.${column} = present.${column}`);
  const conditions = [
    ...windowConditions(window),
    `${RUN_ID_COLUMN} <> $1`,
    `not exists (select from ${table} read where ${sameKey.join(" and ")})`,
  ];
  return `
    delete from ${quoteTable({ schema: target.leafSchema, table: target.leafTable })} present
    where ${conditions.join(" and ")}`;
}

/**
 * The source's bounds are compared as values of the table's type: better to hear now that they are none.
 * @throws TerminalError config_invalid
 */
async function checkBounds({ client }: Session, { target, window, entityKey }: WriteRequest): Promise<void> {
  if (window.by !== "time") return;
  const type = target.columns.find(({ name }) => name === window.column)?.type ?? "text";
  try {
    await client.query(`select $1::${checkedType(type)} < $2::${checkedType(type)}`, [window.from, window.to]);
  } catch (cause) {
    if (!sqlState(cause)?.startsWith("22")) throw cause;
    throw new TerminalError(
      "config_invalid",
      `${entityKey} cannot be loaded by delete_insert: its cursor ${window.column} is ${type} in ${target.schema}.${target.table}, which the bounds of the source's windows do not fit.`,
      { fix: "Choose another cursorField or load mode in the table binding.", cause },
    );
  }
}
