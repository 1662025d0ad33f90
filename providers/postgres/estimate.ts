import { escapeIdentifier } from "pg";
import { TerminalError } from "../../core/errors.ts";
import { UnconvertedTextError } from "../batch.ts";
import type { Relation } from "./catalog.ts";
import { explainRefusal } from "./obstacles.ts";
import { where } from "./range.ts";
import type { ReadSpec } from "./read-spec.ts";
import type { Session } from "./session.ts";

export interface Estimate {
  rows: number;
  rowBytes: number;
}

interface Plan {
  "Plan Rows": number;
  "Plan Width": number;
}

interface Explained {
  "QUERY PLAN": { Plan: Plan }[];
}

/** What has rows, of the relation `$1`: itself, its partitions and the tables that inherit from it. */
export const LEAVES = `
  with recursive leaf as (
    select to_regclass($1)::oid as relid
    union
    select child.inhrelid from pg_inherits as child join leaf on leaf.relid = child.inhparent
  )
  select relid from leaf`;

/**
 * The planner's guess, which looks at the table's present size: it knows of a table that nobody analysed. Of a large value that
 * lies outside the row it counts only the pointer, so that the space on disk tells more of its width.
 */
export async function estimateRead(
  session: Session,
  relation: Relation,
  spec: ReadSpec,
  conditions: string[] = [],
): Promise<Estimate> {
  const plan = await explain(
    session,
    relation,
    `${spec.expressions.join(", ")} from ${spec.relation} ${where(conditions)}`,
  );
  const rows = plan?.["Plan Rows"] ?? 0;
  const all = relation.estimatedRows ?? (conditions.length === 0 ? rows : 0);
  const [size] = await session.query<{ bytes: number }>(
    `size of ${relation.entityKey}`,
    `select coalesce(sum(pg_table_size(relid)), 0)::float8 as bytes from (${LEAVES}) as leaves`,
    [relation.sql],
  );
  const stored = all > 0 ? Math.ceil((size?.bytes ?? 0) / all) : 0;
  return { rows, rowBytes: Math.max(plan?.["Plan Width"] ?? 0, stored) };
}

/**
 * Of a table that nobody analysed, the planner looks at the present size.
 * @returns null for what has no size of its own
 * @throws as the read of the relation would, as far as the planner can tell
 */
export async function planScan(session: Session, relation: Relation): Promise<number | null> {
  const { kind, sql, columns } = relation;
  const names = columns.map(({ name }) => escapeIdentifier(name)).join(", ");
  const plan = await explain(session, relation, `${names} from ${sql}`);
  return kind === "table" || kind === "partitioned" ? (plan?.["Plan Rows"] ?? null) : null;
}

async function explain(session: Session, relation: Relation, selected: string): Promise<Plan | undefined> {
  try {
    const [explained] = await session.query<Explained>(
      `estimate of ${relation.entityKey}`,
      `explain (format json) select ${selected}`,
    );
    return explained?.["QUERY PLAN"][0]?.Plan;
  } catch (error) {
    // The plan of a view shows the constants in it.
    if (error instanceof UnconvertedTextError) return undefined;
    throw error instanceof TerminalError ? explainRefusal(error, relation) : error;
  }
}
