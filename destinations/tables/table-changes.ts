import { TerminalError } from "../../core/errors.ts";
import type { ReasonCode } from "../../core/result-reasons.ts";
import type { PreviewRequest } from "../destination.ts";
import type { TableOwner } from "../ledger/ledger.ts";
import { TABLE_SLICES } from "../ledger/slice-tables.ts";
import type { Mode } from "../modes/mode.ts";
import type { Session } from "../session.ts";
import { LEDGER_SCHEMA, quoteTable, type TableName } from "../sql.ts";
import { hasRows } from "./losses.ts";
import type { TableShape } from "./table-shape.ts";
import { findLoadedColumns } from "./user-columns.ts";

/**
 * What somebody else has done to the user's table since Sluice last prepared it. The ledger keeps the columns of that moment with their
 * numbers, which a rename leaves and a drop takes away; and the partition's name, by which a table is found that was renamed.
 */

/** What stands in the way of the load, with what somebody has changed. */
export class TableChangedError extends TerminalError {
  readonly changes: string[];

  constructor(
    reasonCode: ReasonCode,
    what: string,
    { changes, ...options }: { fix: string; changes: string[]; cause?: unknown },
  ) {
    super(reasonCode, what, options);
    this.changes = changes;
  }
}

function refusal({ schema, table }: TableName, change: string, fix: string, effect = ""): TableChangedError {
  const what = `${schema}.${table} cannot be loaded. ${change}${effect}`;
  return new TableChangedError("destination_schema_conflict", what, { fix, changes: [change] });
}

/** An error that may come of the changes names them. */
export function tellChanges(error: unknown, changes: string[]): unknown {
  if (changes.length === 0 || !(error instanceof TerminalError)) return error;
  const { reasonCode, what, fix } = error;
  return new TableChangedError(reasonCode, `${what} ${changes.join(" ")}`, { fix, changes, cause: error });
}

/**
 * Of a table of ours: what is told while the load goes on.
 * @throws TableChangedError
 */
export async function findTableChanges(
  session: Session,
  request: PreviewRequest,
  { shape, owner, mode }: { shape: TableShape | null; owner: TableOwner; mode: Mode },
): Promise<string[]> {
  if (shape === null) return [await findWhereabouts(session, request, owner)];
  return [
    ...(await findPartitionChange(session, request, { owner, mode })),
    ...(await findColumnChanges(session, request, mode)),
    ...(await findEmptied(session, request, { owner, mode })),
  ];
}

/** Whose partition the present generation is; null where there is no such table any more. */
interface Place {
  parent: TableName | null;
  isShown: boolean;
}

async function findPlace({ client }: Session, name: TableName, leafTable: string): Promise<Place | null> {
  const { rows } = await client.query<{ schema: string | null; table: string | null; isShown: boolean }>(
    `select n.nspname as schema, parent.relname as "table", coalesce(parent.oid = to_regclass($2), false) as "isShown"
     from pg_class leaf
     left join pg_inherits on inhrelid = leaf.oid
     left join pg_class parent on parent.oid = inhparent
     left join pg_namespace n on n.oid = parent.relnamespace
     where leaf.oid = to_regclass($1)`,
    [quoteTable({ schema: LEDGER_SCHEMA, table: leafTable }), quoteTable(name)],
  );
  const [found] = rows;
  if (found === undefined) return null;
  const { schema, table, isShown } = found;
  return { parent: schema === null || table === null ? null : { schema, table }, isShown };
}

/** Where the rows of a table of ours are, if not in it. `place` is null where they are gone. */
interface Misplacement {
  change: string;
  place: Place | null;
}

/** @param isThere whether there is a table of the name */
export async function findMisplacement(
  session: Session,
  name: TableName,
  { leafTable, isThere }: { leafTable: string; isThere: boolean },
): Promise<Misplacement | null> {
  const place = await findPlace(session, name, leafTable);
  if (isThere && place?.isShown) return null;
  return { place, change: tellMisplacement(place, { leafTable, isThere }) };
}

function tellMisplacement(
  place: Place | null,
  { leafTable, isThere }: { leafTable: string; isThere: boolean },
): string {
  const partition = `${LEDGER_SCHEMA}.${leafTable}`;
  if (place?.parent) {
    const other = isThere ? ", and another one has its name" : "";
    return `The table was renamed to ${place.parent.schema}.${place.parent.table}${other}.`;
  }
  if (isThere) return `Its partition ${partition} was ${place === null ? "dropped" : "detached"}.`;
  return `The table was dropped${place === null ? "" : `, after its partition ${partition} was detached`}.`;
}

/**
 * A table of ours that is not there, which is made anew where all rows come again.
 * @returns what became of it
 * @throws TableChangedError
 */
async function findWhereabouts(session: Session, request: PreviewRequest, { leafTable }: TableOwner): Promise<string> {
  const found = await findMisplacement(session, request, { leafTable, isThere: false });
  const { change = "The table was dropped.", place = null } = found ?? {};
  const isRenamed = place?.parent != null;
  if (!request.complete) {
    const fix = isRenamed
      ? "Rename it back, or retry with runMode full_refresh to load a new table."
      : "Retry with runMode full_refresh to load it again.";
    throw refusal(request, change, fix);
  }
  return isRenamed
    ? `${change} A new table is made, and the renamed one is not loaded any more.`
    : `${change} It is made anew, without the grants, views and columns that people had given it.`;
}

/**
 * Of a table that is there: is its partition?
 * @returns what became of it, where all rows come again beside it
 * @throws TableChangedError
 */
async function findPartitionChange(
  session: Session,
  request: PreviewRequest,
  { owner: { leafTable }, mode }: { owner: TableOwner; mode: Mode },
): Promise<string[]> {
  const { layout } = mode;
  // Of snapshots, people detach or drop the old ones as they like.
  if (layout === "snapshots" || leafTable === "") return [];
  const found = await findMisplacement(session, request, { leafTable, isThere: true });
  if (found === null) return [];
  const { change, place } = found;
  if (place?.parent) throw refusal(request, change, "Rename or drop the other table, and rename this one back.");
  if (layout === "rows" && mode.loadsBeside(request)) return [change];
  const reload =
    layout === "rows" ? "retry with runMode full_refresh" : "rename the table and retry with runMode full_refresh";
  const attach = `alter table ${quoteTable(request)} attach partition ${quoteTable({ schema: LEDGER_SCHEMA, table: leafTable })} default`;
  const fix = place === null ? `To load it again, ${reload}.` : `Attach it again (${attach}), or ${reload}.`;
  throw refusal(request, change, fix, " Rows that are loaded there would not be seen in the table.");
}

/** What the ledger keeps of the user's table: `[name, number, type]` of each column, and the table's oid. */
interface KnownColumns {
  oid: string;
  columns: [name: string, number: number, type: string][];
}

const PRESENT_COLUMNS = `(
  select jsonb_build_object('oid', attrelid::text, 'columns', jsonb_agg(jsonb_build_array(attname, attnum, format_type(atttypid, atttypmod))))
  from pg_attribute where attrelid = to_regclass($3) and attnum > 0 and not attisdropped group by attrelid)`;

/** Whenever Sluice has changed the table. */
export async function recordKnownColumns({ client }: Session, name: TableName): Promise<void> {
  await client.query(
    `update _sluice.tables set known_columns = ${PRESENT_COLUMNS} where schema_name = $1 and table_name = $2`,
    [name.schema, name.table, quoteTable(name)],
  );
}

/** Changes of the columns that are loaded; those that users have added are theirs. One sentence or two each. */
async function findColumnChanges(session: Session, request: PreviewRequest, mode: Mode): Promise<string[]> {
  // `to_jsonb`: a preview may meet a ledger of an older version, which does not have the column.
  const { rows } = await session.client.query<{ known: KnownColumns | null; present: KnownColumns | null }>(
    `select nullif(to_jsonb(tables) -> 'known_columns', 'null') as known, ${PRESENT_COLUMNS} as present
     from _sluice.tables where schema_name = $1 and table_name = $2`,
    [request.schema, request.table, quoteTable(request)],
  );
  const { known = null, present = null } = rows[0] ?? {};
  if (present === null) return [];
  const loaded = new Set(await findLoadedColumns(session, request));
  const ours = request.columns.map(({ name }) => name).filter((name) => loaded.has(name));
  const named = new Map(present.columns.map((column) => [column[0], column]));
  // Another table, such as a restored one, numbers its columns anew.
  if (known === null || known.oid !== present.oid) {
    return ours.filter((name) => !named.has(name)).map((name) => tellDropped(request, name, mode));
  }
  const numbered = new Map(present.columns.map((column) => [column[1], column]));
  return known.columns
    .filter(([name]) => ours.includes(name))
    .flatMap(([name, number, type]) => {
      const [nameNow, , typeNow] = numbered.get(number) ?? [];
      if (nameNow === name)
        return typeNow === type ? [] : [`Column ${name} was altered by hand from ${type} to ${typeNow}.`];
      if (nameNow !== undefined)
        return [`Column ${name} was renamed to ${nameNow} by hand.${again(request, name, mode)}`];
      if (named.has(name))
        return [
          `Column ${name} was dropped and added again by hand.${stayEmpty(request, mode, "What it held is gone")}`,
        ];
      return [tellDropped(request, name, mode)];
    });
}

function tellDropped(request: PreviewRequest, name: string, mode: Mode): string {
  return `Column ${name} was dropped by hand.${again(request, name, mode)}`;
}

function again(request: PreviewRequest, name: string, mode: Mode): string {
  const { columns } = request.schemaPolicy;
  if (columns !== "evolve") return ` schemaPolicy.columns is ${columns}, so ${name} is not added again.`;
  return stayEmpty(request, mode, "It is added again");
}

function stayEmpty(request: PreviewRequest, mode: Mode, what: string): string {
  if (mode.loadsBeside(request)) return ` ${what}, and every row is loaded anew.`;
  return ` ${what}, and it stays empty in rows that are not read again: runMode full_refresh fills it.`;
}

/** Rows were loaded and none is left: a run that reads what has changed brings back only that. */
async function findEmptied(
  session: Session,
  { complete }: PreviewRequest,
  { owner: { leafTable }, mode }: { owner: TableOwner; mode: Mode },
): Promise<string[]> {
  if (complete || mode.removesRows || mode.layout !== "rows") return [];
  if (await hasRows(session, leafTable)) return [];
  const { rowCount } = await session.client.query(
    `select from _sluice.targets join ${TABLE_SLICES} using (plan_id, entity_key)
     where leaf_table = $1 and rows_inserted > 0 limit 1`,
    [leafTable],
  );
  if (rowCount === 0) return [];
  return [
    "The table is empty although rows were loaded into it. A run that reads only what has changed does not bring them back: runMode full_refresh does.",
  ];
}
