import { TerminalError } from "../../core/errors.ts";
import type { KeyRows } from "../destination.ts";
import { findReplaced } from "../ledger/files.ts";
import { type LoadTarget, lateKeyOf } from "../load-target.ts";
import { MODES } from "../modes/index.ts";
import type { Session } from "../session.ts";
import { quoteColumns, quoteIdentifier, quoteTable } from "../sql.ts";
import { ensureGoneAt, GONE_AT_COLUMN } from "../tables/waiting-rows.ts";
import { copyIn } from "./copy-in.ts";
import { type Deleting, type GoneRows, makeGoneKeys } from "./gone-keys.ts";
import type { TableRequest } from "./table-request.ts";
import { anyWaiting, laterWaiting } from "./waiting-order.ts";

/** What a batch has done about rows of other versions of its files. */
export interface StaleGone extends GoneRows {
  /** Of the deleted rows, those that gave way to another version of their file: the delete guard does not count them. */
  replaced: number;
  /** Ids of files of which the table has no rows of another version any more. */
  settled: string[];
}

export const NOTHING_STALE: StaleGone = { deleted: 0, written: 0, inserted: 0, replaced: 0, settled: [] };

const STALE = "sluice_stale";

/** Changes of the table that stale rows need, in a transaction of their own. */
export async function makeReadyForStale(session: Session, target: LoadTarget): Promise<void> {
  if (target.kind !== "versions") return;
  await ensureGoneAt(session, { schema: target.leafSchema, table: target.leafTable });
}

/**
 * Rows of other versions of a file go as the load mode lets deleted rows go, once the batch's rows are written. Events stay: a row that was
 * loaded has happened. Within the transaction of the batch.
 * @param stale the columns that name the file, then the one with its version; a null version lets all rows of the file go
 * @throws TerminalError config_invalid
 */
export async function letStaleGo(
  session: Session,
  request: TableRequest,
  stale: KeyRows | undefined,
): Promise<StaleGone> {
  if (stale === undefined || stale.rows.length === 0) return NOTHING_STALE;
  const { target } = request;
  refuseCursor(request);
  const deleting = MODES[target.loadMode].deletes(target);
  const all = latestOf(stale);
  const settled = [...all].map(([, [file]]) => file ?? "");
  if (deleting.does === "event") return { ...NOTHING_STALE, settled };
  const rows = await withOlderRows(session, request, [...all.values()]);
  const isGone = (row: (string | null)[]) => row.at(-1) === null;
  const replaced = await letGo(session, request, {
    deleting,
    stale: { columns: stale.columns, rows: rows.filter((row) => !isGone(row)) },
  });
  const gone = await letGo(session, request, {
    deleting,
    stale: { columns: stale.columns, rows: rows.filter(isGone) },
  });
  return {
    deleted: replaced.deleted + gone.deleted,
    written: replaced.written + gone.written,
    inserted: replaced.inserted + gone.inserted,
    ...{ replaced: replaced.deleted, settled },
  };
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
function latestOf({ rows }: KeyRows): Map<string, (string | null)[]> {
  return new Map(Array.from(rows, (row) => [JSON.stringify(row.slice(0, -1)), [...row]]));
}

/**
 * Into a table that this plan alone loads, no other version of a file has come but by this plan, and its marks say of which. While such a table has no
 * key yet, each lookup would go over all of it.
 */
async function withOlderRows(
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

async function letGo(
  session: Session,
  request: TableRequest,
  { deleting, stale }: { deleting: Deleting; stale: { columns: string[]; rows: (string | null)[][] } },
): Promise<GoneRows> {
  if (stale.rows.length === 0) return NOTHING_STALE;
  const { target } = request;
  const present = await deleting.present(session, target);
  await stageStale(session, request, { like: present.table, stale });
  const isStale = [...stale.columns.slice(0, -1).map(sameAsStale), otherThanStale(stale.columns.at(-1) ?? "")].join(
    " and ",
  );
  // Before the key is made, rows of two versions may share one.
  const isUnkeyed = target.keyColumns.length === 0 || (isLoadedByPlanAlone(target) && lateKeyOf(target) !== null);
  if (isUnkeyed) return removeAll(session, target, isStale);
  const gone = await makeGoneKeys(session, { like: present.table, keyColumns: target.keyColumns, cursor: null });
  const key = target.keyColumns.map((name) => `present.${quoteIdentifier(name)}`).join(", ");
  const waiting = quoteTable({ schema: target.leafSchema, table: target.leafTable });
  const places =
    target.kind === "versions"
      ? [
          // What waits says how the row is now.
          { table: present.table, where: `${present.where} and not exists (${anyWaiting(target)})` },
          { table: waiting, where: `present.${GONE_AT_COLUMN} is null and not exists (${laterWaiting(target)})` },
        ]
      : [present];
  for (const { table, where } of places) {
    await session.client.query(
      `insert into ${gone.table}
       select distinct ${key} from ${table} present join pg_temp.${STALE} stale on ${isStale} where ${where}
       except select ${quoteColumns(target.keyColumns)} from ${gone.table}`,
    );
  }
  return deleting.apply(session, request, gone);
}

async function stageStale(
  session: Session,
  { signal }: TableRequest,
  { like, stale }: { like: string; stale: { columns: string[]; rows: (string | null)[][] } },
): Promise<void> {
  const { client } = session;
  await client.query(`drop table if exists pg_temp.${STALE}`);
  await client.query(
    `create temporary table ${STALE} as select ${quoteColumns(stale.columns)} from ${like} present with no data`,
  );
  await copyIn(session, `pg_temp.${STALE}`, { kind: "rows", ...stale, checkpoint: null, final: false }, signal);
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
