import { isComparison } from "../core/digests.ts";
import { finishOf } from "../core/load-modes.ts";
import { isReasonCode, type ReasonCode } from "../core/result-reasons.ts";
import type { EntityEvidence, RunEvidence } from "../core/verdict.ts";
import type { RunOutcome } from "../core/workflow-contract.ts";
import type { Plan } from "../db/plans.ts";
import type { RunRow } from "../db/runs.ts";
import type { LedgerSlice } from "../destinations/destination.ts";

/** What plan and ledger say about each entity of the chain's plan. */
export function gatherEvidence(known: {
  plan: Plan | null;
  ledger: LedgerSlice[];
  /** Keys of entities whose finish is done. */
  finished: string[];
  /** Windows that the run found different. */
  differences: { entityKey: string; label: string }[];
  outcome: RunOutcome;
  run: RunRow;
}): RunEvidence {
  const { plan, ledger, finished, differences, outcome, run } = known;
  const bySlice = new Map(ledger.map((slice) => [slice.sliceNo, slice]));
  const entities = (plan?.entities ?? []).map((entity): EntityEvidence => {
    const slices = (plan?.slices ?? []).filter((slice) => slice.entityKey === entity.entityKey);
    const committed = slices.flatMap((slice) => bySlice.get(slice.sliceNo) ?? []);
    return {
      entityKey: entity.entityKey,
      slicesTotal: slices.length,
      slicesDone: committed.filter((slice) => slice.done).length,
      finishPending: finishOf(entity.target) !== null && !finished.includes(entity.entityKey),
      rowsWritten: committed.reduce((sum, slice) => sum + slice.rowsWritten, 0),
      rowsRejected: committed.reduce((sum, slice) => sum + slice.rowsRejected, 0),
      planFailure: entity.reasonCode === null ? null : { reasonCode: entity.reasonCode, message: entity.error ?? "" },
      difference: tellDifference(
        differences.filter(({ entityKey }) => entityKey === entity.entityKey).map(({ label }) => label),
        slices.length,
      ),
    };
  });
  const comparison = isComparison(run.runMode);
  return { planned: plan !== null, entities, outcome, comparison, cancelReasonCode: cancelReasonOf(run) };
}

const MOST_LABELS = 10;

/** @param labels of windows: ordinals, and no value of a key */
function tellDifference(labels: string[], windows: number): string | null {
  if (labels.length === 0) return null;
  const more = labels.length > MOST_LABELS ? ` and ${labels.length - MOST_LABELS} more` : "";
  const named = `${labels.slice(0, MOST_LABELS).join(", ")}${more}`;
  return `${labels.length} of ${windows} windows differ from the source: ${named}. A run with runMode repair loads them again; full_refresh does where the load mode knows no repair.`;
}

/**
 * How far an unfinished incremental entity may move its cursor: to the end of the time windows that are done without a
 * gap. Null where nothing may move: key windows move once, when all are done, and what waits for a finish is not there yet.
 * Nor does a scan of everything move a cursor that was there: its windows begin long before that, and a cursor never goes back.
 */
export function contiguousCursor(
  plan: Plan | null,
  ledger: LedgerSlice[],
  { entityKey, runMode }: { entityKey: string; runMode: RunRow["runMode"] },
): string | null {
  const entity = plan?.entities.find((each) => each.entityKey === entityKey);
  const finish = entity === undefined ? null : finishOf(entity.target);
  if (entity === undefined || (finish !== null && finish !== "add_key")) return null;
  const hadCursor = entity.cursorVersion > 0 && !("cursorResetBy" in entity.evidence);
  if (runMode === "full_refresh" && hadCursor) return null;
  const done = new Set(ledger.filter((slice) => slice.done).map((slice) => slice.sliceNo));
  const slices = (plan?.slices ?? []).filter((slice) => slice.entityKey === entityKey);
  let cursor: string | null = null;
  for (const slice of slices) {
    if (slice.window.by !== "time" || slice.stage !== 0 || !done.has(slice.sliceNo)) return cursor;
    cursor = slice.window.to;
  }
  return cursor;
}

function cancelReasonOf(run: RunRow): ReasonCode | null {
  if (run.cancelRequestedAt === null) return null;
  const cancel = run.summary.cancel;
  const code = typeof cancel === "object" && cancel !== null && "reasonCode" in cancel ? cancel.reasonCode : null;
  return typeof code === "string" && isReasonCode(code) ? code : "cancelled_by_user";
}
