import type { EntityReadSpec, PlanRequest } from "../provider.ts";
import type { Relation } from "./catalog.ts";
import { toSourceColumn } from "./discover.ts";
import type { Estimate } from "./estimate.ts";
import type { ReadSpec } from "./read-spec.ts";
import type { Session } from "./session.ts";

/** What every way of planning an entity works with. */
export interface Planning {
  session: Session;
  request: PlanRequest;
  relation: Relation;
  read: ReadSpec;
}

export function specOf({ request, relation, read }: Planning, estimate: Estimate): EntityReadSpec {
  return {
    entityKey: relation.entityKey,
    columns: relation.columns.map(toSourceColumn),
    keyColumns: request.keyColumns,
    cursorField: request.cursorField,
    estimatedRowBytes: estimate.rowBytes,
    source: { ...read },
  };
}
