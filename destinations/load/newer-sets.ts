import pg from "pg";
import type { LoadTarget } from "../load-target.ts";
import { MODES } from "../modes/index.ts";
import type { Session } from "../session.ts";
import { quoteIdentifier, quoteTable, RUN_ID_COLUMN } from "../sql.ts";
import { GONE_AT_COLUMN } from "../tables/waiting-rows.ts";
import { castOrNull } from "./cast-or-null.ts";
import type { PresentRows } from "./gone-keys.ts";
import type { TableRequest } from "./table-request.ts";

/** Finds the staged sets that are older than the loaded rows. All SQL here is over the alias `sets`. */

interface SetParts {
  keyColumns: string[];
  cursor: string;
}

/**
 * @param of.parent null where it is not stored
 * @param of.holder the parent, where its table has one row for each key; then that row tells
 * @param of.present the children's rows
 * @returns conditions of which one holds for a set that is older
 */
export async function findNewer(
  session: Session,
  request: TableRequest,
  of: SetParts & { parent: LoadTarget | null; holder: LoadTarget | null; present: PresentRows },
): Promise<string[]> {
  const { parent, holder, present, keyColumns, cursor } = of;
  if (holder !== null) return [await newerParent(session, request, { ...of, parent: holder, table: tableOf(holder) })];
  return [
    newerChildren(keyColumns, cursor, `${present.table} present`, `${present.where}${ofThisRun(request)}`),
    ...waitingOf(request.target, keyColumns, cursor),
    ...(await newerVersions(session, request, parent, of)),
  ];
}

/** One row for each key, as the source has it: others tell nothing about how old a set is. */
export function holdsRows({ loadMode, keyColumns, cursorField }: LoadTarget): boolean {
  const { layout, keeps } = MODES[loadMode];
  return layout === "rows" && keeps === "newest" && keyColumns.length > 0 && cursorField !== null;
}

/** A complete scan says how the source is now, also where a cursor was set back: what earlier runs have loaded is no newer. */
function ofThisRun({ target, runId }: TableRequest): string {
  return target.kind === "scan_in_place" ? ` and present.${RUN_ID_COLUMN} = ${pg.escapeLiteral(runId)}` : "";
}

/** Of a parent with versions: those that it has, and the rows that will become some. */
async function newerVersions(
  session: Session,
  request: TableRequest,
  parent: LoadTarget | null,
  set: SetParts,
): Promise<string[]> {
  if (parent?.kind !== "versions" || parent.cursorField === null) return [];
  const waiting = await newerParent(session, request, { parent, table: tableOf(parent), ...set });
  if (parent.complete) return [waiting];
  const { table } = await MODES[parent.loadMode].deletes(parent).present(session, parent);
  return [waiting, await newerParent(session, request, { parent, table, ...set })];
}

function tableOf({ leafSchema, leafTable }: LoadTarget): string {
  return quoteTable({ schema: leafSchema, table: leafTable });
}

/** The child may hold the parent's key in another type. A value that is none of the parent's is in no row of the parent's. */
async function newerParent(
  session: Session,
  { target }: TableRequest,
  { parent, table, keyColumns, cursor }: SetParts & { parent: LoadTarget; table: string },
): Promise<string> {
  const typeIn = ({ columns }: LoadTarget, name: string) => columns.find((column) => column.name === name)?.type;
  const typed = async (name: string, of: string): Promise<string> => {
    const type = typeIn(parent, of) ?? "text";
    const given = `sets.${quoteIdentifier(name)}`;
    return type === typeIn(target, name) ? given : `${await castOrNull(session, type)}(${given}::text)`;
  };
  const conditions: string[] = [];
  for (const [index, name] of parent.keyColumns.entries()) {
    conditions.push(`parent.${quoteIdentifier(name)} = ${await typed(keyColumns[index] ?? "", name)}`);
  }
  const cursorField = parent.cursorField ?? "";
  conditions.push(`parent.${quoteIdentifier(cursorField)} > ${await typed(cursor, cursorField)}`);
  return `exists (select from ${table} parent where ${conditions.join(" and ")})`;
}

function newerChildren(keyColumns: string[], cursor: string, from: string, where: string): string {
  const ofParent = keyColumns.map((name) => `present.${quoteIdentifier(name)} = sets.${quoteIdentifier(name)}`);
  const isNewer = `present.${quoteIdentifier(cursor)} > sets.${quoteIdentifier(cursor)}`;
  return `exists (select from ${from} where ${[where, ...ofParent, isNewer].join(" and ")})`;
}

/** Rows that wait for the finish as they were read. */
function waitingOf(target: LoadTarget, keyColumns: string[], cursor: string): string[] {
  if (target.kind !== "versions") return [];
  return [newerChildren(keyColumns, cursor, `${tableOf(target)} present`, `present.${GONE_AT_COLUMN} is null`)];
}
