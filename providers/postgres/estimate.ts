import { escapeIdentifier } from "pg";
import type { Relation } from "./catalog.ts";
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

/** What has rows, of the relation `$1`: itself, or its partitions, of which only a partitioned table or a partition has any. */
export const LEAVES = "select to_regclass($1) as relid union select relid from pg_partition_tree(to_regclass($1))";

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

/** Of a table that nobody analysed, the planner looks at the present size. Null for what has none of its own. */
export async function guessRows(session: Session, relation: Relation): Promise<number | null> {
  const { kind, sql, columns } = relation;
  const [column] = columns;
  if (column === undefined || (kind !== "table" && kind !== "partitioned")) return null;
  const plan = await explain(session, relation, `${escapeIdentifier(column.name)} from ${sql}`);
  return plan?.["Plan Rows"] ?? null;
}

async function explain(session: Session, { entityKey }: Relation, selected: string): Promise<Plan | undefined> {
  const [explained] = await session.query<Explained>(
    `estimate of ${entityKey}`,
    `explain (format json) select ${selected}`,
  );
  return explained?.["QUERY PLAN"][0]?.Plan;
}
