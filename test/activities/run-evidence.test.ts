import { describe, expect, it } from "vitest";
import { contiguousCursor } from "../../activities/run-evidence.ts";
import type { Plan, PlanSliceRow } from "../../db/plans.ts";
import type { LedgerSlice } from "../../destinations/destination.ts";

const PLAN_ID = "0196a000-0000-7000-8000-000000000001";
const days = ["2026-01-01", "2026-01-02", "2026-01-03", null];

/** Three windows of a day; the last is open. */
const slices = days.slice(0, 3).map(
  (from, sliceNo): PlanSliceRow => ({
    planId: PLAN_ID,
    entityKey: "orders",
    window: { by: "time", column: "at", from, to: days[sliceNo + 1] ?? null },
    ...{ sliceNo, stage: 0, label: "" },
  }),
);

function planOf(target: Record<string, unknown>, changes: Partial<Plan["entities"][number]> = {}): Plan {
  return {
    ...{
      id: PLAN_ID,
      rootRunId: PLAN_ID,
      syncId: PLAN_ID,
      configHash: "",
      frozen: null,
      createdAt: new Date(),
      slices,
    },
    entities: [
      {
        ...{ planId: PLAN_ID, entityKey: "orders", ordinal: 0, dependsOn: [], spec: {}, evidence: {}, target },
        ...{
          leadKey: null,
          childOf: null,
          readSpec: null,
          upperBound: "2026-01-04",
          cursorVersion: 0,
          swappedAt: null,
          reasonCode: null,
          error: null,
        },
        ...changes,
      },
    ],
  };
}

const done = (...sliceNos: number[]) =>
  sliceNos.map(
    (sliceNo): LedgerSlice => ({
      ...{ sliceNo, entityKey: "orders", done: true, attempt: 1, checkpoint: null },
      ...{ rowsRead: 1, rowsWritten: 1, rowsRejected: 0, rowsDeleted: 0, tables: null, finish: null },
    }),
  );

const orders = { entityKey: "orders", runMode: "incremental" } as const;

describe("the cursor of an entity that is not complete", () => {
  it("moves to the end of the windows that are done without a gap", () => {
    expect(contiguousCursor(planOf({ swap: false }), done(0, 1), orders)).toBe("2026-01-03");
    expect(contiguousCursor(planOf({ swap: false }), done(0, 2), orders)).toBe("2026-01-02");
    expect(contiguousCursor(planOf({ swap: false }), done(1, 2), orders)).toBeNull();
  });

  it("stays while its rows lie beside the table: the next chain would never read them again", () => {
    expect(contiguousCursor(planOf({ swap: true }), done(0, 1), orders)).toBeNull();
  });

  it("stays where it was when a scan of everything stops on its way: its first windows lie long before", () => {
    const scan = { entityKey: "orders", runMode: "full_refresh" } as const;
    const moved = planOf({ swap: false }, { cursorVersion: 3 });
    expect(contiguousCursor(moved, done(0, 1), scan)).toBeNull();
    expect(contiguousCursor(moved, done(0, 1), orders)).toBe("2026-01-03");
    const reset = planOf({ swap: false }, { cursorVersion: 3, evidence: { cursorResetBy: "user:ann" } });
    expect(contiguousCursor(reset, done(0, 1), scan)).toBe("2026-01-03");
    expect(contiguousCursor(planOf({ swap: false }), done(0, 1), scan)).toBe("2026-01-03");
  });
});
