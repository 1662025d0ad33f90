import { TerminalError } from "../../core/errors.ts";
import type { KeyRows } from "../destination.ts";
import { lockTable } from "../ledger/ledger.ts";
import type { LoadTarget } from "../load-target.ts";
import { MODES } from "../modes/index.ts";
import { inTransaction, type Session } from "../session.ts";
import { checkedType, quoteColumns, quoteIdentifier, quoteTable } from "../sql.ts";
import { GONE_AT_COLUMN } from "../tables/waiting-rows.ts";
import { type Deleting, type GoneKeys, makeGoneKeys } from "./gone-keys.ts";
import { copySoundRows, portionOfRows } from "./sound-rows.ts";
import type { StagedRows } from "./staging.ts";
import type { TableRequest } from "./table-request.ts";

/** Parents whose child rows are all in the batch, staged in the session. `_is_stale`: the table has a newer set of theirs. */
export interface StagedSets {
  /** As in a statement. */
  table: string;
  /** The columns of the child that hold the parent's key. */
  keyColumns: string[];
}

const SETS = "pg_temp.sluice_sets";

/**
 * Stages the parents, and finds those whose set is older than what the table has. The parent's rows of the batch are in their table by now:
 * its row is locked, so that two slices which have read the same parent do not replace its set at once.
 * @param of.parent where it is stored; null: the children's own rows tell how old their set is
 */
export async function stageSets(
  session: Session,
  request: TableRequest,
  { sets, parent }: { sets: KeyRows; parent: LoadTarget | null },
): Promise<StagedSets> {
  const { client } = session;
  const { target } = request;
  const { keyColumns, cursor } = partsOf(request, sets, parent);
  requireColumns(request, sets.columns);
  const present = await MODES[target.loadMode].deletes(target).present(session, target);
  await client.query("drop table if exists pg_temp.sluice_sets");
  await client.query(
    `create temporary table sluice_sets as
     select ${quoteColumns(sets.columns)}, false as _is_stale from ${present.table} present with no data`,
  );
  // A key that the child's types do not take has no rows there.
  const given = portionOfRows({ kind: "rows", ...sets, checkpoint: null, final: false });
  await copySoundRows(session, SETS, given, new Map(), request.signal);
  await client.query(`update ${SETS} set _is_stale = false where _is_stale is null`);
  const holder = parent !== null && holdsRows(parent) ? parent : null;
  if (holder === null) await lockSets(session, target);
  if (cursor !== null) {
    const newer =
      holder === null
        ? [
            newerChildren(keyColumns, cursor, `${present.table} present`, present.where),
            ...waitingOf(target, keyColumns, cursor),
          ]
        : [newerParent(holder, keyColumns, cursor)];
    await client.query(`update ${SETS} sets set _is_stale = true where ${newer.join(" or ")}`);
  }
  return { table: SETS, keyColumns };
}

function partsOf(
  { parentKeyCount }: TableRequest,
  { columns }: KeyRows,
  parent: LoadTarget | null,
): { keyColumns: string[]; cursor: string | null } {
  const count = parent?.keyColumns.length || parentKeyCount || columns.length;
  return { keyColumns: columns.slice(0, count), cursor: columns[count] ?? null };
}

/** @throws TerminalError config_invalid */
function requireColumns({ entityKey, target }: TableRequest, columns: string[]): void {
  const missing = columns.filter((name) => !target.columns.some((column) => column.name === name));
  if (missing.length === 0) return;
  throw new TerminalError(
    "config_invalid",
    `${entityKey} is loaded without ${missing.join(", ")}, which tells whose rows are whose.`,
    { fix: "Have sourceConfig and schemaPolicy.columns leave these columns in." },
  );
}

/** One row for each key, as the source has it: others tell nothing about how old a set is. */
function holdsRows({ kind, loadMode, keyColumns, cursorField }: LoadTarget): boolean {
  return kind !== "versions" && loadMode !== "append_event" && keyColumns.length > 0 && cursorField !== null;
}

function newerParent(parent: LoadTarget, keyColumns: string[], cursor: string): string {
  const table = quoteTable({ schema: parent.leafSchema, table: parent.leafTable });
  const typed = (name: string, of: string): string => {
    const type = parent.columns.find((column) => column.name === of)?.type ?? "text";
    return `sets.${quoteIdentifier(name)}::${checkedType(type)}`;
  };
  const sameKey = parent.keyColumns.map(
    (name, index) => `parent.${quoteIdentifier(name)} = ${typed(keyColumns[index] ?? "", name)}`,
  );
  const cursorField = parent.cursorField ?? "";
  const isNewer = `parent.${quoteIdentifier(cursorField)} > ${typed(cursor, cursorField)}`;
  return `exists (select from ${table} parent where ${[...sameKey, isNewer].join(" and ")})`;
}

function newerChildren(keyColumns: string[], cursor: string, from: string, where: string): string {
  const ofParent = keyColumns.map((name) => `present.${quoteIdentifier(name)} = sets.${quoteIdentifier(name)}`);
  const isNewer = `present.${quoteIdentifier(cursor)} > sets.${quoteIdentifier(cursor)}`;
  return `exists (select from ${from} where ${[where, ...ofParent, isNewer].join(" and ")})`;
}

/** Rows that wait for the finish as they were read. */
function waitingOf(target: LoadTarget, keyColumns: string[], cursor: string): string[] {
  if (target.kind !== "versions") return [];
  const waiting = quoteTable({ schema: target.leafSchema, table: target.leafTable });
  return [newerChildren(keyColumns, cursor, `${waiting} present`, `present.${GONE_AT_COLUMN} is null`)];
}

/** No row is there that two slices could both lock: they take turns. */
async function lockSets({ client }: Session, { schema, table }: LoadTarget): Promise<void> {
  await client.query("select pg_advisory_xact_lock(hashtextextended('sluice sets ' || $1, 0))", [
    JSON.stringify([schema, table]),
  ]);
}

/**
 * Takes the rows of stale sets out of the stage. Without a key no row can be told from another: what the parents had goes as a whole.
 * @returns rows that were removed from the table
 */
export async function makeWay(
  { client }: Session,
  { target, entityKey }: TableRequest,
  { sets, staged }: { sets: StagedSets; staged: StagedRows },
): Promise<number> {
  const ofSet = (alias: string) =>
    sets.keyColumns.map((name) => `${alias}.${quoteIdentifier(name)} = sets.${quoteIdentifier(name)}`).join(" and ");
  await client.query(
    `delete from ${staged.table} staged using ${sets.table} sets where sets._is_stale and ${ofSet("staged")}`,
  );
  if (target.keyColumns.length > 0) return 0;
  if (MODES[target.loadMode].deletes(target).does !== "remove") {
    throw new Error(`${entityKey} has no key, so its sets cannot be compared.`);
  }
  const leaf = quoteTable({ schema: target.leafSchema, table: target.leafTable });
  const { rowCount } = await client.query(
    `delete from ${leaf} present using ${sets.table} sets where not sets._is_stale and ${ofSet("present")}`,
  );
  return rowCount ?? 0;
}

/** Keys of rows that the parents had and that are not among those of the batch. */
export async function findDropped(
  session: Session,
  { target }: TableRequest,
  { sets, staged, deleting }: { sets: StagedSets; staged: StagedRows; deleting: Deleting },
): Promise<GoneKeys> {
  const { keyColumns } = target;
  const present = await deleting.present(session, target);
  const gone = await makeGoneKeys(session, { like: present.table, keyColumns, cursor: null });
  const places = [present];
  if (target.kind === "versions") {
    const waiting = quoteTable({ schema: target.leafSchema, table: target.leafTable });
    places.push({ table: waiting, where: `present.${GONE_AT_COLUMN} is null` });
  }
  const ofSet = sets.keyColumns.map((name) => `present.${quoteIdentifier(name)} = sets.${quoteIdentifier(name)}`);
  const sameKey = keyColumns.map((name) => `present.${quoteIdentifier(name)} = staged.${quoteIdentifier(name)}`);
  const key = keyColumns.map((name) => `present.${quoteIdentifier(name)}`).join(", ");
  for (const { table, where } of places) {
    await session.client.query(
      `insert into ${gone.table}
       select ${key} from ${table} present join ${sets.table} sets on ${ofSet.join(" and ")}
       where not sets._is_stale and ${where}
         and not exists (select from ${staged.table} staged where ${sameKey.join(" and ")})
         and not exists (select from ${gone.table} present_gone where ${keyColumns.map((name) => `present_gone.${quoteIdentifier(name)} = present.${quoteIdentifier(name)}`).join(" and ")})`,
    );
  }
  return gone;
}

/**
 * Where the children of a parent are looked for. The index is the user's table's, so that the generations that come get it too; one that is
 * loaded beside already gets its own, which becomes a part of it. Idempotent.
 */
export async function ensureSetIndex(session: Session, target: LoadTarget, columns: string[]): Promise<void> {
  const { table: leaf } = await MODES[target.loadMode].deletes(target).present(session, target);
  if (await hasIndexOn(session, leaf, columns)) return;
  await inTransaction(session, async () => {
    await lockTable(session, target);
    for (const table of [quoteTable(target), leaf]) {
      if (await hasIndexOn(session, table, columns)) continue;
      await session.client.query(`create index on ${table} (${quoteColumns(columns)})`);
    }
  });
}

/** By its first column: what is left is few rows. */
async function hasIndexOn({ client }: Session, table: string, [first]: string[]): Promise<boolean> {
  const { rowCount } = await client.query(
    `select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
     where i.indrelid = to_regclass($1) and i.indisvalid and i.indpred is null and a.attname = $2`,
    [table, first],
  );
  return rowCount !== 0;
}
