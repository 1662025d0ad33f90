import type { EntityLoadPreview } from "../core/plan-preview.ts";
import type { EntityPreview } from "../destinations/destination.ts";
import type { EntityPlan } from "../providers/provider.ts";
import type { ResolvedBinding } from "./entity-requests.ts";

/** An answer holds all entities, so each is told in brief. */
const MAX_LABELS = 20;
const MAX_STATEMENT = 4_000;

/** What a run would do to one table. */
export function describeLoad(
  { loadMode }: ResolvedBinding,
  { target, apply, statements, losses, confirmation, estimatedRows: present }: EntityPreview,
  plan: EntityPlan,
): Omit<EntityLoadPreview, "scan" | "cursor"> {
  const toRead = rowsToRead(plan);
  const fewer = present === null || toRead === null ? null : Math.max(0, present - toRead);
  return {
    ...{ schema: target.schema, table: target.table, loadMode },
    ...{ keyColumns: target.keyColumns, cursorField: target.cursorField },
    estimatedRows: { toRead, present },
    slices: { count: plan.slices.length, labels: plan.slices.slice(0, MAX_LABELS).map(({ label }) => label) },
    apply,
    changes: statements.map((statement) => statement.slice(0, MAX_STATEMENT)),
    deletes: deletesOf(loadMode, target, fewer),
    ...{ losses, confirmation },
  };
}

function deletesOf(
  loadMode: EntityLoadPreview["loadMode"],
  { kind }: EntityPreview["target"],
  rows: number | null,
): EntityLoadPreview["deletes"] {
  if (kind === "beside") return { kind: "swap", rows };
  if (kind === "scan_in_place") return { kind: "mark_deleted", rows };
  return loadMode === "delete_insert" ? { kind: "window", rows: null } : { kind: "none", rows: 0 };
}

/** As the evidence says, where the source counts or guesses. */
function rowsToRead({ evidence }: EntityPlan): number | null {
  const rows = evidence.estimatedRows ?? evidence.count;
  return typeof rows === "number" ? rows : null;
}
