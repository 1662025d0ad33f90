import type { ValidationIssue } from "../../core/errors.ts";
import type { TriggerMode } from "../../core/vocabulary.ts";
import { findPredecessors } from "../../db/predecessors.ts";
import type { ApiDeps } from "../deps.ts";
import type { Schedule } from "../schemas/sync-config.ts";

export interface TriggerIntent {
  /** As it will be. */
  mode: TriggerMode;
  /** There will be one. */
  scheduled: boolean;
  /** As the request says it; undefined when it does not. */
  given: Schedule | null | undefined;
}

/** How the schedule stands to the trigger mode and to other syncs. @param syncId null for one that is being created */
export async function scheduleIssues(
  { db }: Pick<ApiDeps, "db">,
  syncId: string | null,
  { mode, scheduled, given }: TriggerIntent,
): Promise<ValidationIssue[]> {
  const loc = ["body", "schedule"];
  if (mode === "scheduled" && !scheduled) {
    return [{ loc, msg: "A scheduled sync needs a schedule", type: given === undefined ? "missing" : "value_error" }];
  }
  const candidates = given?.after ?? [];
  if (candidates.length === 0) return [];
  const found = await findPredecessors(db, { syncId, candidates });
  return candidates.flatMap((id, index) => {
    const predecessor = found.get(id);
    if (predecessor && !predecessor.leadsBack) return [];
    const msg = !predecessor
      ? `Sync ${id} does not exist`
      : id === syncId
        ? "A sync cannot come after itself"
        : `Sync ${id} comes after this one itself: both would wait for ever`;
    return [{ loc: [...loc, "after", index], msg, type: "value_error" }];
  });
}
