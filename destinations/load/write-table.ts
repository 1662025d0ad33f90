import type { LoadableRows, LoadableTable } from "../destination.ts";
import type { TableProgress } from "../ledger/commit-progress.ts";
import { addRejects, type Reject, type RejectTally, rejectsOf } from "../ledger/rejects.ts";
import { isStraight, type LoadTarget } from "../load-target.ts";
import { MODES } from "../modes/index.ts";
import type { Session } from "../session.ts";
import { quoteTable } from "../sql.ts";
import { refuseDoubles } from "./claimed-key.ts";
import { checkDeleteGuard } from "./delete-guard.ts";
import { takenOf } from "./discard.ts";
import { type Filled, fillAtOnce, fillWithSound } from "./fill-table.ts";
import { type GoneRows, makeGoneKeys } from "./gone-keys.ts";
import { findDropped, keepWhereRejected, makeWay, type StagedSets, stageSets } from "./replace-sets.ts";
import { addRowsWithin } from "./rows-within.ts";
import { copySoundRows, findFaults, portionOfRows } from "./sound-rows.ts";
import { type AppliedRows, dropStage, emptyStage, stagedRows, stageTable } from "./staging.ts";
import { deleteStaleRows } from "./stale-rows.ts";
import { makeStrictStage } from "./strict-stage.ts";
import type { TableRequest } from "./table-request.ts";

/**
 * How the rows of a table get there. `straight`: by COPY, where nothing overlaps. `staged`: by the load mode. `searched`: likewise, with a
 * search for the rows that the table does not take.
 */
export type Way = "straight" | "staged" | "searched";

/** @param parent of the set's rows, where it is stored: in the same slice */
export interface TableWork {
  rows: LoadableTable;
  way: Way;
  /** Numbers rejects: rows of the slice that come before. */
  rowsBefore: number;
  parent: LoadTarget | null;
}

export function canGoStraight({ target, stage }: TableRequest): boolean {
  return isStraight(target) && (stage === 0 || target.kind === "versions");
}

/** What goes through the staging table at all events: what was there before is looked at. */
export function needsStage({ sets, deletes }: LoadableTable): boolean {
  return sets !== undefined || deletes !== undefined;
}

/** What a batch has brought about in one table, before the rows go that the source has deleted. */
interface Written extends GoneRows {
  filled: Filled;
}

/** The rows and sets that a batch has for one table, within the transaction of the batch. */
export async function writeRows(session: Session, request: TableRequest, work: TableWork): Promise<Written> {
  const { rows, way, rowsBefore, parent } = work;
  const batch = batchOf(rows);
  const sets = rows.sets === undefined ? null : await stageSets(session, request, { sets: rows.sets, parent });
  const { filled, applied } =
    way === "straight"
      ? await copyStraight(session, request, batch, rowsBefore)
      : await stageAndApply(session, request, { batch, way, rowsBefore, sets });
  const dropped =
    sets === null ? NOTHING_GONE : await deleteDroppedRows(session, request, { sets, columns: batch.columns });
  // Others are to be as fast as ever.
  if (way === "searched") await dropStage(session, request.stageName);
  return {
    filled,
    deleted: dropped.deleted,
    written: applied.written + dropped.written,
    inserted: applied.inserted + dropped.inserted,
  };
}

/** How many of the slice's rows were read with a batch of this table. */
export function countRead({ filled }: Written): number {
  return filled.rows + filled.rejects.count - filled.rejects.loaded;
}

/**
 * The rows that the source has deleted, and those of other versions of its files, once all tables of the batch have their rows.
 * @returns `filesWithoutStaleRows` as in `DeletedStaleRows`
 * @throws TerminalError delete_guard_tripped
 */
export async function writeDeletes(
  session: Session,
  request: TableRequest,
  work: Pick<TableWork, "rows" | "rowsBefore"> & { written: Written },
): Promise<{ progress: TableProgress; filesWithoutStaleRows: string[] }> {
  const { written } = work;
  const { filled } = written;
  const readRows = countRead(written);
  const deletes = await deleteNamedRows(session, request, { ...work, rejects: filled.rejects });
  const stale = await deleteStaleRows(session, request, work.rows.stale);
  const progress = {
    rowsRead: readRows + deletes.rejected,
    rowsRejected: filled.rejects.count,
    written: written.written + deletes.written + stale.written,
    inserted: written.inserted + deletes.inserted + stale.inserted,
    rowsDeleted: written.deleted + deletes.deleted + stale.deleted,
    rowsReplaced: stale.replaced,
  };
  await checkDeleteGuard(session, request, progress);
  return { progress, filesWithoutStaleRows: stale.filesWithoutStaleRows };
}

const NOTHING_GONE: GoneRows = { deleted: 0, written: 0, inserted: 0 };

function batchOf({ columns, rows, rejects }: LoadableTable): LoadableRows {
  return { kind: "rows", columns, rows, ...(rejects ? { rejects } : {}), checkpoint: null, final: false };
}

interface Loaded {
  filled: Filled;
  applied: AppliedRows;
}

async function copyStraight(
  session: Session,
  request: TableRequest,
  batch: LoadableRows,
  rowsBefore: number,
): Promise<Loaded> {
  const { target } = request;
  const leaf = quoteTable({ schema: target.leafSchema, table: target.leafTable });
  const filled = await fillAtOnce(session, request, batch, rowsBefore)(leaf);
  const written = MODES[target.loadMode].write(target).by === "finish" ? 0 : filled.rows;
  return { filled, applied: { written, inserted: filled.rows } };
}

async function stageAndApply(
  session: Session,
  request: TableRequest,
  of: { batch: LoadableRows; way: Exclude<Way, "straight">; rowsBefore: number; sets: StagedSets | null },
): Promise<Loaded> {
  const { batch, way, rowsBefore, sets } = of;
  const { target } = request;
  const stage = stageTable(request.stageName);
  await (way === "searched" ? makeStrictStage : emptyStage)(session, target, request.stageName);
  const fill = way === "searched" ? fillWithSound : fillAtOnce;
  const filled = await fill(session, request, batch, rowsBefore)(stage);
  const staged = stagedRows(takenOf(target, batch).columns, request.stageName);
  await refuseDoubles(session, request, staged);
  if (sets !== null) await keepWhereRejected(session, sets, { rejects: filled.rejects, records: batch.rejects ?? [] });
  const replaced = sets === null ? 0 : await makeWay(session, request, { sets, staged });
  const writing = MODES[target.loadMode].write(target);
  if (writing.by === "slice")
    throw new Error(`The rows of ${request.entityKey} can only be written with the whole slice.`);
  const applied = await writing.apply(session, request, staged);
  return { filled, applied: { written: applied.written, inserted: applied.inserted - replaced } };
}

/** What a parent's set had before and has no more. */
async function deleteDroppedRows(
  session: Session,
  request: TableRequest,
  { sets, columns }: { sets: StagedSets; columns: string[] },
): Promise<GoneRows> {
  const { target } = request;
  if (target.keyColumns.length === 0) return NOTHING_GONE;
  const deleting = MODES[target.loadMode].deletes(target);
  const gone = await findDropped(session, request, { sets, staged: stagedRows(columns, request.stageName), deleting });
  return deleting.apply(session, request, gone);
}

/** Deletes the rows whose keys the source names as deleted. A key that the table's types do not take stands for no row of the table: it is told as a reject. */
async function deleteNamedRows(
  session: Session,
  request: TableRequest,
  of: { rows: LoadableTable; rowsBefore: number; rejects: RejectTally },
): Promise<GoneRows & { rejected: number }> {
  const {
    rows: { deletes },
    rowsBefore,
  } = of;
  if (deletes === undefined || deletes.rows.length === 0) return { ...NOTHING_GONE, rejected: 0 };
  const { target } = request;
  const { columns } = deletes;
  const cursor = target.cursorField !== null && columns.includes(target.cursorField) ? target.cursorField : null;
  const keyColumns = target.keyColumns.length > 0 ? target.keyColumns : columns.filter((name) => name !== cursor);
  const missing = keyColumns.filter((name) => !columns.includes(name));
  if (missing.length > 0) {
    throw new Error(`The deletes of ${request.entityKey} do not tell ${missing.join(", ")}, which is part of its key.`);
  }
  const deleting = MODES[target.loadMode].deletes(target);
  const { table } = await deleting.present(session, target);
  const gone = await makeGoneKeys(session, { like: table, keyColumns, cursor });
  const keys = batchOf({ columns, rows: deletes.rows });
  const given = portionOfRows(keys);
  const faults = await findFaults(keys, []);
  const known = [...keyColumns, ...(cursor === null || keyColumns.includes(cursor) ? [] : [cursor])];
  await copySoundRows(session, gone.table, pickColumns(given, known), faults, request.signal);
  const rejects: Reject[] = rejectsOf(given, faults, 0).map((reject, index) => ({
    ...reject,
    reason: `a deletion: ${reject.reason}`,
    rowNo: rowsBefore + index + 1,
  }));
  await addRejects(session, request, of.rejects, rejects);
  if (deletes.within !== undefined) await addRowsWithin(session, target, { gone, within: deletes.within });
  return { ...(await deleting.apply(session, request, gone)), rejected: rejects.length };
}

function pickColumns(given: ReturnType<typeof portionOfRows>, columns: string[]): ReturnType<typeof portionOfRows> {
  const positions = columns.map((name) => given.columns.indexOf(name));
  const cellsOf = (index: number) => {
    const cells = given.cellsOf(index);
    return positions.map((position) => cells[position] ?? null);
  };
  return {
    columns,
    rows: given.rows,
    pick: (indexes) => ({ kind: "rows", columns, rows: indexes.map(cellsOf), checkpoint: null, final: false }),
    cellsOf,
  };
}
