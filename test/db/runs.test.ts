import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { beforeEach, describe, expect, it } from "vitest";
import { AppError } from "../../core/errors.ts";
import type { Db } from "../../db/client.ts";
import { cancelRunsOfSync, retryRun } from "../../db/run-chains.ts";
import { admitRun, endRun, getRun, requestCancel } from "../../db/runs.ts";
import { useControlDatabase } from "../support/postgres.ts";
import { admit, begin, insertSync } from "../support/runs.ts";

const failure = {
  reasonCode: "source_timeout",
  error: "slow",
  slicesTotal: null,
  slicesDone: 0,
  summary: {},
  fenced: true,
} as const;

describe("runs", () => {
  let db: Db;
  let syncId: string;

  useControlDatabase((opened) => {
    db = opened;
  });
  beforeEach(async () => {
    syncId = await insertSync(db);
  });

  it("50 concurrent triggers of one sync admit exactly one run, and the others learn its id", async () => {
    const request = {
      syncId,
      runMode: "incremental",
      triggeredBy: "manual",
      triggerRef: null,
      actor: "user:test",
    } as const;
    const answers = await Promise.all(Array.from({ length: 50 }, () => admitRun(db, { ...request, id: randomUUID() })));
    const admitted = answers.flatMap((answer) => ("run" in answer ? [answer.run.id] : []));
    const refused = answers.flatMap((answer) => ("activeRunId" in answer ? [answer.activeRunId] : []));
    expect(admitted).toHaveLength(1);
    expect(new Set(refused)).toEqual(new Set(admitted));
  });

  it("50 concurrent retries of one run open exactly one next attempt, and the others learn its id", async () => {
    const run = await begin(db, (await admit(db, syncId)).id);
    await endRun(db, { runId: run.id, event: "fail", ...failure });
    const request = { runId: run.id, runMode: null, actor: "user:test" };
    const answers = await Promise.allSettled(
      Array.from({ length: 50 }, () => retryRun(db, { ...request, id: randomUUID() })),
    );
    const opened = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
    expect(opened).toHaveLength(1);
    expect(opened[0]).toMatchObject({
      attemptNumber: 2,
      attemptRootRunId: run.id,
      previousAttemptRunId: run.id,
      status: "pending",
    });
    const named = answers.flatMap((answer) =>
      answer.status === "rejected" && answer.reason instanceof AppError ? [answer.reason.extra.nextAttemptRunId] : [],
    );
    expect(named).toHaveLength(49);
    expect(new Set(named)).toEqual(new Set([opened[0]?.id]));
    expect((await getRun(db, run.id)).nextAttemptRunId).toBe(opened[0]?.id);
  });

  it("a pending run is cancelled at once, and a running one goes to cancelling with the first caller on record", async () => {
    const pending = await requestCancel(db, {
      runId: (await admit(db, syncId)).id,
      actor: "user:a",
      reason: "no need",
    });
    expect(pending).toMatchObject({
      status: "cancelled",
      resultClass: "cancelled",
      resultReasonCode: "cancelled_by_user",
    });

    const running = await begin(db, (await admit(db, syncId)).id);
    const first = await requestCancel(db, { runId: running.id, actor: "user:a", reason: "first" });
    const second = await requestCancel(db, { runId: running.id, actor: "user:b", reason: "second" });
    expect(second).toEqual(first);
    expect(second).toMatchObject({
      status: "cancelling",
      cancelRequestedBy: "user:a",
      cancelReason: "first",
      completedAt: null,
    });
  });

  it("a cancelled run never becomes succeeded, and a terminal row never changes", async () => {
    const run = await begin(db, (await admit(db, syncId)).id);
    await requestCancel(db, { runId: run.id, actor: "user:a", reason: null });
    await endRun(db, {
      runId: run.id,
      event: "acknowledge_cancel",
      ...failure,
      reasonCode: "cancelled_by_user",
      error: null,
    });
    const before = await getRun(db, run.id);
    expect(await endRun(db, { runId: run.id, event: "succeed", ...failure, reasonCode: null })).toBe(false);
    expect(await getRun(db, run.id)).toEqual(before);
    await expect(requestCancel(db, { runId: run.id, actor: "user:a", reason: null })).rejects.toMatchObject({
      code: "run_terminal",
    });
  });

  it("Postgres itself refuses a success that is not proved", async () => {
    const run = await begin(db, (await admit(db, syncId)).id);
    const unproved = { ...failure, reasonCode: null, slicesTotal: 3, slicesDone: 2 };
    await expect(endRun(db, { runId: run.id, event: "succeed", ...unproved })).rejects.toThrow(
      /runs_success_is_proved/,
    );
    expect(await getRun(db, run.id)).toMatchObject({ status: "running" });
  });

  it("retrying a run that is not over, succeeded, or was followed is refused, naming why", async () => {
    const run = await begin(db, (await admit(db, syncId)).id);
    const request = { id: randomUUID(), runId: run.id, runMode: null, actor: "user:test" };
    await expect(retryRun(db, request)).rejects.toMatchObject({ code: "run_not_terminal" });
    await endRun(db, { runId: run.id, event: "fail", ...failure });
    const other = await admit(db, syncId);
    await expect(retryRun(db, request)).rejects.toMatchObject({ code: "run_active", extra: { activeRunId: other.id } });
  });

  it("the queued run of a sync is promoted when the active one is cancelled, and both stop with the sync", async () => {
    const active = await admit(db, syncId);
    await sql`
      insert into runs (id, sync_id, status, run_mode, triggered_by, created_by, execution_backend, execution_mode,
                        execution_config, attempt_number, attempt_root_run_id, max_auto_resume_attempts)
      select q.id, sync_id, 'queued', run_mode, 'scheduled', created_by, execution_backend, execution_mode,
             execution_config, 1, q.id, 3 from runs, (select gen_random_uuid() as id) q where runs.id = ${active.id}`.execute(
      db,
    );
    await requestCancel(db, { runId: active.id, actor: "user:a", reason: null });
    const promoted = await db
      .selectFrom("runs")
      .selectAll()
      .where("syncId", "=", syncId)
      .where("status", "=", "pending")
      .executeTakeFirstOrThrow();
    expect(promoted.triggeredBy).toBe("scheduled");

    const stopped = await cancelRunsOfSync(db, { syncId, actor: "user:a", reason: "archived" });
    expect(stopped.map(({ after }) => after)).toMatchObject([
      { id: promoted.id, status: "cancelled", resultReasonCode: "cancelled_sync_inactive" },
    ]);
  });
});
