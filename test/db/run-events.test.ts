import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import pg from "pg";
import { beforeEach, describe, expect, it } from "vitest";
import { RUN_EVENT_KINDS } from "../../core/run-events.ts";
import type { Db } from "../../db/client.ts";
import { recordSetBack } from "../../db/loaded-positions.ts";
import { bindPlan, markSwapped, recordPlan } from "../../db/plans.ts";
import { noteLostWorkers, noteStoppedWorker, writeActivityNotes } from "../../db/run-activities.ts";
import { retryRun } from "../../db/run-chains.ts";
import { markCancelDelivered, markDispatched } from "../../db/run-dispatch.ts";
import { listEvents, readEventPosition } from "../../db/run-events.ts";
import { endSlice, failSlice, flushProgress, interruptSlice, startSlice, waitSlice } from "../../db/run-slices.ts";
import { recordWarnings } from "../../db/run-warnings.ts";
import { endRun, getRun, requestCancel, setRunWait } from "../../db/runs.ts";
import { useControlDatabase } from "../support/postgres.ts";
import { admit, begin, insertSync } from "../support/runs.ts";

describe("run events", () => {
  let db: Db;
  let syncId: string;

  const database = useControlDatabase((opened) => {
    db = opened;
  });
  beforeEach(async () => {
    syncId = await insertSync(db);
  });

  const eventsOf = async (runId: string) => (await listEvents(db, { runId, after: 0, limit: 1000 })).events;
  const kindsOf = async (runId: string) => (await eventsOf(runId)).map((event) => event.kind);

  async function plan(runId: string): Promise<void> {
    const slices = ["1/3", "2/3", "3/3"].map((label) => ({
      stage: 0 as const,
      window: { by: "none" as const },
      label,
    }));
    const entity = {
      dependsOn: [],
      spec: {},
      target: {},
      upperBound: null,
      cursorVersion: 0,
      evidence: {},
      reasonCode: null,
      error: null,
    };
    const failed = { entityKey: "public.lost", reasonCode: "entity_unknown" as const, error: "gone", slices: [] };
    await recordPlan(db, {
      ...{ runId, rootRunId: runId, syncId, configHash: "hash", frozen: null },
      entities: [
        { ...entity, entityKey: "public.orders", slices },
        { ...entity, ...failed },
      ],
    });
    await bindPlan(db, {
      runId,
      planId: runId,
      committed: [
        { sliceNo: 2, done: true, rowsRead: 0, rowsWritten: 0, rowsRejected: 0, rowsDeleted: 0, tables: null },
      ],
      replanned: false,
    });
  }

  it("a run tells everything that becomes of it, in order, with counts and reasons", async () => {
    const { id: runId } = await admit(db, syncId);
    await markDispatched(db, runId, { ref: "sync-run/x/1", url: null });
    await begin(db, runId);
    await plan(runId);
    const [first, second] = [
      { runId, sliceNo: 0 },
      { runId, sliceNo: 1 },
    ];
    await startSlice(db, first);
    await interruptSlice(db, first, { reasonCode: "source_unavailable", message: "gone for a moment" });
    await startSlice(db, first);
    const until = new Date(Date.now() + 60_000);
    await waitSlice(db, first, { reasonCode: "source_rate_limited", until });
    await startSlice(db, first);
    const counts = { rowsRead: 12, rowsWritten: 10, rowsRejected: 2, rowsDeleted: 3, bytesRead: 300 };
    await flushProgress(db, [{ ...first, ...counts }], [runId], "worker-1");
    await endSlice(db, first);
    await startSlice(db, second);
    await writeActivityNotes(
      db,
      { id: randomUUID(), executorId: "host:1" },
      {
        notes: [
          {
            ...{ runId, activity: "slice", subject: "1", state: "working", attempt: 1, failure: null, waiting: null },
            ...{ since: new Date().toISOString(), scheduledAt: new Date().toISOString() },
          },
        ],
        done: [],
      },
    );
    expect(await noteLostWorkers(db)).toBe(1);
    expect(await noteLostWorkers(db)).toBe(0);
    await noteStoppedWorker(db, "host:2", [{ runId, activity: "plan", subject: "" }]);
    await failSlice(db, second, { reasonCode: "source_timeout", message: "slow" });
    await markSwapped(db, { planId: runId, entityKey: "public.orders" });
    await requestCancel(db, { runId, actor: "user:a", reason: "somebody's words" });
    await markCancelDelivered(db, runId);
    await endRun(db, {
      ...{ runId, event: "acknowledge_cancel", reasonCode: "cancelled_by_user", error: null },
      ...{ slicesTotal: 3, slicesDone: 2, summary: {}, fenced: true },
    });

    const slice = { sliceNo: 0, entityKey: "public.orders", label: "1/3" };
    const failed = { sliceNo: 1, entityKey: "public.orders", label: "2/3" };
    const nothing = { rowsRead: 0, rowsWritten: 0, rowsRejected: 0, rowsDeleted: 0, bytesRead: 0 };
    const events = await eventsOf(runId);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.map(({ kind, data }) => [kind, data])).toEqual([
      ["run.admitted", { status: "pending", runMode: "incremental", triggeredBy: "manual", attemptNumber: 1 }],
      ["run.dispatched", { backendRunRef: "sync-run/x/1" }],
      ["run.begun", { backendRunRef: `sync-run/${runId}/first` }],
      [
        "run.planned",
        { planId: runId, replanned: false, entities: 2, entitiesFailed: 1, slicesTotal: 3, slicesInherited: 1 },
      ],
      ["slice.started", { ...slice, tries: 1 }],
      ["slice.interrupted", { ...slice, reasonCode: "source_unavailable", error: "gone for a moment" }],
      ["slice.started", { ...slice, tries: 2 }],
      ["slice.waiting", { ...slice, waitReason: "source_rate_limited", waitUntil: expect.any(String) }],
      ["run.waiting", { reasonCode: "source_rate_limited", entityKey: "public.orders", resumeAt: expect.any(String) }],
      ["slice.started", { ...slice, tries: 3 }],
      ["run.resumed", {}],
      ["slice.done", { ...slice, ...counts }],
      ["slice.started", { ...failed, tries: 1 }],
      ["worker.lost", { executorId: "host:1", work: [{ activity: "slice", subject: "1", label: "2/3" }] }],
      ["worker.stopped", { executorId: "host:2", work: [{ activity: "plan" }] }],
      ["slice.failed", { ...failed, ...nothing, reasonCode: "source_timeout", error: "slow" }],
      ["entity.swapped", { entityKey: "public.orders" }],
      ["run.cancel_requested", { requestedBy: "user:a" }],
      ["run.cancel_delivered", {}],
      [
        "run.ended",
        {
          ...{ status: "cancelled", resultClass: "cancelled", resultReasonCode: "cancelled_by_user" },
          ...{ slicesTotal: 3, slicesDone: 2, rowsRead: 12, rowsWritten: 10, rowsRejected: 2, rowsDeleted: 3 },
        },
      ],
    ]);
    expect(new Date(String(events[7]?.data.waitUntil))).toEqual(until);
    const told = new Set([
      ...events.map(({ kind }) => kind),
      ...["run.promoted", "destination.set_back", "destination.table_changed"],
      ...["source.resync", "source.warning", "source.files_left_out", "source.job_cancelled", "source.job_left"],
    ]);
    expect(told).toEqual(new Set(RUN_EVENT_KINDS));
  });

  it("a run that waits as a whole says so at once, in its summary too, and no more once it goes on or ends", async () => {
    const { id } = await begin(db, (await admit(db, syncId)).id);
    const until = new Date(Date.now() + 60_000);
    for (const again of [false, true]) {
      await setRunWait(db, id, { reasonCode: "source_rate_limited", until });
      const waiting = await getRun(db, id);
      expect(waiting.status).toBe("waiting");
      expect(waiting.summary.waiting).toMatchObject({ reason: "source_rate_limited", entityKey: null });
      // What an activity flushes at its end leaves it alone.
      const nothing = { rowsRead: 0, rowsWritten: 0, rowsRejected: 0, bytesRead: 0 };
      await flushProgress(db, [{ runId: id, sliceNo: 0, ...nothing, rowsDeleted: 0 }], [id], "worker");
      expect((await getRun(db, id)).summary.waiting).toEqual(waiting.summary.waiting);
      if (!again) await setRunWait(db, id, null);
      else await requestCancel(db, { runId: id, actor: "user:a", reason: null });
      expect((await getRun(db, id)).status).toBe(again ? "cancelling" : "running");
    }
    await endRun(db, {
      ...{ runId: id, event: "acknowledge_cancel", reasonCode: "cancelled_by_user", error: null },
      ...{ slicesTotal: null, slicesDone: 0, summary: {}, fenced: true },
    });
    expect((await getRun(db, id)).summary).not.toHaveProperty("waiting");
    expect((await eventsOf(id)).map(({ kind }) => kind).slice(3)).toEqual([
      ...["run.waiting", "run.resumed", "run.waiting", "run.cancel_requested", "run.ended"],
    ]);
  });

  it("that the destination was set back is told once, however often it is found", async () => {
    const run = await begin(db, (await admit(db, syncId)).id);
    const lost = { entityKey: "public.orders", version: 3, rootRunId: run.id, attempt: 1 };
    for (let time = 0; time < 2; time += 1) await recordSetBack(db, run, [lost]);
    const told = (await eventsOf(run.id)).filter(({ kind }) => kind === "destination.set_back");
    expect(told.map(({ data }) => data)).toEqual([{ entityKeys: ["public.orders"] }]);
    expect((await getRun(db, run.id)).summary).toMatchObject({ destinationSetBack: ["public.orders"] });
    const states = await db.selectFrom("cursorStates").selectAll().where("syncId", "=", syncId).execute();
    expect(states).toMatchObject([{ version: 4, cursor: null, createdBy: "system:destination_set_back" }]);
  });

  it("what was changed about a table is told once, and a run that has ended stays as it is", async () => {
    const { id } = await begin(db, (await admit(db, syncId)).id);
    const change = (message: string) => ({ entityKey: "public.orders", message });
    await recordWarnings(db, { runId: id, kind: "destination.table_changed" }, [change("a")]);
    await recordWarnings(db, { runId: id, kind: "destination.table_changed" }, [change("a"), change("b")]);
    await endRun(db, {
      ...{ runId: id, event: "fail", reasonCode: "run_timeout", error: "late" },
      ...{ slicesTotal: null, slicesDone: 0, summary: {}, fenced: true },
    });
    await recordWarnings(db, { runId: id, kind: "destination.table_changed" }, [change("c")]);
    const told = (await eventsOf(id)).filter(({ kind }) => kind === "destination.table_changed");
    expect(told.map(({ data }) => data)).toEqual([change("a"), change("b")]);
    expect((await getRun(db, id)).summary.warnings).toEqual([change("a"), change("b")]);
  });

  it("a run that waited its turn, and one that ends before it begins, tell so", async () => {
    const active = await admit(db, syncId);
    const queuedId = randomUUID();
    await sql`
      insert into runs (id, sync_id, status, run_mode, triggered_by, created_by, execution_backend, execution_mode,
                        execution_config, attempt_number, attempt_root_run_id, max_auto_resume_attempts)
      select ${queuedId}, sync_id, 'queued', run_mode, 'scheduled', created_by, execution_backend, execution_mode,
             execution_config, 1, ${queuedId}, 3 from runs where id = ${active.id}`.execute(db);
    await requestCancel(db, { runId: active.id, actor: "user:a", reason: null });
    expect(await kindsOf(active.id)).toEqual(["run.admitted", "run.cancel_requested", "run.ended"]);
    expect(await kindsOf(queuedId)).toEqual(["run.admitted", "run.promoted"]);
    const next = await requestCancel(db, { runId: queuedId, actor: "user:a", reason: null });
    const retried = await retryRun(db, { id: randomUUID(), runId: next.id, runMode: null, actor: "user:a" });
    const [admitted] = await eventsOf(retried.id);
    expect(admitted?.data).toMatchObject({ triggeredBy: "retry", attemptNumber: 2, previousAttemptRunId: queuedId });
  });

  it("a swap is told by the attempt that made it, not by the one that made the plan", async () => {
    const first = await begin(db, (await admit(db, syncId)).id);
    await plan(first.id);
    await endRun(db, {
      ...{ runId: first.id, event: "fail", reasonCode: "source_timeout", error: "slow" },
      ...{ slicesTotal: 3, slicesDone: 0, summary: {}, fenced: true },
    });
    const second = await retryRun(db, { id: randomUUID(), runId: first.id, runMode: null, actor: "user:a" });
    await markSwapped(db, { planId: first.id, entityKey: "public.orders" });
    await markSwapped(db, { planId: first.id, entityKey: "public.orders" });
    expect(await kindsOf(first.id)).not.toContain("entity.swapped");
    expect((await kindsOf(second.id)).filter((kind) => kind === "entity.swapped")).toHaveLength(1);
  });

  it("progress writes no events, and nothing changes on the slices of a run that has ended", async () => {
    const run = await begin(db, (await admit(db, syncId)).id);
    await plan(run.id);
    const key = { runId: run.id, sliceNo: 0 };
    await startSlice(db, key);
    const before = await kindsOf(run.id);
    const moved = { rowsRead: 5, rowsWritten: 5, rowsRejected: 0, rowsDeleted: 0, bytesRead: 10 };
    for (let flush = 0; flush < 3; flush++) await flushProgress(db, [{ ...key, ...moved }], [run.id], "worker-1");
    expect(await kindsOf(run.id)).toEqual(before);

    await endRun(db, {
      ...{ runId: run.id, event: "fail", reasonCode: "source_timeout", error: "slow" },
      ...{ slicesTotal: 3, slicesDone: 0, summary: {}, fenced: true },
    });
    const ended = await kindsOf(run.id);
    await startSlice(db, key);
    await endSlice(db, key);
    expect(await flushProgress(db, [{ ...key, ...moved }], [run.id], "worker-1")).toEqual([run.id]);
    expect(await kindsOf(run.id)).toEqual(ended);
    const slice = await db.selectFrom("runSlices").selectAll().where("runId", "=", run.id).where("sliceNo", "=", 0);
    expect(await slice.executeTakeFirstOrThrow()).toMatchObject({ status: "running", rowsRead: 15, tries: 1 });
  });

  it("a change that is rolled back has no event", async () => {
    const run = await admit(db, syncId);
    const undone = db.transaction().execute(async (trx) => {
      await markDispatched(trx, run.id, { ref: "ref", url: null });
      throw new Error("undone");
    });
    await expect(undone).rejects.toThrow("undone");
    expect(await kindsOf(run.id)).toEqual(["run.admitted"]);
  });

  it("an event whose transaction commits late comes after those that were read before it, and none is missed", async () => {
    const { id: runId } = await admit(db, syncId);
    const [early, late] = [new pg.Client(database.url), new pg.Client(database.url)];
    await Promise.all([early.connect(), late.connect()]);
    try {
      const insert = "insert into run_events (run_id, kind, data) values ($1, $2, '{}') returning id";
      await early.query("begin");
      await late.query("begin");
      const lower = await early.query<{ id: string }>(insert, [runId, "lower id, commits last"]);
      const higher = await late.query<{ id: string }>(insert, [runId, "higher id, commits first"]);
      expect(Number(lower.rows[0]?.id)).toBeLessThan(Number(higher.rows[0]?.id));

      await late.query("commit");
      expect((await eventsOf(runId)).map(({ seq, kind }) => [seq, kind])).toEqual([
        [1, "run.admitted"],
        [2, "higher id, commits first"],
      ]);
      await early.query("commit");
      const { events } = await listEvents(db, { runId, after: 2, limit: 10 });
      expect(events.map(({ seq, kind }) => [seq, kind])).toEqual([[3, "lower id, commits last"]]);
    } finally {
      await Promise.all([early.end(), late.end()]);
    }
  });

  it("readers at once give every event one number, without gaps", async () => {
    const { id: runId } = await admit(db, syncId);
    const write = (count: number) =>
      sql`insert into run_events (run_id, kind, data)
          select ${runId}, 'run.resumed', '{}' from generate_series(1, ${count}::integer)`.execute(db);
    const read = () => listEvents(db, { runId, after: 0, limit: 1000 });
    for (let round = 0; round < 5; round++) await Promise.all([write(20), read(), read(), write(20), read()]);
    const { events, hasNext } = await read();
    expect(hasNext).toBe(false);
    expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: 201 }, (_, index) => index + 1));
  });

  it("pages follow each other, and the position says when all is told", async () => {
    const { id: runId } = await admit(db, syncId);
    expect(await readEventPosition(db, runId)).toEqual({ lastSeq: 1, status: "pending" });
    await requestCancel(db, { runId, actor: "user:a", reason: null });
    expect(await readEventPosition(db, runId)).toEqual({ lastSeq: 3, status: "cancelled" });
    const first = await listEvents(db, { runId, after: 0, limit: 2 });
    const second = await listEvents(db, { runId, after: 2, limit: 2 });
    expect([first.hasNext, second.hasNext]).toEqual([true, false]);
    expect([...first.events, ...second.events].map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(await listEvents(db, { runId, after: 3, limit: 2 })).toEqual({ events: [], hasNext: false });
    expect(await readEventPosition(db, randomUUID())).toBeNull();
  });

  it("of two slices that begin to wait at once, the second makes the run wait", async () => {
    for (let round = 0; round < 5; round++) {
      const sync = await insertSync(db);
      const run = await begin(db, (await admit(db, sync)).id);
      await plan(run.id);
      const keys = [0, 1].map((sliceNo) => ({ runId: run.id, sliceNo }));
      await Promise.all(keys.map((key) => startSlice(db, key)));
      const wait = { reasonCode: "source_rate_limited" as const, until: new Date(Date.now() + 60_000) };
      await Promise.all(keys.map((key) => waitSlice(db, key, wait)));
      expect((await kindsOf(run.id)).at(-1)).toBe("run.waiting");
    }
  });
});
