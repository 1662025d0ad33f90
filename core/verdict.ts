import {
  type EntityEvidence,
  type EntityResult,
  entityFailures,
  isComplete,
  isSkipped,
  judgeEntity,
  judgeUnplanned,
  type RunStop,
  tellRejected,
} from "./entity-verdict.ts";
import type { ReasonCode } from "./result-reasons.ts";
import type { RunEvent } from "./run-lifecycle.ts";
import type { RunOutcome } from "./workflow-contract.ts";

export interface RunEvidence {
  /** A plan is recorded; without one nothing is proved. */
  planned: boolean;
  entities: EntityEvidence[];
  /** Entities that the run was for, where no plan is recorded. */
  unplanned: string[];
  outcome: RunOutcome;
  /** Nothing new was looked for. */
  comparison: boolean;
  /** The reason code of a cancel that was asked for through Sluice; null when nobody asked. */
  cancelReasonCode: ReasonCode | null;
}

type Ending = {
  event: Extract<RunEvent, "succeed" | "end_partial" | "fail" | "acknowledge_cancel">;
  reasonCode: ReasonCode | null;
  error: string | null;
  /** Of the entities that failed. */
  entityCodes: ReasonCode[];
};

export interface Verdict extends Ending {
  /** How each entity ended, which agrees with how the run did. */
  entities: EntityResult[];
}

/** How a run ended. Success is what the evidence proves, never what the workflow says. */
export function judgeRun(evidence: RunEvidence): Verdict {
  const ending = endingOf(evidence);
  const { outcome } = evidence;
  const stop = stopOf(evidence, ending);
  const unplanned: NonNullable<RunStop> = stop ?? {
    status: "failed",
    reasonCode: ending.reasonCode ?? "internal_error",
    error: ending.error,
  };
  return {
    ...ending,
    entities: [
      ...evidence.entities.map((entity) => judgeEntity(entity, { outcome, stop })),
      ...evidence.unplanned.map((entityKey) => judgeUnplanned(entityKey, unplanned)),
    ],
  };
}

function endingOf(evidence: RunEvidence): Ending {
  const { outcome, entities } = evidence;
  const complete = entities.filter(isComplete);
  const skipped = entities.filter(isSkipped);
  if (evidence.planned && complete.length + skipped.length === entities.length && skipped.length < entities.length) {
    return endComplete(evidence, complete, skipped);
  }
  const cancelReasonCode = cancelOf(evidence);
  // The work may have ended by itself between the asking and the stopping; then the run ends as the work did.
  if (cancelReasonCode !== null && (outcome.cancelled || hasWorkLeft(evidence))) {
    return { event: "acknowledge_cancel", reasonCode: cancelReasonCode, error: null, entityCodes: [] };
  }
  if (outcome.failure !== null) {
    const { reasonCode, message } = outcome.failure;
    return { event: "fail", reasonCode, error: message, entityCodes: [reasonCode] };
  }
  const failures = entityFailures(entities, outcome);
  const [first] = failures;
  if (first === undefined) return endUnproved(evidence, skipped);
  const entityCodes = failures.map((failure) => failure.reasonCode);
  const error = lines([
    ...failures.map(({ entityKey, message }) => [entityKey, message] as const),
    ...skipped.map(skipOf),
  ]);
  if (complete.length > 0) return { event: "end_partial", reasonCode: "entities_failed", error, entityCodes };
  return { event: "fail", reasonCode: first.reasonCode, error, entityCodes };
}

/** All entities that the run mode applies to are complete. */
function endComplete(
  { comparison }: RunEvidence,
  complete: readonly EntityEvidence[],
  skipped: readonly EntityEvidence[],
): Ending {
  const rejected = complete.filter((entity) => entity.rowsRejected > 0);
  if (skipped.length > 0 || rejected.length > 0) {
    const reasonCode = skipped.length > 0 ? "entities_skipped" : "rows_rejected";
    const told = [
      ...rejected.map((entity) => [entity.entityKey, tellRejected(entity)] as const),
      ...skipped.map(skipOf),
    ];
    return { event: "end_partial", reasonCode, error: lines(told), entityCodes: [] };
  }
  const rowsWritten = complete.reduce((sum, entity) => sum + entity.rowsWritten, 0);
  const reasonCode = rowsWritten === 0 && !comparison ? "no_new_data" : null;
  return { event: "succeed", reasonCode, error: null, entityCodes: [] };
}

/** Nothing failed, and yet the run is not complete. */
function endUnproved({ planned, entities }: RunEvidence, skipped: readonly EntityEvidence[]): Ending {
  if (skipped.length > 0 && skipped.length === entities.length) {
    return { event: "fail", reasonCode: "config_invalid", error: lines(skipped.map(skipOf)), entityCodes: [] };
  }
  const missing = entities.filter((entity) => !isComplete(entity) && !isSkipped(entity));
  const error = planned
    ? `The workflow ended, but the ledger does not hold all slices of ${missing.map(({ entityKey }) => entityKey).join(", ")}.`
    : "The workflow ended without a recorded plan.";
  return { event: "fail", reasonCode: "internal_error", error, entityCodes: ["internal_error"] };
}

/** What kept the entities from being complete that did not fail by themselves. */
function stopOf({ outcome, entities }: RunEvidence, { event, reasonCode, error }: Ending): RunStop {
  if (reasonCode === null) return null;
  if (event === "acknowledge_cancel") return { status: "stopped", reasonCode, error: null };
  const failedAsWhole = outcome.failure !== null || entityFailures(entities, outcome).length === 0;
  return event === "fail" && failedAsWhole ? { status: "failed", reasonCode, error } : null;
}

function cancelOf({ cancelReasonCode, outcome }: RunEvidence): ReasonCode | null {
  return cancelReasonCode ?? (outcome.cancelled ? "cancelled_in_backend" : null);
}

function hasWorkLeft({ planned, entities, outcome }: RunEvidence): boolean {
  const failed = new Set(entityFailures(entities, outcome).map(({ entityKey }) => entityKey));
  return (
    !planned || entities.some((entity) => !isComplete(entity) && !isSkipped(entity) && !failed.has(entity.entityKey))
  );
}

function skipOf({ entityKey, planFailure }: EntityEvidence): readonly [string, string] {
  return [entityKey, planFailure?.message ?? ""];
}

/** A line for each entity. Most messages begin with the entity that they are about. */
function lines(told: readonly (readonly [string, string])[]): string {
  return told
    .map(([entityKey, message]) => (message.startsWith(`${entityKey} `) ? message : `${entityKey}: ${message}`))
    .join("\n");
}
