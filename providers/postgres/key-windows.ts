import { escapeIdentifier } from "pg";
import type { Window } from "../../core/slices.ts";
import { UnconvertedTextError } from "../batch.ts";
import type { PlanRequest } from "../provider.ts";
import type { Relation } from "./catalog.ts";
import { type Estimate, LEAVES } from "./estimate.ts";
import { asText, orderBy } from "./range.ts";
import type { ReadSpec } from "./read-spec.ts";
import type { Session } from "./session.ts";

/** Fewer than a batch may have, so that a window is one. */
const MOST_WINDOW_BYTES = 56 * 1024 * 1024;
/** Less is not worth a slice of its own. */
const FEWEST_WINDOW_BYTES = 8 * 1024 * 1024;
/** So that a table of some size is loaded side by side, if by no more than gain from it: writers of one table get in each other's way. */
const FEWEST_WINDOWS = 2;
/** As many as are at work at once where nothing else is asked for: of five, the last would be read alone. */
const WINDOWS_AT_ONCE = 4;
/** Pages of the table that are looked into, far from each other, and how many rows of them are taken at least. */
const SAMPLE_PAGES = 2_000;
const SAMPLE_PAGES_PER_WINDOW = 100;
const SAMPLE_ROWS = 10_000;
/** No page of 8 kB has more. */
const MOST_ROWS_PER_PAGE = 300;

/** Windows that together are everything: the first has no lower bound, the last no upper one. */
export async function cutByKey(
  session: Session,
  relation: Relation,
  spec: ReadSpec,
  options: { estimate: Estimate; windowSize: PlanRequest["windowSize"]; maxWindows: number },
): Promise<Window[]> {
  const { keyOrder: columns } = spec;
  const { rows } = options.estimate;
  const wanted = Math.ceil(rows / windowRowsOf(options.windowSize, options.estimate));
  const even =
    isCount(options.windowSize) || wanted <= WINDOWS_AT_ONCE
      ? wanted
      : Math.ceil(wanted / WINDOWS_AT_ONCE) * WINDOWS_AT_ONCE;
  const count = Math.min(even, options.maxWindows);
  const bounds = count > 1 ? await sampleBounds(session, relation, spec, count) : [];
  const estimatedRows = Math.ceil(rows / (bounds.length + 1));
  return [...bounds, null].map((to, i) => ({ by: "key", columns, from: bounds[i - 1] ?? null, to, estimatedRows }));
}

function isCount(windowSize: PlanRequest["windowSize"]): boolean {
  return /^[1-9]\d*$/.test(windowSize ?? "");
}

/** What is asked for, unless it is a duration. */
export function windowRowsOf(windowSize: PlanRequest["windowSize"], estimate: Estimate): number {
  if (isCount(windowSize)) return Number(windowSize);
  const rowBytes = Math.max(1, estimate.rowBytes);
  const share = (estimate.rows * rowBytes) / FEWEST_WINDOWS;
  const bytes = Math.min(MOST_WINDOW_BYTES, Math.max(FEWEST_WINDOW_BYTES, share));
  return Math.max(1, Math.floor(bytes / rowBytes));
}

/**
 * The last key of each part but the last, of a sample cut into equal parts. Every so many pages of the table are looked into, of each
 * partition alike: a random choice of whole pages is as large and makes parts that differ by a third.
 */
async function sampleBounds(session: Session, relation: Relation, spec: ReadSpec, count: number): Promise<string[][]> {
  // Where rows lie is told to whom may read all columns. The others' windows are one: no less right, and less fast.
  const [may] = await session.query<{ locate: boolean }>(
    `sampling ${relation.entityKey}`,
    "select has_table_privilege(to_regclass($1), 'select') as locate",
    [spec.relation],
  );
  if (!may?.locate) return [];
  const key = spec.keyOrder.map((column) => `t.${escapeIdentifier(column)}`).join(", ");
  const sample = session.query<{ bound: string[] }>(
    `sampling ${relation.entityKey}`,
    `with sized as (
       select pg_relation_size(relid) / current_setting('block_size')::int as pages
       from (${LEAVES}) as leaves),
     size as (
       select max(pages) as most, greatest(1, sum(pages)::bigint / $2::int) as step,
         ceil(least(${MOST_ROWS_PER_PAGE}, greatest(1, ${SAMPLE_ROWS} / least($2::int, greatest(1, sum(pages)))))) as places
       from sized),
     sample as (
       select ${key} from ${spec.relation} as t
       where t.ctid = any (array(
         select format('(%s,%s)', page, place)::tid
         from size, generate_series(0, most, step) as page, generate_series(1, places::int) as place))),
     placed as (select t.*, row_number() over (order by ${orderBy(spec.keyOrder, spec)}) as "sluice place" from sample as t)
     select ${asText(spec.keyOrder)} as bound from placed as t
     where "sluice place" % (select greatest(1, count(*) / $3::int) from sample) = 0
     order by "sluice place" limit $3::int - 1`,
    [spec.relation, Math.max(SAMPLE_PAGES, count * SAMPLE_PAGES_PER_WINDOW), count],
  );
  // A bound that UTF-8 has no equivalent of cannot be passed back.
  const rows = await sample.catch((error: unknown) => {
    if (error instanceof UnconvertedTextError) return [];
    throw error;
  });
  return rows.map((row) => row.bound).filter((bound, i, all) => bound.join("\0") !== all[i - 1]?.join("\0"));
}
