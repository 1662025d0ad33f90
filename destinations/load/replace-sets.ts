import { TerminalError } from "../../core/errors.ts";
import type { KeyRows, RejectedRecord } from "../destination.ts";
import type { RejectTally } from "../ledger/rejects.ts";
import { type LoadTarget, lateKeyOf } from "../load-target.ts";
import { MODES } from "../modes/index.ts";
import type { Session } from "../session.ts";
import { quoteColumns, quoteIdentifier, quoteTable } from "../sql.ts";
import { type Deleting, type GoneKeys, makeGoneKeys } from "./gone-keys.ts";
import { findNewer, holdsRows } from "./newer-sets.ts";
import { copySoundRows, portionOfRows } from "./sound-rows.ts";
import type { StagedRows } from "./staging.ts";
import type { TableRequest } from "./table-request.ts";
import { currentRows } from "./waiting-order.ts";

/**
 * Parents whose child rows are all in the batch, staged in the session. `_is_stale`: the table has a newer set of theirs. `_is_cut`: a row of
 * theirs was rejected.
 */
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
     select ${quoteColumns(sets.columns)}, false as _is_stale, false as _is_cut
     from ${present.table} present with no data`,
  );
  // A key that the child's types do not take has no rows there.
  const given = portionOfRows({ kind: "rows", ...sets, checkpoint: null, final: false });
  await copySoundRows(session, SETS, given, new Map(), request.signal);
  await client.query(`update ${SETS} set _is_stale = false, _is_cut = false`);
  const holder = parent !== null && holdsRows(parent) ? parent : null;
  // Without its key the parent may have a row twice, and nothing locks the other one.
  if (holder === null || lateKeyOf(holder) !== null) await lockSets(session, target);
  if (cursor !== null) {
    const newer = await findNewer(session, request, { parent, holder, keyColumns, cursor, present });
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

/** No row is there that two slices could both lock: they take turns. */
async function lockSets({ client }: Session, { schema, table }: LoadTarget): Promise<void> {
  await client.query("select pg_advisory_xact_lock(hashtextextended('sluice sets ' || $1, 0))", [
    JSON.stringify([schema, table]),
  ]);
}

/**
 * A row that was rejected is at the source all the same, and its record may not tell its key: of its parent's rows nobody can say which are
 * gone. Where the parent is not known either, that goes for all of the batch.
 * @param of.records that could not even be rows
 */
export async function keepWhereRejected(
  { client }: Session,
  { table, keyColumns }: StagedSets,
  { rejects, records }: { rejects: RejectTally; records: readonly RejectedRecord[] },
): Promise<void> {
  if (rejects.count === rejects.loaded) return;
  const isKnown = records.length === 0 && rejects.first.length === rejects.count;
  const parents = isKnown ? parentsOf(rejects, keyColumns) : [];
  const texts = keyColumns.map((name) => `sets.${quoteIdentifier(name)}::text`).join(", ");
  const { rowCount } = await client.query(
    `update ${table} sets set _is_cut = true where jsonb_build_array(${texts}) in (select jsonb_array_elements($1))`,
    [JSON.stringify(parents)],
  );
  if (isKnown && rowCount === parents.length) return;
  // Two texts may stand for one value, as 1.0 and 1.00 do.
  await client.query(`update ${table} sets set _is_cut = true`);
}

/** Each once, as text. */
function parentsOf({ first }: RejectTally, keyColumns: string[]): (string | null)[][] {
  const parents = first.map(({ record }) => {
    const cells = JSON.parse(record) as Record<string, string | null>;
    return keyColumns.map((name) => cells[name] ?? null);
  });
  return [...new Map(parents.map((key) => [JSON.stringify(key), key])).values()];
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
    throw new TerminalError(
      "config_invalid",
      `${entityKey} has no key, so nobody can tell which rows of a set are new, and load mode ${target.loadMode} keeps all of them.`,
      { fix: "Name a key as primaryKeyColumns in the table binding, or choose load mode replace." },
    );
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
  const places = currentRows(target, present);
  const ofSet = sets.keyColumns.map((name) => `present.${quoteIdentifier(name)} = sets.${quoteIdentifier(name)}`);
  const sameKey = keyColumns.map((name) => `present.${quoteIdentifier(name)} = staged.${quoteIdentifier(name)}`);
  const key = keyColumns.map((name) => `present.${quoteIdentifier(name)}`).join(", ");
  for (const { table, where } of places) {
    await session.client.query(
      `insert into ${gone.table}
       select ${key} from ${table} present join ${sets.table} sets on ${ofSet.join(" and ")}
       where not sets._is_stale and not sets._is_cut and ${where}
         and not exists (select from ${staged.table} staged where ${sameKey.join(" and ")})
         and not exists (select from ${gone.table} present_gone where ${keyColumns.map((name) => `present_gone.${quoteIdentifier(name)} = present.${quoteIdentifier(name)}`).join(" and ")})`,
    );
  }
  return gone;
}
