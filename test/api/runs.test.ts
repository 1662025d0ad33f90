import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { beginRun, endRun } from "../../db/runs.ts";
import { type Api, createApi, type Json } from "./harness.ts";

let api: Api;
beforeAll(async () => {
  api = await createApi();
});
afterAll(() => api.close());

const post = (path: string, body?: Json) => api.call("POST", path, body);
const trigger = async (sync: Json, body?: Json): Promise<Json> => (await post(`/syncs/${sync.id}/trigger`, body)).body;
const getRun = async (id: string): Promise<Json> => (await api.call("GET", `/syncs/runs/${id}`)).body;
const begin = (run: Json) => beginRun(api.db, run.id, { ref: `sync-run/${run.id}/first`, url: "http://127.0.0.1/x" });

async function fail(run: Json): Promise<void> {
  await begin(run);
  await endRun(api.db, {
    runId: run.id,
    event: "fail",
    reasonCode: "source_auth_failed",
    error: "The password is wrong.",
    slicesTotal: null,
    slicesDone: 0,
    summary: {},
    fenced: true,
  });
}

describe("a trigger", () => {
  it("admits a run and answers it with 201 and its place", async () => {
    const sync = await api.createSync({
      executionMode: "fan_out_window",
      executionConfig: { maxAutoResumeAttempts: 7 },
    });
    const { status, headers, body } = await post(`/syncs/${sync.id}/trigger`);
    expect(status).toBe(201);
    expect(headers.get("location")).toBe(`/api/v1/syncs/runs/${body.id}`);
    expect(body).toEqual({
      attemptNumber: 1,
      attemptRootRunId: body.id,
      backendHeartbeatAt: null,
      backendRunRef: null,
      backendRunUrl: null,
      backendStatus: {},
      cancelReason: null,
      cancelRequestedAt: null,
      cancelRequestedBy: null,
      completedAt: null,
      createdAt: expect.stringMatching(/Z$/),
      error: null,
      executionBackend: "native",
      executionMode: "fan_out_window",
      executorId: null,
      id: expect.any(String),
      lastHeartbeatAt: null,
      maxAutoResumeAttempts: 7,
      nextAttemptRunId: null,
      previousAttemptRunId: null,
      request: { confirmedPlan: null, entities: null, liftGuards: false, window: null },
      resultClass: null,
      resultReasonCode: null,
      runMode: "incremental",
      startedAt: null,
      status: "pending",
      summary: { phase: "starting" },
      syncId: sync.id,
      triggerRef: "user:local",
      triggeredBy: "manual",
      updatedAt: expect.stringMatching(/Z$/),
    });
    expect(api.control.dispatched).toContain(body.id);
    expect(await getRun(body.id)).toEqual(body);
  });

  it("takes a run mode, and null for none", async () => {
    expect(await trigger(await api.createSync(), { runMode: "full_refresh" })).toMatchObject({
      runMode: "full_refresh",
    });
    expect(await trigger(await api.createSync(), { runMode: null })).toMatchObject({ runMode: "incremental" });
  });

  it("does not wait for a Temporal that hangs", async () => {
    const sync = await api.createSync();
    const { dispatchRun } = api.control;
    api.control.dispatchRun = () => new Promise(() => undefined);
    const began = Date.now();
    expect(await trigger(sync)).toMatchObject({ status: "pending" });
    expect(Date.now() - began).toBeLessThan(20_000);
    api.control.dispatchRun = dispatchRun;
  });

  it("while a run is active is 409 naming it", async () => {
    const sync = await api.createSync();
    const run = await trigger(sync);
    const { status, body } = await post(`/syncs/${sync.id}/trigger`);
    expect([status, body.code, body.activeRunId]).toEqual([409, "run_active", run.id]);
  });

  it("is admitted once of fifty at once", async () => {
    const sync = await api.createSync();
    const answers = await Promise.all(Array.from({ length: 50 }, () => post(`/syncs/${sync.id}/trigger`)));
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1);
    expect(answers.filter((answer) => answer.status === 409)).toHaveLength(49);
    expect((await api.call("GET", `/syncs/${sync.id}/runs`)).body.total).toBe(1);
  });

  it.each(["draft", "active", "paused", "error"] as const)("works while the sync is %s", async (status) => {
    const sync = await api.createSync();
    await api.db.updateTable("syncs").set({ status }).where("id", "=", sync.id).execute();
    expect((await post(`/syncs/${sync.id}/trigger`)).status).toBe(201);
  });

  it("of a sync without entities is 409: there is nothing that could succeed", async () => {
    const { status, body } = await post(`/syncs/${(await api.createSync({ entities: [] })).id}/trigger`);
    expect([status, body.code]).toEqual([409, "sync_without_entities"]);
  });

  it("of no sync is 404", async () => {
    expect((await post(`/syncs/${randomUUID()}/trigger`)).status).toBe(404);
  });

  it("never survives an archive or a delete that came at once", async () => {
    for (const end of [
      (sync: Json) => api.call("PATCH", `/syncs/${sync.id}`, { status: "archived" }),
      (sync: Json) => api.call("DELETE", `/syncs/${sync.id}`),
    ]) {
      for (let turn = 0; turn < 8; turn++) {
        const sync = await api.createSync();
        const [triggered] = await Promise.all([post(`/syncs/${sync.id}/trigger`), end(sync)]);
        if (triggered.status === 201) expect((await getRun(triggered.body.id)).status).toBe("cancelled");
        else expect([404, 409]).toContain(triggered.status);
      }
    }
  });
});

describe("the runs of a sync", () => {
  it("are listed newest first, and paged", async () => {
    const sync = await api.createSync();
    const made: string[] = [];
    for (let i = 0; i < 3; i++) {
      const run = await trigger(sync);
      await fail(run);
      made.unshift(run.id);
    }
    await trigger(await api.createSync());
    const { body } = await api.call("GET", `/syncs/${sync.id}/runs`);
    expect(body).toMatchObject({ hasNext: false, limit: 25, offset: 0, total: 3 });
    expect(body.runs.map((run: Json) => run.id)).toEqual(made);
    const page = (await api.call("GET", `/syncs/${sync.id}/runs?limit=1&offset=1`)).body;
    expect(page).toMatchObject({ hasNext: true, limit: 1, offset: 1, total: 3, runs: [{ id: made[1] }] });
  });
});

describe("the slices of a run", () => {
  it("are listed in the order of the plan, and paged", async () => {
    const run = await trigger(await api.createSync());
    expect((await api.call("GET", `/syncs/runs/${run.id}/slices`)).body).toMatchObject({
      slices: [],
      total: 0,
      limit: 100,
    });
    await api.db
      .insertInto("runSlices")
      .values(
        [2, 0, 1].map((sliceNo) => ({
          runId: run.id,
          sliceNo,
          entityKey: "public.orders",
          label: `${sliceNo + 1}/3`,
          status: sliceNo === 0 ? ("done" as const) : ("planned" as const),
          rowsWritten: 10 ** 10,
        })),
      )
      .execute();
    const { body } = await api.call("GET", `/syncs/runs/${run.id}/slices?limit=2`);
    expect(body).toMatchObject({ hasNext: true, total: 3, slices: [{ sliceNo: 0, status: "done" }, { sliceNo: 1 }] });
    expect(body.slices[0].rowsWritten).toBe(10 ** 10);
    expect((await api.call("GET", `/syncs/runs/${randomUUID()}/slices`)).status).toBe(404);
  });
});

describe("a cancel", () => {
  it("ends a run that has not begun, at once", async () => {
    const run = await trigger(await api.createSync());
    const { status, body } = await post(`/syncs/runs/${run.id}/cancel`, { reason: "not today" });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: "cancelled",
      resultClass: "cancelled",
      resultReasonCode: "cancelled_by_user",
      cancelReason: "not today",
      cancelRequestedBy: "user:local",
      completedAt: expect.any(String),
    });
    expect(api.control.cancelled).not.toContain(run.id);
  });

  it("of a run that has not begun leaves a whole summary: every entity that the run was for is stopped", async () => {
    const sync = await api.createSync({ entities: ["a", "b"] });
    const stopped = { status: "stopped", rows: 0, reasonCode: "cancelled_by_user" };
    const slices = { total: 0, done: 0, failed: 0 };
    for (const [body, entities] of [
      [{}, { a: stopped, b: stopped }],
      [{ entities: ["b"] }, { b: stopped }],
    ] as const) {
      const { body: run } = await post(`/syncs/${sync.id}/trigger`, body);
      const { body: cancelled } = await post(`/syncs/runs/${run.id}/cancel`);
      expect(cancelled.summary).toEqual({
        ...{ rowsRead: 0, rowsWritten: 0, rowsRejected: 0, rowsDeleted: 0, bytesRead: 0, slices, entities },
        cancel: expect.objectContaining({ reasonCode: "cancelled_by_user" }),
      });
    }
  });

  it("asks a run that works to stop, and records the first caller only", async () => {
    const run = await trigger(await api.createSync());
    await begin(run);
    const { body: first } = await post(`/syncs/runs/${run.id}/cancel`, { reason: "first" });
    expect(first).toMatchObject({ status: "cancelling", cancelReason: "first", completedAt: null });
    const { status, body: second } = await post(`/syncs/runs/${run.id}/cancel`, { reason: "second" });
    expect([status, second.cancelReason, second.cancelRequestedAt]).toEqual([200, "first", first.cancelRequestedAt]);
    expect(api.control.cancelled).toContain(run.id);
  });

  it("of a run that was dispatched but has not begun also reaches its workflow", async () => {
    const run = await trigger(await api.createSync());
    await api.db.updateTable("runs").set({ dispatchedAt: sql<Date>`now()` }).where("id", "=", run.id).execute();
    expect((await post(`/syncs/runs/${run.id}/cancel`)).body.status).toBe("cancelled");
    expect(api.control.cancelled).toContain(run.id);
  });

  it("of a run that has ended is 409, naming the attempt that followed", async () => {
    const run = await trigger(await api.createSync());
    await fail(run);
    const { status, body } = await post(`/syncs/runs/${run.id}/cancel`);
    expect([status, body.code, body.nextAttemptRunId]).toEqual([409, "run_terminal", null]);
    const { body: next } = await post(`/syncs/runs/${run.id}/retry`);
    expect((await post(`/syncs/runs/${run.id}/cancel`)).body.nextAttemptRunId).toBe(next.id);
  });

  it("of no run is 404", async () => {
    expect((await post(`/syncs/runs/${randomUUID()}/cancel`)).status).toBe(404);
  });
});

describe("a retry", () => {
  it("opens the next attempt of the chain", async () => {
    const run = await trigger(await api.createSync(), { runMode: "full_refresh" });
    await fail(run);
    const { status, headers, body } = await post(`/syncs/runs/${run.id}/retry`);
    expect(status).toBe(201);
    expect(headers.get("location")).toBe(`/api/v1/syncs/runs/${body.id}`);
    expect(body).toMatchObject({
      attemptNumber: 2,
      attemptRootRunId: run.id,
      previousAttemptRunId: run.id,
      runMode: "full_refresh",
      status: "pending",
      triggeredBy: "retry",
      triggerRef: `run:${run.id}`,
    });
    expect(await getRun(run.id)).toMatchObject({ status: "failed", nextAttemptRunId: body.id });
    expect(api.control.dispatched).toContain(body.id);
  });

  it("takes another run mode", async () => {
    const run = await trigger(await api.createSync());
    await fail(run);
    expect((await post(`/syncs/runs/${run.id}/retry`, { runMode: "full_refresh" })).body.runMode).toBe("full_refresh");
  });

  it("opens one of fifty at once, and names it to the others", async () => {
    const run = await trigger(await api.createSync());
    await fail(run);
    const answers = await Promise.all(Array.from({ length: 50 }, () => post(`/syncs/runs/${run.id}/retry`)));
    const opened = answers.filter((answer) => answer.status === 201);
    expect(opened).toHaveLength(1);
    for (const { status, body } of answers.filter((answer) => answer.status !== 201)) {
      expect([status, body.code, body.nextAttemptRunId]).toEqual([409, "run_already_followed", opened[0]?.body.id]);
    }
  });

  it("of a run that works, or while another one does, is 409 naming that one", async () => {
    const sync = await api.createSync();
    const run = await trigger(sync);
    const own = await post(`/syncs/runs/${run.id}/retry`);
    expect([own.status, own.body.code, own.body.activeRunId]).toEqual([409, "run_not_terminal", run.id]);
    await fail(run);
    const other = await trigger(sync);
    const foreign = await post(`/syncs/runs/${run.id}/retry`);
    expect([foreign.status, foreign.body.code, foreign.body.activeRunId]).toEqual([409, "run_active", other.id]);
  });
});
