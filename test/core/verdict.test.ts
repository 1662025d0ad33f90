import { describe, expect, test } from "vitest";
import { type EntityEvidence, judgeRun, type RunEvidence } from "../../core/verdict.ts";
import type { RunOutcome } from "../../core/workflow-contract.ts";

const QUIET: RunOutcome = { cancelled: false, failure: null, entityFailures: [], resumeAt: null };

function entity(entityKey: string, evidence: Partial<EntityEvidence> = {}): EntityEvidence {
  return {
    entityKey,
    slicesTotal: 3,
    slicesDone: 3,
    swapPending: false,
    rowsWritten: 10,
    planFailure: null,
    ...evidence,
  };
}

function judge(evidence: Partial<RunEvidence>) {
  return judgeRun({ planned: true, entities: [], outcome: QUIET, cancelReasonCode: null, ...evidence });
}

const timedOut = { entityKey: "orders", reasonCode: "source_timeout", message: "The source took too long." } as const;

describe("the verdict on a run", () => {
  test("is success when a plan is recorded and the ledger holds every slice of it", () => {
    expect(judge({ entities: [entity("orders"), entity("items")] })).toEqual({
      event: "succeed",
      reasonCode: null,
      error: null,
      entityCodes: [],
    });
  });

  test("is no_new_data when all is done and nothing was written", () => {
    const idle = [
      entity("orders", { slicesTotal: 0, slicesDone: 0, rowsWritten: 0 }),
      entity("items", { rowsWritten: 0 }),
    ];
    expect(judge({ entities: idle })).toMatchObject({ event: "succeed", reasonCode: "no_new_data" });
  });

  test.each([
    { what: "a slice is missing", evidence: { entities: [entity("orders", { slicesDone: 2 })] }, names: "orders" },
    {
      what: "a beside-table waits to be swapped in",
      evidence: { entities: [entity("orders", { swapPending: true })] },
      names: "orders",
    },
    { what: "no plan is recorded", evidence: { planned: false, entities: [entity("orders")] }, names: "plan" },
    { what: "there is no plan and no entity", evidence: { planned: false }, names: "plan" },
  ])("is never success by the workflow's word alone: $what", ({ evidence, names }) => {
    const verdict = judge(evidence);
    expect(verdict).toMatchObject({ event: "fail", reasonCode: "internal_error", entityCodes: ["internal_error"] });
    expect(verdict.error).toContain(names);
  });

  test("is partial when an entity failed and another is complete", () => {
    const verdict = judge({
      entities: [entity("orders", { slicesDone: 1 }), entity("items")],
      outcome: { ...QUIET, entityFailures: [timedOut] },
    });
    expect(verdict).toEqual({
      event: "end_partial",
      reasonCode: "entities_failed",
      error: "orders: The source took too long.",
      entityCodes: ["source_timeout"],
    });
  });

  test("is the entity's own failure when nothing is complete", () => {
    const verdict = judge({
      entities: [entity("orders", { slicesDone: 0 })],
      outcome: { ...QUIET, entityFailures: [timedOut] },
    });
    expect(verdict).toMatchObject({ event: "fail", reasonCode: "source_timeout", entityCodes: ["source_timeout"] });
  });

  test("counts an entity that could not be planned as failed", () => {
    const planFailure = { reasonCode: "source_resource_not_found", message: "shop.gone does not exist." } as const;
    const gone = entity("gone", { slicesTotal: 0, slicesDone: 0, rowsWritten: 0, planFailure });
    expect(judge({ entities: [gone, entity("orders")] })).toMatchObject({
      event: "end_partial",
      entityCodes: ["source_resource_not_found"],
    });
    expect(judge({ entities: [gone] })).toMatchObject({ event: "fail", reasonCode: "source_resource_not_found" });
  });

  test("forgets a reported failure of an entity that the ledger shows complete: its last answer was lost", () => {
    const verdict = judge({ entities: [entity("orders")], outcome: { ...QUIET, entityFailures: [timedOut] } });
    expect(verdict).toMatchObject({ event: "succeed", reasonCode: null });
  });

  test("names the failure of the run as a whole", () => {
    const failure = { reasonCode: "run_timeout", message: "The run took longer than allowed." } as const;
    const entities = [entity("orders", { slicesDone: 1 })];
    expect(judge({ entities, outcome: { ...QUIET, failure } })).toEqual({
      event: "fail",
      reasonCode: "run_timeout",
      error: failure.message,
      entityCodes: ["run_timeout"],
    });
  });
});

describe("the verdict on a run that was to be cancelled", () => {
  const halfDone = [entity("orders", { slicesDone: 1 })];

  test.each([
    {
      who: "someone through Sluice",
      cancelReasonCode: "cancelled_by_user",
      cancelled: true,
      expected: "cancelled_by_user",
    },
    { who: "someone in Temporal", cancelReasonCode: null, cancelled: true, expected: "cancelled_in_backend" },
    {
      who: "Sluice, before the workflow heard",
      cancelReasonCode: "cancelled_sync_inactive",
      cancelled: false,
      expected: "cancelled_sync_inactive",
    },
  ] as const)("is cancelled, by $who", ({ cancelReasonCode, cancelled, expected }) => {
    expect(judge({ entities: halfDone, cancelReasonCode, outcome: { ...QUIET, cancelled } })).toEqual({
      event: "acknowledge_cancel",
      reasonCode: expected,
      error: null,
      entityCodes: [],
    });
  });

  test("is success when the last slice was committed before the cancel was heard", () => {
    expect(
      judge({
        entities: [entity("orders")],
        cancelReasonCode: "cancelled_by_user",
        outcome: { ...QUIET, cancelled: true },
      }),
    ).toMatchObject({ event: "succeed" });
  });

  test("is the failure when the work had already failed and nothing was left to stop", () => {
    expect(
      judge({
        entities: halfDone,
        cancelReasonCode: "cancelled_by_user",
        outcome: { ...QUIET, entityFailures: [timedOut] },
      }),
    ).toMatchObject({ event: "fail", reasonCode: "source_timeout" });
  });
});
