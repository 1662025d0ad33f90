import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import type { Db } from "../../db/client.ts";
import { readPlannedSlice } from "../../db/planned-slices.ts";
import { type NewPlanEntity, readPlan, recordPlan } from "../../db/plans.ts";
import { admitRun } from "../../db/runs.ts";
import { useControlDatabase } from "../support/postgres.ts";
import { insertSync } from "../support/runs.ts";

let db: Db;
useControlDatabase((opened) => {
  db = opened;
});

it("has slices of any size in their order, and is read without what its parts hold", async () => {
  const syncId = await insertSync(db);
  const asked = {
    syncId,
    runMode: "incremental",
    triggeredBy: "manual",
    triggerRef: null,
    actor: "user:test",
  } as const;
  const admitted = await admitRun(db, { id: randomUUID(), ...asked });
  if (!("run" in admitted)) throw new Error("another run is active");
  const runId = admitted.run.id;
  // Of several statements, one of which is a single slice that is larger than others together.
  const sizes = [10, 3_000_000, 2_000_000, 5_000_000, 10, 10];
  const partOf = (index: number) => ({ packs: ["x".repeat(sizes[index] ?? 0)] });
  const slices = sizes.map((_, index) => ({
    ...{ stage: 0 as const, window: { by: "part" as const, part: partOf(index) }, label: `${index + 1}/6` },
  }));
  const whole = { stage: 0 as const, window: { by: "time" as const, column: "at", from: "1", to: null }, label: "1/1" };
  const entity = (entityKey: string, of: NewPlanEntity["slices"]): NewPlanEntity => ({
    ...{ entityKey, dependsOn: [], spec: {}, target: {}, slices: of, upperBound: null, cursorVersion: 0 },
    ...{ evidence: {}, reasonCode: null, error: null },
  });
  await recordPlan(db, {
    ...{ runId, rootRunId: runId, syncId, configHash: "h", frozen: null },
    entities: [entity("files", slices), entity("rows", [whole])],
  });
  const plan = await readPlan(db, runId);
  expect(plan?.slices.map(({ sliceNo, label }) => [sliceNo, label])).toEqual([
    ...slices.map(({ label }, index) => [index, label]),
    ...[[6, "1/1"]],
  ]);
  expect(plan?.slices[0]?.window).toEqual({ by: "part", part: {} });
  expect(plan?.slices[6]?.window).toEqual(whole.window);
  for (const index of slices.keys()) {
    const { window } = await readPlannedSlice(db, runId, index);
    expect(window).toEqual({ by: "part", part: partOf(index) });
  }
});
