import type { ReasonCode } from "./result-reasons.ts";
import type { RunEvent } from "./run-lifecycle.ts";
import type { RunOutcome } from "./workflow-contract.ts";

/** What is known of an entity when its attempt ends, counted from the ledger over the whole chain. */
export interface EntityEvidence {
  entityKey: string;
  slicesTotal: number;
  slicesDone: number;
  /** What its target asks for once all slices are done, such as a swap, is not done. */
  finishPending: boolean;
  rowsWritten: number;
  /** Not loaded, since the destination could not take them as they are. The entity is complete without them. */
  rowsRejected: number;
  /** Why it could not even be planned. */
  planFailure: { reasonCode: ReasonCode; message: string } | null;
  /** In what it differs from its source, as found by a run that compares; null when in nothing. */
  difference: string | null;
}

export interface RunEvidence {
  /** A plan is recorded; without one nothing is proved. */
  planned: boolean;
  entities: EntityEvidence[];
  outcome: RunOutcome;
  /** Nothing new was looked for. */
  comparison: boolean;
  /** The reason code of a cancel that was asked for through Sluice; null when nobody asked. */
  cancelReasonCode: ReasonCode | null;
}

export interface Verdict {
  event: Extract<RunEvent, "succeed" | "end_partial" | "fail" | "acknowledge_cancel">;
  reasonCode: ReasonCode | null;
  error: string | null;
  /** Of the entities that are not complete. */
  entityCodes: ReasonCode[];
}

/** How a run ended. Success is what the evidence proves, never what the workflow says. */
export function judgeRun(evidence: RunEvidence): Verdict {
  const { outcome, entities } = evidence;
  const complete = entities.filter(isComplete);
  if (evidence.planned && complete.length === entities.length) {
    const rejected = entities.filter((entity) => entity.rowsRejected > 0);
    if (rejected.length > 0) {
      const error = rejected.map((entity) => `${entity.entityKey}: ${entity.rowsRejected} rows rejected`).join("\n");
      return { event: "end_partial", reasonCode: "rows_rejected", error, entityCodes: [] };
    }
    const rowsWritten = entities.reduce((sum, entity) => sum + entity.rowsWritten, 0);
    const reasonCode = rowsWritten === 0 && !evidence.comparison ? "no_new_data" : null;
    return { event: "succeed", reasonCode, error: null, entityCodes: [] };
  }
  const cancelReasonCode = evidence.cancelReasonCode ?? (outcome.cancelled ? "cancelled_in_backend" : null);
  // The work may have ended by itself between the asking and the stopping; then the run ends as the work did.
  if (cancelReasonCode !== null && (outcome.cancelled || hasWorkLeft(evidence))) {
    return { event: "acknowledge_cancel", reasonCode: cancelReasonCode, error: null, entityCodes: [] };
  }
  if (outcome.failure !== null) {
    const { reasonCode, message } = outcome.failure;
    return { event: "fail", reasonCode, error: message, entityCodes: [reasonCode] };
  }
  const failures = entityFailures(evidence);
  const [first] = failures;
  if (first === undefined) {
    const missing = entities.filter((entity) => !isComplete(entity)).map((entity) => entity.entityKey);
    const error = evidence.planned
      ? `The workflow ended, but the ledger does not hold all slices of ${missing.join(", ")}.`
      : "The workflow ended without a recorded plan.";
    return { event: "fail", reasonCode: "internal_error", error, entityCodes: ["internal_error"] };
  }
  const entityCodes = failures.map((failure) => failure.reasonCode);
  const error = failures.map((failure) => `${failure.entityKey}: ${failure.message}`).join("\n");
  if (complete.length > 0) return { event: "end_partial", reasonCode: "entities_failed", error, entityCodes };
  return { event: "fail", reasonCode: first.reasonCode, error, entityCodes };
}

export function isComplete(entity: EntityEvidence): boolean {
  return entity.planFailure === null && entity.slicesDone === entity.slicesTotal && !entity.finishPending;
}

function hasWorkLeft(evidence: RunEvidence): boolean {
  const failed = new Set(entityFailures(evidence).map((failure) => failure.entityKey));
  return !evidence.planned || evidence.entities.some((entity) => !isComplete(entity) && !failed.has(entity.entityKey));
}

function entityFailures(evidence: RunEvidence): { entityKey: string; reasonCode: ReasonCode; message: string }[] {
  const planned = evidence.entities.flatMap(({ entityKey, planFailure }) =>
    planFailure ? [{ entityKey, ...planFailure }] : [],
  );
  const incomplete = new Set(
    evidence.entities.filter((entity) => !isComplete(entity)).map((entity) => entity.entityKey),
  );
  const failed = evidence.outcome.entityFailures.filter((failure) => incomplete.has(failure.entityKey));
  // What kept an entity from being compared to its end may pass; then it is compared again, and its difference told.
  const different = evidence.entities.flatMap(({ entityKey, difference }) =>
    difference === null || failed.some((failure) => failure.entityKey === entityKey)
      ? []
      : [{ entityKey, reasonCode: "reconciliation_mismatch" as const, message: difference }],
  );
  return [...planned, ...failed, ...different];
}
