import { createHash } from "node:crypto";
import { TerminalError } from "../core/errors.ts";
import { widens } from "./column-types.ts";
import type { PrepareRequest, PreviewRequest, TargetColumn } from "./destination.ts";
import { partitionColumn } from "./generations.ts";
import type { TableOwner } from "./ledger.ts";
import type { Session } from "./session.ts";
import { LEDGER_SCHEMA, quoteIdentifier, quoteTable, RUN_ID_COLUMN, SYNCED_AT_COLUMN, type TableName } from "./sql.ts";
import { sameColumns, type TableShape } from "./table-shape.ts";

/** Up to this size every row is looked at; beyond, statistics say whether a column holds anything. */
const MAX_SCAN_BYTES = 1024 ** 3;

/** A message names so many. */
const MAX_NAMED = 5;

/**
 * What a swap takes from the user's table besides its rows, which come again: for people, one thing each. Nothing where the
 * present generation has no row.
 */
export async function findLosses(
  session: Session,
  wanted: PreviewRequest,
  { shape, leafTable }: { shape: TableShape; leafTable: string },
): Promise<string[]> {
  const changes = [...changedTypes(shape, wanted.columns), ...changedKey(shape, wanted)];
  const names = new Set([...wanted.columns.map(({ name }) => name), RUN_ID_COLUMN, SYNCED_AT_COLUMN]);
  const extra = shape.columns.map(({ name }) => name).filter((name) => !names.has(name));
  const filled = extra.length === 0 ? [] : await findFilled(session, wanted, leafTable, extra);
  return [
    ...filled.map((name) => `the values of column ${name}, which the source does not have`),
    ...(changes.length > 0 && (await hasRows(session, wanted)) ? changes : []),
  ];
}

/** Rows that another source has loaded do not come again. */
export async function foreignRows(session: Session, name: TableName, { syncId }: TableOwner): Promise<string[]> {
  const told = `the rows that sync ${syncId}, which is deleted, has loaded from another source`;
  return (await hasRows(session, name)) ? [told] : [];
}

/** Stands for these losses of this generation, and says nothing of any other; null where there are none. */
export function confirmationOf(
  { syncId, entityKey, schema, table }: PreviewRequest,
  owner: TableOwner | null,
  losses: string[],
): string | null {
  if (losses.length === 0) return null;
  const what = JSON.stringify([syncId, entityKey, schema, table, owner?.leafTable, losses]);
  return createHash("sha256").update(what).digest("hex").slice(0, 16);
}

/** @throws TerminalError destination_schema_conflict unless what is lost is confirmed */
export function requireConfirmation(request: PrepareRequest, confirmation: string | null, losses: string[]): void {
  if (confirmation === null || request.confirmedPlan?.split(".").includes(confirmation)) return;
  const more = losses.length > MAX_NAMED ? [`${losses.length - MAX_NAMED} more`] : [];
  throw new TerminalError(
    "destination_schema_conflict",
    `${request.schema}.${request.table} would lose ${[...losses.slice(0, MAX_NAMED), ...more].join("; ")}. Nothing is changed. If that is meant, retry with the header Sluice-Confirm-Plan: ${confirmation}; POST /api/v1/syncs/${request.syncId}/plan shows all of it.`,
  );
}

function changedTypes({ columns, keyColumns }: TableShape, wanted: TargetColumn[]): string[] {
  const types = new Map(wanted.map(({ name, type }) => [name, type]));
  return columns.flatMap(({ name, type }) => {
    const next = types.get(name) ?? type;
    if (next === type) return [];
    const narrows = widens(type, next) ? [] : [`column ${name} as ${type}, which is ${next} at the source`];
    return name === partitionColumn(keyColumns) ? [...narrows, madeAnew(`the type of ${name} changes`)] : narrows;
  });
}

function changedKey(shape: TableShape, { keyColumns }: { keyColumns: string[] }): string[] {
  if (sameColumns(shape.keyColumns, keyColumns)) return [];
  const key = `its key (${shape.keyColumns.join(", ")}), which becomes (${keyColumns.join(", ")})`;
  const moves = partitionColumn(shape.keyColumns) !== partitionColumn(keyColumns);
  return moves ? [key, madeAnew("its key begins with another column")] : [key];
}

/** See `rebuildParent`. */
function madeAnew(why: string): string {
  return `its comments, policies and triggers, since the table is made anew: ${why}`;
}

async function hasRows({ client }: Session, name: TableName): Promise<boolean> {
  const { rows } = await client.query<{ filled: boolean }>(`select exists (select from ${quoteTable(name)}) as filled`);
  return rows[0]?.filled === true;
}

/** Those that hold a value somewhere. What has a default is filled anew by itself. */
async function findFilled(
  { client }: Session,
  name: TableName,
  leafTable: string,
  columns: string[],
): Promise<string[]> {
  const { rows } = await client.query<{ column: string; small: boolean; seen: boolean | null }>(
    `select a.attname as column, pg_table_size(a.attrelid) <= $4 as small, s.null_frac < 1 as seen
     from pg_attribute a
     left join pg_stats s on s.schemaname = $2 and s.tablename = $3 and s.attname = a.attname and not s.inherited
     where a.attrelid = to_regclass($1) and a.attname = any($5) and not a.atthasdef and a.attidentity = ''
     order by a.attnum`,
    [quoteTable({ schema: LEDGER_SCHEMA, table: leafTable }), ...[LEDGER_SCHEMA, leafTable, MAX_SCAN_BYTES], columns],
  );
  const doubtful = rows.filter(({ small, seen }) => small && seen !== true).map(({ column }) => column);
  const found = doubtful.length === 0 ? [] : await scanForValues(client, name, doubtful);
  // No statistics of a large one: better asked in vain than lost.
  return rows
    .filter(({ column, small, seen }) => (small ? seen === true || found.includes(column) : seen !== false))
    .map(({ column }) => column);
}

async function scanForValues(client: Session["client"], name: TableName, columns: string[]): Promise<string[]> {
  const each = columns.map(
    (column, n) => `case when bool_or(num_nonnulls(${quoteIdentifier(column)}) > 0) then ${n} end`,
  );
  const { rows } = await client.query<{ filled: (number | null)[] }>(
    `select array[${each.join(", ")}] as filled from ${quoteTable(name)}`,
  );
  const filled = rows[0]?.filled ?? [];
  return columns.filter((_, n) => filled.includes(n));
}
