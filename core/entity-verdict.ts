import { type ReasonCode, reasonOf } from "./result-reasons.ts";
import type { EntityFailure, RunOutcome } from "./workflow-contract.ts";

/** How each entity of a run ended, as far as plan and ledger prove it. */

/** What is known of an entity when its attempt ends, counted from the ledger over the whole chain. */
export interface EntityEvidence {
  entityKey: string;
  /** The entity whose slices load this one too, so that what stops them stops this one; null where it has slices of its own. */
  carriedBy: string | null;
  slicesTotal: number;
  slicesDone: number;
  /** Its target asks for a last step once all slices are done, such as a swap, and that step is not done. */
  finishPending: boolean;
  /** Nobody sees the entity's rows before that last step is done. */
  hiddenUntilFinish: boolean;
  /** The attempt did that last step, so that people see what earlier attempts have written as well. */
  shownByAttempt: boolean;
  rowsRead: number;
  rowsWritten: number;
  /** Rows that the destination could not take as they are. The entity is complete without them, unless `allRejected`. */
  rowsRejected: number;
  /** The scan began at the start of the entity, and not one of its rows was loaded. */
  allRejected: boolean;
  /** The first reject, for people; null without rejects. */
  firstReject: string | null;
  /** Why it was not planned: it could not be, or the run mode does not apply to it. */
  planFailure: { reasonCode: ReasonCode; message: string } | null;
  /** How it differs from its source, as found by a run that compares; null without a difference. */
  difference: string | null;
}

/**
 * `done`: all rows arrived. `partial`: all rows but the rejected ones arrived. `failed`: the reason says why. `skipped`: the run
 * mode does not apply to the entity. `stopped`: the run ended before the entity was complete.
 */
export type EntityStatus = "done" | "partial" | "failed" | "skipped" | "stopped";

export interface EntityResult {
  entityKey: string;
  status: EntityStatus;
  reasonCode: ReasonCode | null;
  error: string | null;
  /** What the attempt has written of it lies where nobody sees it. */
  hidden: boolean;
  /** Rows that the attempt has brought to light; absent where these are those that it has written. */
  rowsShown?: number;
}

/** What ended the run as a whole, and so also the entities that were not complete by then; null where nothing did. */
export type RunStop = { status: "failed" | "stopped"; reasonCode: ReasonCode; error: string | null } | null;

export function isSkipped({ planFailure }: EntityEvidence): boolean {
  return planFailure !== null && reasonOf(planFailure.reasonCode).resultClass === "skipped";
}

export function isComplete(entity: EntityEvidence): boolean {
  return hasEnded(entity) && !entity.allRejected;
}

function hasEnded(entity: EntityEvidence): boolean {
  return entity.planFailure === null && entity.slicesDone === entity.slicesTotal && !entity.finishPending;
}

/** One for each entity that failed by itself, in the order of the plan. */
export function entityFailures(entities: readonly EntityEvidence[], outcome: RunOutcome): EntityFailure[] {
  return entities.flatMap((entity) => {
    const failure = failureOf(entity, outcome);
    return failure === null ? [] : [failure];
  });
}

function failureOf(entity: EntityEvidence, outcome: RunOutcome): EntityFailure | null {
  const { entityKey, carriedBy, planFailure, difference } = entity;
  if (isComplete(entity) || isSkipped(entity)) return null;
  if (planFailure !== null) return { entityKey, ...planFailure };
  // What kept an entity from being compared to its end may pass. Then it is compared again, and its difference is told.
  const failed = outcome.entityFailures.find((each) => each.entityKey === (carriedBy ?? entityKey));
  if (failed) return { ...failed, entityKey };
  if (difference !== null) return { entityKey, reasonCode: "reconciliation_mismatch", message: difference };
  if (!hasEnded(entity)) return null;
  return { entityKey, reasonCode: "reject_threshold_exceeded", message: tellAllRejected(entity) };
}

function tellAllRejected({ rowsRead, firstReject }: EntityEvidence): string {
  const first = firstReject === null ? "" : ` The first reject: ${firstReject}.`;
  return `All ${rowsRead} rows were rejected, so nothing was loaded.${first} Correct the cause and trigger the sync again: the next run reads these rows again.`;
}

export function judgeEntity(entity: EntityEvidence, { outcome, stop }: { outcome: RunOutcome; stop: RunStop }) {
  const { entityKey, planFailure } = entity;
  const hidden = entity.finishPending && entity.hiddenUntilFinish;
  const result = (status: EntityStatus, reasonCode: ReasonCode | null, error: string | null): EntityResult => ({
    ...{ entityKey, status, reasonCode, error, hidden },
    ...(entity.shownByAttempt ? { rowsShown: entity.rowsWritten } : {}),
  });
  if (planFailure !== null && isSkipped(entity)) return result("skipped", planFailure.reasonCode, planFailure.message);
  if (isComplete(entity)) {
    return entity.rowsRejected === 0
      ? result("done", null, null)
      : result("partial", "rows_rejected", tellRejected(entity));
  }
  const failure = failureOf(entity, outcome);
  if (failure !== null) return result("failed", failure.reasonCode, failure.message);
  if (stop !== null) return result(stop.status, stop.reasonCode, stop.error);
  return result("stopped", null, "The run ended before this entity was complete.");
}

/** An entity of a run that ended without a plan. */
export function judgeUnplanned(entityKey: string, stop: NonNullable<RunStop>): EntityResult {
  return { entityKey, ...stop, hidden: false };
}

export function tellRejected({ rowsRejected }: EntityEvidence): string {
  return `${rowsRejected} ${rowsRejected === 1 ? "row" : "rows"} rejected`;
}
