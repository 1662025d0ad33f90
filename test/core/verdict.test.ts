import { describe, expect, it } from "vitest";
import { mayAutoResume } from "../../core/reason-rules.ts";
import { type EntityEvidence, judgeRun, type RunEvidence } from "../../core/verdict.ts";

const complete: EntityEvidence = {
  entityKey: "orders",
  slicesTotal: 3,
  slicesDone: 3,
  finishPending: false,
  rowsWritten: 10,
  rowsRejected: 0,
  planFailure: null,
  difference: null,
};
const half: EntityEvidence = { ...complete, entityKey: "customers", slicesDone: 1 };

function evidence(
  changes: Partial<Omit<RunEvidence, "outcome">> & { outcome?: Partial<RunEvidence["outcome"]> },
): RunEvidence {
  const outcome = { cancelled: false, failure: null, entityFailures: [], resumeAt: null, ...changes.outcome };
  return { planned: true, entities: [complete], comparison: false, cancelReasonCode: null, ...changes, outcome };
}

describe("judgeRun", () => {
  it("a run succeeds when a plan is recorded and every slice of it is done", () => {
    expect(judgeRun(evidence({}))).toMatchObject({ event: "succeed", reasonCode: null });
  });

  it("a success that wrote nothing says no_new_data", () => {
    const entities = [{ ...complete, slicesTotal: 0, slicesDone: 0, rowsWritten: 0 }];
    expect(judgeRun(evidence({ entities }))).toMatchObject({ event: "succeed", reasonCode: "no_new_data" });
  });

  it("a run that compares succeeds with nothing written, and fails where an entity differs from its source", () => {
    const entities = [{ ...complete, rowsWritten: 0 }];
    expect(judgeRun(evidence({ entities, comparison: true }))).toMatchObject({ event: "succeed", reasonCode: null });
    const difference = "1 of 3 windows differ";
    expect(judgeRun(evidence({ entities: [{ ...half, difference }], comparison: true }))).toEqual({
      event: "fail",
      reasonCode: "reconciliation_mismatch",
      error: "customers: 1 of 3 windows differ",
      entityCodes: ["reconciliation_mismatch"],
    });
  });

  it("an entity that could not be compared to its end is told of by what was in the way", () => {
    const entityFailures = [{ entityKey: "customers", reasonCode: "source_timeout" as const, message: "slow" }];
    const entities = [{ ...half, difference: "1 of 3 windows differ" }];
    expect(judgeRun(evidence({ entities, comparison: true, outcome: { entityFailures } }))).toMatchObject({
      reasonCode: "source_timeout",
      entityCodes: ["source_timeout"],
    });
  });

  it("entities that are complete but for rejected rows make the run partial, and nothing of it resumes by itself", () => {
    const entities = [complete, { ...complete, entityKey: "customers", rowsWritten: 0, rowsRejected: 3 }];
    const verdict = judgeRun(evidence({ entities }));
    expect(verdict).toEqual({
      event: "end_partial",
      reasonCode: "rows_rejected",
      error: "customers: 3 rows rejected",
      entityCodes: [],
    });
    expect(mayAutoResume("partial", verdict.reasonCode, verdict.entityCodes, false)).toBe(false);
  });

  it("rejected rows are no excuse for what is missing besides", () => {
    const entities = [{ ...complete, rowsRejected: 3 }, half];
    expect(judgeRun(evidence({ entities }))).toMatchObject({ event: "fail", reasonCode: "internal_error" });
    const entityFailures = [{ entityKey: "customers", reasonCode: "source_timeout" as const, message: "slow" }];
    expect(judgeRun(evidence({ entities, outcome: { entityFailures } }))).toMatchObject({
      event: "end_partial",
      reasonCode: "entities_failed",
    });
  });

  it("a run without a recorded plan never succeeds, whatever the workflow says", () => {
    expect(judgeRun(evidence({ planned: false, entities: [] }))).toMatchObject({
      event: "fail",
      reasonCode: "internal_error",
    });
  });

  it("a slice that the ledger lacks, or a swap that did not happen, is no success", () => {
    expect(judgeRun(evidence({ entities: [half] }))).toMatchObject({ event: "fail", reasonCode: "internal_error" });
    const entities = [{ ...complete, finishPending: true }];
    expect(judgeRun(evidence({ entities }))).toMatchObject({ event: "fail", reasonCode: "internal_error" });
  });

  it("an entity that failed beside one that is complete makes the run partial, with the entity's own code kept", () => {
    const entityFailures = [{ entityKey: "customers", reasonCode: "source_timeout" as const, message: "slow" }];
    expect(judgeRun(evidence({ entities: [complete, half], outcome: { entityFailures } }))).toEqual({
      event: "end_partial",
      reasonCode: "entities_failed",
      error: "customers: slow",
      entityCodes: ["source_timeout"],
    });
  });

  it("when no entity is complete, the run fails with the first entity's code", () => {
    const entities = [{ ...half, planFailure: { reasonCode: "primary_key_missing" as const, message: "no key" } }];
    expect(judgeRun(evidence({ entities }))).toMatchObject({ event: "fail", reasonCode: "primary_key_missing" });
  });

  it("a cancel ends the run as cancelled, unless the work had ended first", () => {
    const cancelReasonCode = "cancelled_by_user" as const;
    expect(judgeRun(evidence({ entities: [half], cancelReasonCode, outcome: { cancelled: true } }))).toMatchObject({
      event: "acknowledge_cancel",
      reasonCode: "cancelled_by_user",
    });
    expect(judgeRun(evidence({ cancelReasonCode, outcome: { cancelled: true } }))).toMatchObject({ event: "succeed" });
    const entityFailures = [{ entityKey: "customers", reasonCode: "source_timeout" as const, message: "slow" }];
    expect(
      judgeRun(evidence({ entities: [complete, half], cancelReasonCode, outcome: { entityFailures } })),
    ).toMatchObject({
      event: "end_partial",
    });
  });

  it("a cancel that nobody asked Sluice for came from Temporal", () => {
    expect(judgeRun(evidence({ entities: [half], outcome: { cancelled: true } }))).toMatchObject({
      event: "acknowledge_cancel",
      reasonCode: "cancelled_in_backend",
    });
  });

  it("a failure of the run as a whole gives its own code", () => {
    const failure = { reasonCode: "run_timeout" as const, message: "too long" };
    expect(judgeRun(evidence({ entities: [complete, half], outcome: { failure } }))).toMatchObject({
      event: "fail",
      reasonCode: "run_timeout",
      error: "too long",
    });
  });
});
