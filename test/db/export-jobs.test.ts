import { sql } from "kysely";
import { beforeEach, describe, expect, it } from "vitest";
import type { Db } from "../../db/client.ts";
import { deleteConnection } from "../../db/connections.ts";
import {
  endAbandonedJob,
  endJobsOfSlice,
  findAbandonedJob,
  findForgottenJobs,
  hasJobToCancel,
  noteExportJob,
  noteFailedCancel,
  takeAbandonedJobs,
} from "../../db/export-jobs.ts";
import { bindPlan, recordPlan } from "../../db/plans.ts";
import { openNextAttempt } from "../../db/run-chains.ts";
import { listEvents } from "../../db/run-events.ts";
import { endSlice } from "../../db/run-slices.ts";
import { endRun, type RunRow, requestCancel } from "../../db/runs.ts";
import { useControlDatabase } from "../support/postgres.ts";
import { admit, begin, insertSync } from "../support/runs.ts";

describe("a job at a source", () => {
  let db: Db;
  let run: RunRow;

  useControlDatabase((opened) => {
    db = opened;
  });
  beforeEach(async () => {
    await db.deleteFrom("exportJobs").execute();
    const { id } = await admit(db, await insertSync(db));
    run = await begin(db, id);
    await plan(id);
    await bindPlan(db, { runId: id, planId: id, committed: [], replanned: false });
    await note("job-1");
  });

  async function plan(runId: string): Promise<void> {
    const slices = [{ stage: 0 as const, window: { by: "none" as const }, label: "1/1" }];
    const entity = { entityKey: "orders", dependsOn: [], spec: {}, target: {}, slices };
    const planned = { ...entity, upperBound: null, cursorVersion: 0, evidence: {}, reasonCode: null, error: null };
    const { attemptRootRunId: rootRunId, syncId } = run;
    await recordPlan(db, { runId, rootRunId, syncId, configHash: "a", frozen: null, entities: [planned] });
  }
  async function note(ref: string): Promise<void> {
    const { connectionId } = await db
      .selectFrom("syncs")
      .select("connectionId")
      .where("id", "=", run.syncId)
      .executeTakeFirstOrThrow();
    const job = { ref, kind: "export", madeTimes: 1, madeAt: new Date().toISOString() };
    const slice = { planId: run.id, sliceNo: 0, entityKey: "orders" };
    await noteExportJob(db, { runId: run.id, connectionId, ...slice, job });
  }
  const fail = () =>
    endRun(db, {
      ...{ runId: run.id, event: "fail", reasonCode: "workflow_terminated", error: null },
      ...{ slicesTotal: 1, slicesDone: 0, summary: {}, fenced: true },
    });
  const openNext = () =>
    openNextAttempt(db, {
      ...{ id: crypto.randomUUID(), previous: run, runMode: "incremental", triggeredBy: "auto_resume" },
      ...{ actor: "system:test", delaySeconds: 60, summary: {} },
    });
  const hurry = () => sql`update export_jobs set next_try_at = now()`.execute(db);
  /** The refs of those that are taken now. */
  async function take(): Promise<string[]> {
    const taken = await takeAbandonedJobs(db, 10);
    const rows = await Promise.all(taken.map(({ id }) => findAbandonedJob(db, id)));
    return rows.map((row) => row?.job.ref ?? "");
  }

  it("is waited for while its run works, and while the next attempt is still to come", async () => {
    expect(await take()).toEqual([]);
    await fail();
    const next = await openNext();
    expect(await take()).toEqual([]);
    // It ends without ever having begun.
    await requestCancel(db, { runId: next?.id ?? "", actor: "user:test", reason: null });
    expect(await take()).toEqual(["job-1"]);
  });

  it("is taken again after a pause, until it has ended, which its run's events tell once", async () => {
    await fail();
    expect(await take()).toEqual(["job-1"]);
    expect(await take()).toEqual([]);
    await hurry();
    const [job] = await takeAbandonedJobs(db, 10);
    expect(job).toMatchObject({ taskQueue: "sluice" });
    const row = await findAbandonedJob(db, job?.id ?? "");
    if (row === null) throw new Error("the job is not open");
    await endAbandonedJob(db, row, { outcome: "cancelled" });
    await endAbandonedJob(db, row, { outcome: "left", error: "too late" });
    await hurry();
    expect(await take()).toEqual([]);
    const { events } = await listEvents(db, { runId: run.id, after: 0, limit: 100 });
    const told = events.filter(({ kind }) => kind.startsWith("source."));
    expect(told).toMatchObject([{ kind: "source.job_cancelled", data: { entityKey: "orders", jobKind: "export" } }]);
  });

  it("keeps its connection until it was tried to cancel it, and for two minutes at most", async () => {
    const { connectionId } = await db.selectFrom("exportJobs").select("connectionId").executeTakeFirstOrThrow();
    const { syncId } = run;
    const isKept = () => hasJobToCancel(db, connectionId);
    await db.updateTable("syncs").set({ deletedAt: new Date() }).where("id", "=", syncId).execute();
    expect(await isKept()).toBe(true);
    expect(await deleteConnection(db, connectionId, "user:test")).toMatchObject({ usedBy: [], hasJob: true });
    const ago = sql<Date>`now() - interval '3 minutes'`;
    await db.updateTable("syncs").set({ deletedAt: ago }).where("id", "=", syncId).execute();
    expect(await isKept()).toBe(false);
    await fail();
    expect(await isKept()).toBe(true);
    const { id } = await db.selectFrom("exportJobs").select("id").executeTakeFirstOrThrow();
    await noteFailedCancel(db, id, "the source is away");
    expect(await deleteConnection(db, connectionId, "user:test")).toMatchObject({ hasJob: false });
  });

  it("is of no use where the slice has another one, or the chain another plan", async () => {
    await note("job-2");
    expect(await take()).toEqual(["job-1"]);
    await fail();
    const next = await openNext();
    await begin(db, next?.id ?? "");
    expect(await take()).toEqual([]);
    await plan(next?.id ?? "");
    expect(await take()).toEqual(["job-2"]);
  });

  it("whose slice is done is not cancelled, also where its worker died before it could say so", async () => {
    await endSlice(db, { runId: run.id, sliceNo: 0 });
    await fail();
    expect(await take()).toEqual([]);
    const outcomes = await db.selectFrom("exportJobs").select("outcome").where("runId", "=", run.id).execute();
    expect(outcomes).toEqual([{ outcome: "used" }]);
  });

  it("that was given up is cancelled, also where the slice is done with another one", async () => {
    await note("job-2");
    await endJobsOfSlice(db, { planId: run.id, sliceNo: 0 });
    await endSlice(db, { runId: run.id, sliceNo: 0 });
    expect(await take()).toEqual(["job-1"]);
  });

  it("is left alone once a retry waits for it again", async () => {
    await fail();
    const [taken] = await takeAbandonedJobs(db, 10);
    expect(await findAbandonedJob(db, taken?.id ?? "")).not.toBeNull();
    await openNext();
    expect(await findAbandonedJob(db, taken?.id ?? "")).toBeNull();
    await sql`update export_jobs set cancel_from = now() - interval '2 h' where run_id = ${run.id}`.execute(db);
    expect(await findForgottenJobs(db, new Date(Date.now() - 3_600_000))).toEqual([]);
  });

  it("that was noted twice is one, and ends with its slice", async () => {
    await note("job-1");
    await endJobsOfSlice(db, { planId: run.id, sliceNo: 0 });
    await note("job-1");
    await fail();
    expect(await take()).toEqual([]);
  });

  it("is forgotten when it could not be cancelled for long", async () => {
    await fail();
    await take();
    expect(await findForgottenJobs(db, new Date(Date.now() - 3_600_000))).toEqual([]);
    await sql`update export_jobs set cancel_from = now() - interval '2 h' where run_id = ${run.id}`.execute(db);
    const forgotten = await findForgottenJobs(db, new Date(Date.now() - 3_600_000));
    expect(forgotten.map(({ runId }) => runId)).toContain(run.id);
  });
});
