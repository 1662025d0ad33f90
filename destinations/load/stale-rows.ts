import { TerminalError } from "../../core/errors.ts";
import type { KeyRows } from "../destination.ts";
import { findReplaced } from "../ledger/files.ts";
import { type LoadTarget, lateKeyOf } from "../load-target.ts";
import { MODES } from "../modes/index.ts";
import type { Session } from "../session.ts";
import { quoteColumns, quoteIdentifier, quoteTable } from "../sql.ts";
import { ensureGoneAt } from "../tables/waiting-rows.ts";
import { copyIn } from "./copy-in.ts";
import { type Deleting, type GoneKeys, type GoneRows, makeGoneKeys, type PresentRows } from "./gone-keys.ts";
import type { TableRequest } from "./table-request.ts";
import { currentRows } from "./waiting-order.ts";

/** What a batch has done about stale rows: those of other versions of its files. */
export interface DeletedStaleRows extends GoneRows {
  /** Of the deleted rows, those that gave way to another version of their file: the delete guard does not count them. */
  replaced: number;
  /** Ids of the batch's files: the table has no stale row of these any more. */
  filesWithoutStaleRows: string[];
}

export const NOTHING_STALE: DeletedStaleRows = {
  deleted: 0,
  written: 0,
  inserted: 0,
  replaced: 0,
  filesWithoutStaleRows: [],
};

const STALE = "sluice_stale";

/** Changes of the table that stale rows need, in a transaction of their own. */
export async function prepareForStaleRows(session: Session, target: LoadTarget): Promise<void> {
  if (target.kind !== "versions") return;
  await ensureGoneAt(session, { schema: target.leafSchema, table: target.leafTable });
}

/** Files by the columns that name them and, as the last one, the version that stays; null: none does, the file is gone. */
interface FileVersions {
  columns: string[];
  rows: (string | null)[][];
}

/**
 * Deletes stale rows as the load mode deletes, once the batch's rows are written. Events stay: a row that was loaded has happened. Within the
 * transaction of the batch.
 * @param stale the columns that name the file, then the one with its version; a null version deletes all rows of the file
 * @throws TerminalError config_invalid
 */
export async function deleteStaleRows(
  session: Session,
  request: TableRequest,
  stale: KeyRows | undefined,
): Promise<DeletedStaleRows> {
  if (stale === undefined || stale.rows.length === 0) return NOTHING_STALE;
  refuseCursor(request);
  const latest = latestOf(stale);
  const filesWithoutStaleRows = latest.map(([file]) => file ?? "");
  const deleting = MODES[request.target.loadMode].deletes(request.target);
  if (deleting.does === "event") return { ...NOTHING_STALE, filesWithoutStaleRows };
  const rows = await filesThatMayHaveStaleRows(session, request, latest);
  const [changed, gone] = [rows.filter((row) => !isGone(row)), rows.filter(isGone)];
  const { columns } = stale;
  const replaced = await deleteOtherVersions(session, request, { deleting, files: { columns, rows: changed } });
  const removed = await deleteOtherVersions(session, request, { deleting, files: { columns, rows: gone } });
  return {
    deleted: replaced.deleted + removed.deleted,
    written: replaced.written + removed.written,
    inserted: replaced.inserted + removed.inserted,
    ...{ replaced: replaced.deleted, filesWithoutStaleRows },
  };
}

function isGone(file: (string | null)[]): boolean {
  return file.at(-1) === null;
}

/** A merge by cursor may keep a row of the older version, and it would go then, although the file has it. */
function refuseCursor({ entityKey, target }: TableRequest): void {
  if (target.cursorField === null) return;
  throw new TerminalError(
    "config_invalid",
    `${entityKey} is loaded file by file, and its table binding orders rows by ${target.cursorField}.`,
    { fix: "Set cursorField to null in the table binding, or name a key of the rows as primaryKeyColumns." },
  );
}

/** Of each file the version that was named last. */
function latestOf({ rows }: KeyRows): (string | null)[][] {
  return [...new Map(Array.from(rows, (row) => [JSON.stringify(row.slice(0, -1)), [...row]])).values()];
}

/**
 * All of them, unless the marks of files can tell: a table that this plan alone loads has rows of other versions only where this plan has written them.
 * While such a table has no key yet, each lookup would read all of it.
 */
async function filesThatMayHaveStaleRows(
  session: Session,
  request: TableRequest,
  rows: (string | null)[][],
): Promise<(string | null)[][]> {
  const { target, isMember } = request;
  if (!isLoadedByPlanAlone(target) || isMember || target.files === undefined || rows[0]?.length !== 2) return rows;
  const versions = new Map(rows.map(([file, version]) => [file ?? "", version ?? null]));
  const replaced = await findReplaced(session, request, versions);
  return rows.filter(([file]) => replaced.has(file ?? ""));
}

function isLoadedByPlanAlone(target: LoadTarget): boolean {
  return target.kind === "beside" || target.kind === "snapshot" || (target.kind === "first_load" && target.straight);
}

async function deleteOtherVersions(
  session: Session,
  request: TableRequest,
  { deleting, files }: { deleting: Deleting; files: FileVersions },
): Promise<GoneRows> {
  if (files.rows.length === 0) return NOTHING_STALE;
  const { target } = request;
  const present = await deleting.present(session, target);
  await stageVersions(session, request, { like: present.table, files });
  const isStale = [...files.columns.slice(0, -1).map(sameAsStale), otherThanStale(files.columns.at(-1) ?? "")].join(
    " and ",
  );
  // Before the key is made, rows of two versions may share one.
  const isUnkeyed = target.keyColumns.length === 0 || (isLoadedByPlanAlone(target) && lateKeyOf(target) !== null);
  if (isUnkeyed) return removeAll(session, target, isStale);
  return deleting.apply(session, request, await findStaleKeys(session, target, { present, isStale }));
}

async function findStaleKeys(
  session: Session,
  target: LoadTarget,
  { present, isStale }: { present: PresentRows; isStale: string },
): Promise<GoneKeys> {
  const stale = await makeGoneKeys(session, { like: present.table, keyColumns: target.keyColumns, cursor: null });
  const key = target.keyColumns.map((name) => `present.${quoteIdentifier(name)}`).join(", ");
  for (const { table, where } of currentRows(target, present)) {
    await session.client.query(
      `insert into ${stale.table}
       select distinct ${key} from ${table} present join pg_temp.${STALE} stale on ${isStale} where ${where}
       except select ${quoteColumns(target.keyColumns)} from ${stale.table}`,
    );
  }
  return stale;
}

async function stageVersions(
  session: Session,
  { signal }: TableRequest,
  { like, files }: { like: string; files: FileVersions },
): Promise<void> {
  const { client } = session;
  await client.query(`drop table if exists pg_temp.${STALE}`);
  await client.query(
    `create temporary table ${STALE} as select ${quoteColumns(files.columns)} from ${like} present with no data`,
  );
  await copyIn(session, `pg_temp.${STALE}`, { kind: "rows", ...files, checkpoint: null, final: false }, signal);
  // A few files of a large table are looked up one by one.
  await client.query(`analyze pg_temp.${STALE}`);
}

function sameAsStale(name: string): string {
  return `present.${quoteIdentifier(name)} = stale.${quoteIdentifier(name)}`;
}

function otherThanStale(name: string): string {
  return `present.${quoteIdentifier(name)} is distinct from stale.${quoteIdentifier(name)}`;
}

/** In a table that is loaded anew. */
async function removeAll({ client }: Session, target: LoadTarget, isStale: string): Promise<GoneRows> {
  const leaf = quoteTable({ schema: target.leafSchema, table: target.leafTable });
  const { rowCount } = await client.query(`delete from ${leaf} present using pg_temp.${STALE} stale where ${isStale}`);
  const deleted = rowCount ?? 0;
  return { deleted, written: deleted, inserted: -deleted };
}
