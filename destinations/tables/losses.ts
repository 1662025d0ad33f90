import { createHash } from "node:crypto";
import { TerminalError } from "../../core/errors.ts";
import type { PrepareRequest, PreviewRequest } from "../destination.ts";
import type { TableOwner } from "../ledger/ledger.ts";
import type { TargetColumn } from "../load-target.ts";
import type { Session } from "../session.ts";
import { LEDGER_SCHEMA, quoteIdentifier, quoteTable, RUN_ID_COLUMN, SYNCED_AT_COLUMN, type TableName } from "../sql.ts";
import { widens } from "./column-types.ts";
import { findPartitionLosses } from "./partition-additions.ts";
import { sameColumns, type TableShape } from "./table-shape.ts";
import { findLoadedColumns, findUserColumns } from "./user-columns.ts";

/** Up to this size every row is looked at; beyond, statistics say whether a column holds anything. */
const MAX_SCAN_BYTES = 1024 ** 3;

/** A message names so many. */
const MAX_NAMED = 5;

export interface Losses {
  /** For people, one thing each. */
  losses: string[];
  /** Users' columns whose values are among them, and what people have given the partition alone. */
  ofUsers: string[];
}

/**
 * What a swap takes from the user's table besides its rows, which come again. Nothing where the present generation has no row.
 * @param of.carried whether the values of users' columns are found again by key
 */
export async function findLosses(
  session: Session,
  wanted: PreviewRequest,
  of: { shape: TableShape; leafTable: string; carried: boolean },
): Promise<Losses> {
  const { shape, leafTable, carried } = of;
  const { columns } = wanted;
  const changes = [...changedTypes(shape, columns), ...changedKey(shape, wanted)];
  const userColumns = await findUserColumns(session, wanted, { shape, columns });
  const ours = [...columns.map(({ name }) => name), ...userColumns, RUN_ID_COLUMN, SYNCED_AT_COLUMN];
  const gone = shape.columns.map(({ name }) => name).filter((name) => !ours.includes(name));
  const filled = await findFilled(session, leafTable, carried ? gone : [...gone, ...userColumns]);
  const ofPartition = await findPartitionLosses(session, wanted, { schema: LEDGER_SCHEMA, table: leafTable });
  return {
    losses: [
      ...filled.map((name) => `the values of column ${name}, which the source does not have`),
      ...(await findTaken(session, wanted, { shape, leafTable })),
      ...(changes.length > 0 && (await hasRows(session, leafTable)) ? changes : []),
      ...ofPartition,
    ],
    ofUsers: [...filled.filter((name) => userColumns.includes(name)), ...ofPartition],
  };
}

/** Columns that users had added and filled before the source had one of that name: what is loaded takes the place of their values. */
export async function findTaken(
  session: Session,
  wanted: PreviewRequest,
  { shape, leafTable }: { shape: TableShape; leafTable: string },
): Promise<string[]> {
  const loaded = await findLoadedColumns(session, wanted);
  if (loaded === null) return [];
  const present = shape.columns.map(({ name }) => name);
  const taken = wanted.columns
    .map(({ name }) => name)
    .filter((name) => present.includes(name) && !loaded.includes(name));
  const filled = await findFilled(session, leafTable, taken);
  return filled.map(
    (name) => `the values of column ${name}, which was added by hand: the source has a column of that name now`,
  );
}

/** Rows that another source has loaded do not come again. */
export async function foreignRows(session: Session, { syncId, leafTable }: TableOwner): Promise<string[]> {
  const told = `the rows that sync ${syncId}, which is deleted, has loaded from another source`;
  return (await hasRows(session, leafTable)) ? [told] : [];
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
    `${request.schema}.${request.table} would lose ${[...losses.slice(0, MAX_NAMED), ...more].join("; ")}. Nothing is changed.`,
    {
      fix: `If that is meant, retry with the header Sluice-Confirm-Plan: ${confirmation}; POST /api/v1/syncs/${request.syncId}/plan shows all of it.`,
    },
  );
}

function changedTypes({ columns }: TableShape, wanted: TargetColumn[]): string[] {
  const types = new Map(wanted.map(({ name, type }) => [name, type]));
  return columns.flatMap(({ name, type }) => {
    const next = types.get(name) ?? type;
    return widens(type, next) ? [] : [`column ${name} as ${type}, which is ${next} at the source`];
  });
}

function changedKey(shape: TableShape, { keyColumns }: { keyColumns: string[] }): string[] {
  if (sameColumns(shape.keyColumns, keyColumns)) return [];
  return [`its key (${shape.keyColumns.join(", ")}), which becomes (${keyColumns.join(", ")})`];
}

/** Of the partition, whose rows no policy of the table hides. */
export async function hasRows({ client }: Session, leafTable: string): Promise<boolean> {
  const leaf = quoteTable({ schema: LEDGER_SCHEMA, table: leafTable });
  const { rowCount } = await client.query("select from pg_class where oid = to_regclass($1)", [leaf]);
  if (rowCount === 0) return false;
  const { rows } = await client.query<{ filled: boolean }>(`select exists (select from ${leaf}) as filled`);
  return rows[0]?.filled === true;
}

/** A default that says the same for every row, as Postgres prints it. */
const CONSTANT = String.raw`^('([^']|'')*'|\(?-?[\d.]+\)?|true|false|NULL)(::[\w\s".,()\[\]]+)?$`;

/**
 * @param leafTable in the ledger's schema
 * @returns those of the columns that hold a value somewhere which is not their default
 */
export async function findFilled({ client }: Session, leafTable: string, columns: string[]): Promise<string[]> {
  if (columns.length === 0) return [];
  const leaf = { schema: LEDGER_SCHEMA, table: leafTable };
  const { rows } = await client.query<FoundColumn>(
    `select a.attname as column, pg_table_size(a.attrelid) <= $4 as small, s.null_frac < 1 as seen,
            case when pg_get_expr(d.adbin, d.adrelid) ~ $6 then pg_get_expr(d.adbin, d.adrelid) end as "default"
     from pg_attribute a
     left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
     left join pg_stats s on s.schemaname = $2 and s.tablename = $3 and s.attname = a.attname and not s.inherited
     where a.attrelid = to_regclass($1) and a.attname = any($5) and a.attgenerated = '' and not a.attisdropped
     order by a.attnum`,
    [quoteTable(leaf), leaf.schema, leaf.table, MAX_SCAN_BYTES, columns, CONSTANT],
  );
  const doubtful = rows.filter((row) => row.small && (row.seen !== true || row.default !== null));
  const found = await scanForValues(client, leaf, doubtful);
  // Nothing is known of a large one without statistics: it is better to ask in vain.
  return rows
    .filter((row) => (doubtful.includes(row) ? found.includes(row.column) : row.seen !== false))
    .map(({ column }) => column);
}

interface FoundColumn {
  column: string;
  small: boolean;
  seen: boolean | null;
  /** SQL; null without one that is constant. */
  default: string | null;
}

async function scanForValues(client: Session["client"], leaf: TableName, columns: FoundColumn[]): Promise<string[]> {
  if (columns.length === 0) return [];
  const each = columns.map(({ column, default: text }, n) => {
    const value = quoteIdentifier(column);
    // Not every type has an equality.
    const filled = text === null ? `num_nonnulls(${value}) > 0` : `${value}::text is distinct from (${text})::text`;
    return `case when bool_or(${filled}) then ${n} end`;
  });
  const { rows } = await client.query<{ filled: (number | null)[] }>(
    `select array[${each.join(", ")}] as filled from ${quoteTable(leaf)}`,
  );
  const filled = rows[0]?.filled ?? [];
  return columns.filter((_, n) => filled.includes(n)).map(({ column }) => column);
}
