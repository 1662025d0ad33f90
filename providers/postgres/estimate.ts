import type { Relation } from "./catalog.ts";
import { where } from "./range.ts";
import type { ReadSpec } from "./read-spec.ts";
import type { Session } from "./session.ts";

export interface Estimate {
  rows: number;
  rowBytes: number;
}

interface Explained {
  "QUERY PLAN": { Plan: { "Plan Rows": number; "Plan Width": number } }[];
}

/** The planner's guess, which looks at the table's present size: it knows of a table that nobody analysed. */
export async function estimateRead(
  session: Session,
  relation: Relation,
  spec: ReadSpec,
  conditions: string[] = [],
): Promise<Estimate> {
  const [explained] = await session.query<Explained>(
    `estimate of ${relation.entityKey}`,
    `explain (format json) select ${spec.expressions.join(", ")} from ${spec.relation} ${where(conditions)}`,
  );
  const plan = explained?.["QUERY PLAN"][0]?.Plan;
  return { rows: plan?.["Plan Rows"] ?? 0, rowBytes: plan?.["Plan Width"] ?? 0 };
}
