import { describe, expect, it } from "vitest";
import type { Db } from "../../db/client.ts";
import { bindPlan, markSwapped, recordPlan } from "../../db/plans.ts";
import { endSlice, flushProgress, startSlice } from "../../db/run-slices.ts";
import { getRun } from "../../db/runs.ts";
import { FINISH_NAMES } from "../../destinations/stored-target.ts";
import { useControlDatabase } from "../support/postgres.ts";
import { admit, begin, insertSync } from "../support/runs.ts";

const ORDERS = "public.orders";

/** While a run works, an entity is `done` only where nothing is left that may fail. */
describe("an entity of a run at work", () => {
  let db: Db;
  let runId: string;

  useControlDatabase((opened) => {
    db = opened;
  });

  async function beginOn(target: object, base = { rowsRead: 0, rowsWritten: 0, rowsRejected: 0 }): Promise<void> {
    const syncId = await insertSync(db);
    runId = (await begin(db, (await admit(db, syncId)).id)).id;
    const slices = [{ stage: 0 as const, window: { by: "none" as const }, label: "1/1" }];
    const entity = { entityKey: ORDERS, dependsOn: [], spec: {}, target, slices };
    await recordPlan(db, {
      ...{ runId, rootRunId: runId, syncId, configHash: "a", frozen: null },
      entities: [{ ...entity, upperBound: null, cursorVersion: 0, evidence: {}, reasonCode: null, error: null }],
    });
    const committed = [{ sliceNo: 0, done: false, ...base, rowsDeleted: 0, tables: null }];
    await bindPlan(db, { runId, planId: runId, committed, replanned: false });
    await startSlice(db, { runId, sliceNo: 0 });
  }

  async function moveAll(moved: { rowsRead: number; rowsWritten: number; rowsRejected: number }): Promise<void> {
    await flushProgress(db, [{ runId, sliceNo: 0, bytesRead: 1, rowsDeleted: 0, ...moved }], [runId], "test");
    await endSlice(db, { runId, sliceNo: 0 });
    await flushProgress(db, [], [runId], "test");
  }

  const status = async () => (await getRun(db, runId)).summary.entities;
  const LOADED = { rowsRead: 5, rowsWritten: 5, rowsRejected: 0 };

  it("is done when its slices are, where nothing is left to do", async () => {
    await beginOn({});
    await moveAll(LOADED);
    expect(await status()).toMatchObject({ [ORDERS]: { status: "done", rows: 5 } });
  });

  it.each(FINISH_NAMES)("is not done while its %s is left to do", async (finish) => {
    await beginOn({ finish });
    await moveAll(LOADED);
    expect(await status()).toMatchObject({ [ORDERS]: { status: "running" } });
  });

  it("is done when it was swapped in", async () => {
    await beginOn({ swap: true });
    await moveAll(LOADED);
    await markSwapped(db, { planId: runId, entityKey: ORDERS });
    await flushProgress(db, [], [runId], "test");
    expect(await status()).toMatchObject({ [ORDERS]: { status: "done" } });
  });

  it("is not done when every row was rejected, in this attempt and before", async () => {
    await beginOn({}, { rowsRead: 3, rowsWritten: 0, rowsRejected: 3 });
    await moveAll({ rowsRead: 5, rowsWritten: 0, rowsRejected: 5 });
    expect(await status()).toMatchObject({ [ORDERS]: { status: "running" } });
  });

  it("is done when an earlier attempt has loaded some of its rows", async () => {
    await beginOn({}, { rowsRead: 3, rowsWritten: 3, rowsRejected: 0 });
    await moveAll({ rowsRead: 5, rowsWritten: 0, rowsRejected: 5 });
    expect(await status()).toMatchObject({ [ORDERS]: { status: "done" } });
  });
});
