import { escapeIdentifier } from "pg";
import type { Window } from "../../core/slices.ts";
import type { EntityPlan, PlanRequest } from "../provider.ts";
import type { Relation } from "./catalog.ts";
import type { Cursor } from "./horizon.ts";
import type { Session } from "./session.ts";

export type TimeWindow = Extract<Window, { by: "time" }>;

/**
 * Rows of a window where no width is asked for. Two merges side by side take two thirds of the time of one; of more, each touches
 * the same pages again (ADR 22).
 */
const FEWEST_ROWS = 25_000;
const ENOUGH_ROWS = 75_000;
const MOST_ROWS = 150_000;
const WINDOWS_OF_SOME = 2;
const WINDOWS_OF_MANY = 16;
/** Of the whole table, to find out how many rows there are and where. */
const SAMPLE_ROWS = 50_000;
/** Found by the sample, that tell how many there are. */
const TELLING_ROWS = 500;

export interface Span {
  relation: Pick<Relation, "sql" | "estimatedRows">;
  from: string;
  /** At or after `from`. No window ends at or before it: a cursor that follows the windows must not go back. */
  state: string;
  bound: string;
}

/**
 * Windows from `span.from` on. The last has no upper bound: what lies beyond the horizon is worth having now, and is read
 * again by the next run.
 */
export async function cutByCursor(
  session: Session,
  cursor: Cursor,
  span: Span,
  options: { windowSize: PlanRequest["windowSize"]; maxWindows: number },
): Promise<TimeWindow[]> {
  const { edges, ...estimate } = await findEdges(session, cursor, span, options);
  const starts = [span.from, ...edges];
  return starts.map((from, i) => ({ by: "time", column: cursor.column, from, to: starts[i + 1] ?? null, ...estimate }));
}

/** One slice of each window, labelled by dates where they are days apart, else with the minute; `3/12` for numbers. */
export function slicesOf(cursor: Cursor, windows: TimeWindow[]): EntityPlan["slices"] {
  return windows.map((window, i) => ({ stage: 0, window, label: labelOf(cursor, window, i + 1, windows.length) }));
}

function labelOf(cursor: Cursor, window: TimeWindow, ordinal: number, count: number): string {
  if (cursor.kind === "bigint" || window.from === null) return `${ordinal}/${count}`;
  const days = window.to === null || window.from.slice(0, 10) !== window.to.slice(0, 10);
  const length = days ? "2026-01-01".length : "2026-01-01 12:30".length;
  return `${window.from.slice(0, length)}..${window.to?.slice(0, length) ?? ""}`;
}

/** What lies between two windows, from the second window's start on. */
interface Cut {
  edges: string[];
  /** Of each window; absent where nobody knows. */
  estimatedRows?: number;
}

async function findEdges(
  session: Session,
  cursor: Cursor,
  span: Span,
  { windowSize, maxWindows }: { windowSize: PlanRequest["windowSize"]; maxWindows: number },
): Promise<Cut> {
  const isNumber = cursor.kind === "bigint";
  const asked = windowSize ?? "";
  if (!(isNumber ? /^[1-9]\d*$/ : /^P/).test(asked)) return findEdgesByRows(session, cursor, span, maxWindows);
  const rows = await session.query<{ edge: string }>("cutting windows", edgesOf(cursor), [
    span.from,
    span.bound,
    asked,
    maxWindows,
    span.state,
  ]);
  return { edges: rows.map((row) => row.edge) };
}

/**
 * Windows of about as many rows each, wherever in time these are. Statistics say little of rows that came since they were made, and
 * counting reads all of them, so a sample of the table has to tell.
 */
async function findEdgesByRows(session: Session, cursor: Cursor, span: Span, maxWindows: number): Promise<Cut> {
  const { sql, estimatedRows } = span.relation;
  // Nobody knows how large it is: a sample might be all of it.
  if (!estimatedRows) return { edges: [] };
  const percent = Math.min(100, (100 * SAMPLE_ROWS) / estimatedRows);
  const column = escapeIdentifier(cursor.column);
  const [cut] = await session.query<{ edges: string[]; sampled: number }>(
    "cutting windows",
    `with sampled as (
       select ${column} as cursor from ${sql} tablesample system (${percent})
       where ${column} >= $1::${cursor.kind} and ${column} <= $2::${cursor.kind}),
     counted as (select count(*)::numeric * ${100 / percent} as total from sampled),
     cut as (
       select greatest(1, least($4::int, round(total / least(${MOST_ROWS}, greatest(total / ${WINDOWS_OF_MANY},
         least(${ENOUGH_ROWS}, greatest(total / ${WINDOWS_OF_SOME}, ${FEWEST_ROWS})))))))::int as windows
       from counted),
     parts as (select cursor, ntile((select windows from cut)) over (order by cursor) as part from sampled),
     edges as (select distinct min(cursor) as bound from parts where part > 1 group by part)
     select array(select bound::text from edges where bound > $3::${cursor.kind} order by bound) as edges,
       (select count(*)::int from sampled) as sampled`,
    [span.from, span.bound, span.state, maxWindows],
  );
  const { edges, sampled } = cut ?? { edges: [], sampled: 0 };
  if (sampled < TELLING_ROWS) return { edges };
  return { edges, estimatedRows: Math.ceil((sampled * (100 / percent)) / (edges.length + 1)) };
}

/** Width: as asked, or wider, so that there are at most `maxWindows`. Not ordered by `edge`, which would be the text. */
const EDGES_OF_NUMBERS = `
  with width as (select greatest($3::numeric, ceil(($2::numeric - $1::numeric) / $4::int)) as width)
  select bound::text as edge from width, generate_series($1::numeric + width, $2::numeric - 1, width) as bound
  where bound > $5::numeric order by bound`;

/** Dates reach further than timestamps do. */
const EDGES_OF_DATES = `
  with width as (
    select greatest(ceil(extract(epoch from $3::interval) / 86400), ceil(($2::date - $1::date)::numeric / $4::int), 1)::int as width)
  select bound::text as edge
  from width, generate_series(1, ($2::date - $1::date) / width) as n, lateral (select $1::date + width * n as bound) as cut
  where bound > $5::date and bound < $2::date order by bound`;

function edgesOfTimes(type: string): string {
  return `
    with span as (select $1::${type} as low, extract(epoch from $2::${type} - $1::${type}) as seconds),
    width as (select *, greatest(extract(epoch from $3::interval), seconds / $4::int, 1) as width from span),
    bounds as (
      select distinct low + make_interval(secs => (width * n)::float8) as bound
      from width, generate_series(1, ceil(seconds / width)::int - 1) as n)
    select bound::text as edge from bounds where bound > $5::${type} order by bound`;
}

function edgesOf({ kind }: Cursor): string {
  if (kind === "bigint") return EDGES_OF_NUMBERS;
  return kind === "date" ? EDGES_OF_DATES : edgesOfTimes(kind);
}
