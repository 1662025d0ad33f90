import { describe, expect, it } from "vitest";
import type { EntityEvidence, EntityResult } from "../../core/entity-verdict.ts";
import { mayAutoResume } from "../../core/reason-rules.ts";
import type { ReasonCode } from "../../core/result-reasons.ts";
import { judgeRun, type RunEvidence, type Verdict } from "../../core/verdict.ts";

const complete: EntityEvidence = {
  carriedBy: null,
  entityKey: "orders",
  slicesTotal: 3,
  slicesDone: 3,
  finishPending: false,
  hiddenUntilFinish: false,
  shownByAttempt: false,
  rowsRead: 10,
  rowsWritten: 10,
  rowsRejected: 0,
  allRejected: false,
  firstReject: null,
  planFailure: null,
  difference: null,
};
const half: EntityEvidence = { ...complete, entityKey: "customers", slicesDone: 1 };

function evidence(
  changes: Partial<Omit<RunEvidence, "outcome">> & { outcome?: Partial<RunEvidence["outcome"]> },
): RunEvidence {
  const outcome = { cancelled: false, failure: null, entityFailures: [], resumeAt: null, ...changes.outcome };
  return {
    planned: true,
    entities: [complete],
    unplanned: [],
    comparison: false,
    cancelReasonCode: null,
    ...changes,
    outcome,
  };
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
    expect(judgeRun(evidence({ entities: [{ ...half, difference }], comparison: true }))).toMatchObject({
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
    expect(verdict).toMatchObject({
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
    expect(judgeRun(evidence({ entities: [complete, half], outcome: { entityFailures } }))).toMatchObject({
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

describe("how each entity of a run ended", () => {
  const guarded = { ...half, slicesDone: 3, finishPending: true, hiddenUntilFinish: true };
  const stoppedBy = (reasonCode: ReasonCode, message: string) => ({
    entityFailures: [{ entityKey: "customers", reasonCode, message }],
  });
  const timeout = { reasonCode: "run_timeout" as const, message: "too long" };
  const keyless = { reasonCode: "primary_key_missing" as const, message: "no key" };
  const different = "1 of 3 windows differ";
  const skip = { reasonCode: "skipped_not_comparable" as const, message: "customers is not compared" };
  const allRejected = { ...complete, entityKey: "customers", ...{ rowsRead: 7, rowsWritten: 0, rowsRejected: 7 } };

  it.each<{
    what: string;
    customers: EntityEvidence;
    run?: Parameters<typeof evidence>[0];
    ends: Partial<EntityResult>;
    event: Verdict["event"];
  }>([
    {
      what: "its slices and its last step are done",
      customers: { ...complete, entityKey: "customers" },
      ends: { status: "done", reasonCode: null, error: null, hidden: false },
      event: "succeed",
    },
    {
      what: "some of its rows were rejected",
      customers: { ...complete, entityKey: "customers", rowsRejected: 1 },
      ends: { status: "partial", reasonCode: "rows_rejected", error: "1 row rejected" },
      event: "end_partial",
    },
    {
      what: "all of its rows were rejected",
      customers: { ...allRejected, allRejected: true, firstReject: "column id: it is null" },
      ends: {
        status: "failed",
        reasonCode: "reject_threshold_exceeded",
        error: expect.stringMatching(/^All 7 rows were rejected.* column id: it is null\./),
      },
      event: "end_partial",
    },
    {
      what: "the few rows behind its cursor were all rejected",
      customers: allRejected,
      ends: { status: "partial", reasonCode: "rows_rejected" },
      event: "end_partial",
    },
    {
      what: "a guard stopped its swap",
      customers: guarded,
      run: { outcome: stoppedBy("unexpected_zero_rows", "none came") },
      ends: { status: "failed", reasonCode: "unexpected_zero_rows", error: "none came", hidden: true },
      event: "end_partial",
    },
    {
      what: "a guard stopped the marking of deleted rows",
      customers: { ...guarded, hiddenUntilFinish: false },
      run: { outcome: stoppedBy("delete_guard_tripped", "too many") },
      ends: { status: "failed", reasonCode: "delete_guard_tripped", hidden: false },
      event: "end_partial",
    },
    {
      what: "one of its slices failed and the others are done",
      customers: half,
      run: { outcome: stoppedBy("source_timeout", "slow") },
      ends: { status: "failed", reasonCode: "source_timeout", error: "slow" },
      event: "end_partial",
    },
    {
      what: "a failure that an attempt met was overcome before the run ended",
      customers: { ...complete, entityKey: "customers" },
      run: { outcome: stoppedBy("source_timeout", "slow") },
      ends: { status: "done", reasonCode: null },
      event: "succeed",
    },
    {
      what: "it could not be planned",
      customers: { ...half, slicesTotal: 0, slicesDone: 0, planFailure: keyless },
      ends: { status: "failed", reasonCode: "primary_key_missing", error: "no key" },
      event: "end_partial",
    },
    {
      what: "it differs from its source",
      customers: { ...half, difference: different },
      run: { comparison: true },
      ends: { status: "failed", reasonCode: "reconciliation_mismatch", error: different },
      event: "end_partial",
    },
    {
      what: "the run mode does not apply to it",
      customers: { ...half, slicesTotal: 0, slicesDone: 0, planFailure: skip },
      run: { comparison: true },
      ends: { status: "skipped", reasonCode: "skipped_not_comparable", error: skip.message },
      event: "end_partial",
    },
    {
      what: "the run was cancelled on its way",
      customers: half,
      run: { cancelReasonCode: "cancelled_by_user", outcome: { cancelled: true } },
      ends: { status: "stopped", reasonCode: "cancelled_by_user", error: null },
      event: "acknowledge_cancel",
    },
    {
      what: "the run was cancelled before its swap",
      customers: guarded,
      run: { cancelReasonCode: "cancelled_by_user", outcome: { cancelled: true } },
      ends: { status: "stopped", reasonCode: "cancelled_by_user", hidden: true },
      event: "acknowledge_cancel",
    },
    {
      what: "the run failed as a whole",
      customers: { ...half, slicesDone: 0 },
      run: { outcome: { failure: timeout } },
      ends: { status: "failed", reasonCode: "run_timeout", error: "too long" },
      event: "fail",
    },
    {
      what: "the workflow says it is done and the ledger does not",
      customers: half,
      ends: { status: "failed", reasonCode: "internal_error" },
      event: "fail",
    },
  ])("$what: $ends.status", ({ customers, run, ends, event }) => {
    const verdict = judgeRun(evidence({ entities: [complete, customers], ...run }));
    expect(verdict.event).toBe(event);
    expect(verdict.entities).toEqual([
      { entityKey: "orders", status: "done", reasonCode: null, error: null, hidden: false },
      expect.objectContaining({ entityKey: "customers", ...ends }),
    ]);
  });

  it("beside an entity that failed, one that the run no longer came to is stopped", () => {
    const third = { ...half, entityKey: "lines" };
    const outcome = stoppedBy("source_timeout", "slow");
    const { event, entities } = judgeRun(evidence({ entities: [half, third], outcome }));
    expect(event).toBe("fail");
    expect(entities.map(({ status, reasonCode }) => [status, reasonCode])).toEqual([
      ["failed", "source_timeout"],
      ["stopped", null],
    ]);
  });

  it("without a plan every entity that the run was for tells why there is none", () => {
    const never = { planned: false, entities: [], unplanned: ["orders", "customers"] };
    const failed = judgeRun(evidence({ ...never, outcome: { failure: timeout } }));
    expect(failed.entities.map(({ entityKey, status, reasonCode }) => [entityKey, status, reasonCode])).toEqual([
      ["orders", "failed", "run_timeout"],
      ["customers", "failed", "run_timeout"],
    ]);
    const cancelled = judgeRun(evidence({ ...never, outcome: { cancelled: true } }));
    expect(cancelled.entities).toContainEqual(expect.objectContaining({ entityKey: "orders", status: "stopped" }));
  });

  it("a run that skipped an entity is partial, one that skipped all of them fails", () => {
    const skipped = { ...half, slicesTotal: 0, slicesDone: 0, planFailure: skip };
    expect(judgeRun(evidence({ entities: [complete, skipped], comparison: true }))).toMatchObject({
      ...{ event: "end_partial", reasonCode: "entities_skipped", error: skip.message, entityCodes: [] },
    });
    expect(judgeRun(evidence({ entities: [skipped], comparison: true }))).toMatchObject({
      ...{ event: "fail", reasonCode: "config_invalid", error: skip.message },
    });
  });

  it("no run succeeds while one of its entities is not done", () => {
    const ways = [half, guarded, { ...half, planFailure: skip }, { ...allRejected, allRejected: true }, allRejected];
    for (const customers of ways) {
      expect(judgeRun(evidence({ entities: [complete, customers] })).event).not.toBe("succeed");
    }
  });
});
