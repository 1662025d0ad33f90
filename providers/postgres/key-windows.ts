import { escapeIdentifier } from "pg";
import type { Window } from "../../core/slices.ts";
import type { PlanRequest } from "../provider.ts";
import type { Relation } from "./catalog.ts";
import type { Estimate } from "./estimate.ts";
import { asText, orderBy } from "./range.ts";
import type { ReadSpec } from "./read-spec.ts";
import type { Session } from "./session.ts";

/** Fewer than a batch may have, so that a window is one. */
const DEFAULT_WINDOW_ROWS = 200_000;
const MOST_WINDOW_BYTES = 56 * 1024 * 1024;
/** Less is not worth a slice of its own. */
const FEWEST_WINDOW_BYTES = 8 * 1024 * 1024;
/** So that a table of some size has something to do side by side. */
const FEWEST_WINDOWS = 8;
/** Whole pages are sampled, whose rows often lie next to each other: fewer would make windows of very unequal size. */
const SAMPLE_ROWS_PER_WINDOW = 2_000;
const MIN_SAMPLE_ROWS = 50_000;

/** Windows that together are everything: the first has no lower bound, the last no upper one. */
export async function cutByKey(
  session: Session,
  relation: Relation,
  spec: ReadSpec,
  options: { estimate: Estimate; windowSize: PlanRequest["windowSize"]; maxWindows: number },
): Promise<Window[]> {
  const { keyOrder: columns } = spec;
  const { rows } = options.estimate;
  const count = Math.min(Math.ceil(rows / windowRowsOf(options.windowSize, options.estimate)), options.maxWindows);
  const bounds = count > 1 ? await sampleBounds(session, relation, spec, { count, rows }) : [];
  const estimatedRows = Math.ceil(rows / (bounds.length + 1));
  return [...bounds, null].map((to, i) => ({ by: "key", columns, from: bounds[i - 1] ?? null, to, estimatedRows }));
}

/** What is asked for, unless it is a duration. */
export function windowRowsOf(windowSize: PlanRequest["windowSize"], estimate: Estimate): number {
  if (/^[1-9]\d*$/.test(windowSize ?? "")) return Number(windowSize);
  const rowBytes = Math.max(1, estimate.rowBytes);
  const share = (estimate.rows * rowBytes) / FEWEST_WINDOWS;
  const bytes = Math.min(MOST_WINDOW_BYTES, Math.max(FEWEST_WINDOW_BYTES, share));
  return Math.max(1, Math.min(DEFAULT_WINDOW_ROWS, Math.floor(bytes / rowBytes)));
}

/** The last key of each part but the last, of a sample of whole pages cut into equal parts. */
async function sampleBounds(
  session: Session,
  relation: Relation,
  spec: ReadSpec,
  parts: { count: number; rows: number },
): Promise<string[][]> {
  const sampleRows = Math.max(MIN_SAMPLE_ROWS, parts.count * SAMPLE_ROWS_PER_WINDOW);
  const percent = Math.min(100, (100 * sampleRows) / Math.max(1, parts.rows));
  const key = spec.keyOrder.map((column) => `t.${escapeIdentifier(column)}`).join(", ");
  const rows = await session.query<{ bound: string[] }>(
    `sampling ${relation.entityKey}`,
    `with sample as (select ${key} from ${spec.relation} as t tablesample system (${percent})),
     placed as (select t.*, row_number() over (order by ${orderBy(spec.keyOrder)}) as "sluice place" from sample as t)
     select ${asText(spec.keyOrder)} as bound from placed as t
     where "sluice place" % (select greatest(1, count(*) / $1::int) from sample) = 0
     order by "sluice place" limit $1::int - 1`,
    [parts.count],
  );
  return rows.map((row) => row.bound).filter((bound, i, all) => bound.join("\0") !== all[i - 1]?.join("\0"));
}
