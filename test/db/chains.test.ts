import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import type { ReasonCode } from "../../core/result-reasons.ts";
import type { RunMode } from "../../core/vocabulary.ts";
import type { RunOutcome } from "../../core/workflow-contract.ts";
import type { Db } from "../../db/client.ts";
import { bindPlan, readPlan, recordPlan } from "../../db/plans.ts";
import { closeRun, type RunClosing } from "../../db/run-closing.ts";
import { settleFenced } from "../../db/run-counts.ts";
import { admitRun, findActiveRun, getRun, type RunRow } from "../../db/runs.ts";
import { useControlDatabase } from "../support/postgres.ts";
import { begin, insertSync } from "../support/runs.ts";

type Ending = "succeeded" | "failed" | "partial" | "cancelled";

const ORDERS = "public.orders";
const OUTCOME: RunOutcome = { cancelled: false, failure: null, entityFailures: [], resumeAt: null };

describe("an attempt chain", () => {
  let db: Db;
  let syncId: string;
  /** What the ledger of the warehouse says, over the whole chain. */
  let committed: number;

  useControlDatabase((opened) => {
    db = opened;
  });
  beforeEach(async () => {
    syncId = await insertSync(db);
    committed = 0;
  });

  const NO_MORE = { rowsRejected: 0, rowsDeleted: 0, tables: null };
  const ledger = () => [{ sliceNo: 0, done: false, rowsRead: committed, rowsWritten: committed, ...NO_MORE }];

  async function trigger(runMode: RunMode = "incremental"): Promise<RunRow> {
    const asked = { syncId, runMode, triggeredBy: "manual", triggerRef: null, actor: "user:test" } as const;
    const admitted = await admitRun(db, { id: randomUUID(), ...asked });
    if (!("run" in admitted)) throw new Error(`run ${admitted.activeRunId} is active`);
    return admitted.run;
  }

  /** Begins the attempt on the chain's plan, and ends it. @returns the run, ended, and the attempt that follows */
  async function work(
    { id, attemptRootRunId }: RunRow,
    end: {
      rows?: number;
      ending?: Ending;
      code?: ReasonCode | null;
      entityCodes?: readonly ReasonCode[];
      resumeAt?: string | null;
      fenced?: boolean;
    },
  ): Promise<{ ended: RunRow; next: RunRow | null }> {
    const { rows = 0, ending = "failed", fenced = true } = end;
    const run = await begin(db, id);
    if (id === attemptRootRunId) {
      const slices = [{ stage: 0 as const, window: { by: "none" as const }, label: "1/1" }];
      const entity = { entityKey: ORDERS, dependsOn: [], spec: {}, target: {}, slices };
      const planned = { ...entity, upperBound: null, cursorVersion: 0, evidence: {}, reasonCode: null, error: null };
      await recordPlan(db, { runId: id, rootRunId: id, syncId, configHash: "a", frozen: null, entities: [planned] });
    }
    await bindPlan(db, { runId: id, planId: attemptRootRunId, committed: ledger(), replanned: false });
    committed += rows;
    await closeRun(db, { ...closingOf(run, { ending, ...end }), plan: await readPlan(db, attemptRootRunId), fenced });
    return { ended: await getRun(db, id), next: await findActiveRun(db, syncId) };
  }

  const EVENTS = {
    succeeded: "succeed",
    failed: "fail",
    partial: "end_partial",
    cancelled: "acknowledge_cancel",
  } as const;

  function closingOf(
    run: RunRow,
    end: {
      ending: Ending;
      code?: ReasonCode | null;
      entityCodes?: readonly ReasonCode[];
      resumeAt?: string | null;
      fenced?: boolean;
    },
  ): Omit<RunClosing, "plan" | "fenced"> {
    const { ending, resumeAt = null, fenced = true } = end;
    const usual = {
      succeeded: null,
      failed: "source_timeout",
      partial: "entities_failed",
      cancelled: "cancelled_in_backend",
    } as const;
    const reasonCode = end.code === undefined ? usual[ending] : end.code;
    const entityCodes: ReasonCode[] = [...(end.entityCodes ?? (reasonCode === null ? [] : [reasonCode]))];
    const results = entityCodes.map((code, index) => ({
      ...{ entityKey: index === 0 ? ORDERS : `other ${index}`, status: "failed" as const, reasonCode: code },
      ...{ error: "told", hidden: false },
    }));
    return {
      run,
      ledger: fenced ? ledger().map((slice) => ({ ...slice, done: ending === "succeeded" })) : [],
      rejects: [],
      verdict: {
        event: EVENTS[ending],
        reasonCode,
        error: ending === "succeeded" ? null : "told",
        entityCodes,
        entities: results,
      },
      entities: [],
      outcome: { ...OUTCOME, resumeAt },
    };
  }

  const rowsOf = (run: RunRow) => run.summary.rowsWritten;
  const delayOf = (run: RunRow | null) => (run?.notBefore?.getTime() ?? 0) - (run?.createdAt.getTime() ?? 0);
  const due = (run: RunRow | null): RunRow => {
    if (run === null) throw new Error("no attempt follows");
    return run;
  };

  it("an attempt counts its own rows, not those of the attempts before", async () => {
    const first = await work(await trigger(), { rows: 600 });
    const second = await work(due(first.next), { rows: 0 });
    const third = await work(due(second.next), { rows: 250, ending: "succeeded" });
    expect([first.ended, second.ended, third.ended].map(rowsOf)).toEqual([600, 0, 250]);
    expect(third.ended.summary).toMatchObject({ rowsRead: 250, rowsWritten: 250 });
  });

  it("attempts that commit nothing wait longer each time, whatever earlier ones have committed", async () => {
    let { next } = await work(await trigger(), { rows: 600 });
    const delays: number[] = [];
    for (; next !== null; { next } = await work(next, {})) delays.push(delayOf(next));
    expect(delays).toHaveLength(3);
    for (const [n, seconds] of [5, 10, 20].entries()) {
      expect(delays[n]).toBeGreaterThanOrEqual(seconds * 1000 - 100);
      expect(delays[n]).toBeLessThanOrEqual(seconds * 1250 + 100);
    }
  });

  it("waits that the source asks for use up no attempt, and are no empty ones", async () => {
    const resumeAt = new Date(Date.now() + 2 * 3_600_000).toISOString();
    let run = await trigger();
    for (let wait = 0; wait < 6; wait++) {
      run = due((await work(run, { code: "source_quota_exhausted", resumeAt })).next);
      expect(run.summary.autoResume).toMatchObject({ attempt: wait + 1, afterWait: true });
    }
    const delays: number[] = [];
    for (let next = (await work(run, {})).next; next !== null; { next } = await work(next, {}))
      delays.push(delayOf(next));
    expect(delays).toHaveLength(3);
    expect(delays[0]).toBeLessThan(6_400);
  });

  it("a `once` code of an entity opens one attempt, in a run that ends partial as in one that fails", async () => {
    const partial = { ending: "partial", entityCodes: ["internal_error"] } as const;
    const first = await work(await trigger(), { rows: 1, ...partial });
    expect(await work(due(first.next), { rows: 1, ...partial })).toMatchObject({ next: null });
    const failed = await work(await trigger(), { code: "internal_error" });
    expect(await work(due(failed.next), partial)).toMatchObject({ next: null });
  });

  it.each([
    { ending: "failed", code: "source_cursor_expired" },
    { ending: "partial", entityCodes: ["source_cursor_expired", "entity_unknown"] },
  ] as const)(
    "after an expired feed the next attempt comes at once, free, and once in a chain ($ending)",
    async (end) => {
      const first = await trigger();
      await db.updateTable("runs").set({ maxAutoResumeAttempts: 1 }).where("id", "=", first.id).execute();
      const { next: second } = await work(await getRun(db, first.id), end);
      expect(second?.summary.autoResume).toMatchObject({ attempt: 1, resync: true });
      expect(second?.notBefore).toBeNull();
      const { next: third } = await work(due(second), end);
      expect(third?.summary.autoResume).toEqual({ attempt: 2, notBefore: expect.any(String) });
      expect(third?.notBefore).not.toBeNull();
      expect(await work(due(third), end)).toMatchObject({ next: null });
    },
  );

  it("what an attempt committed while nobody could read the ledger is its own once it is fenced, once", async () => {
    const first = await work(await trigger(), { rows: 600, fenced: false });
    expect(rowsOf(first.ended)).toBe(0);
    const late = { runId: first.ended.id, ledger: ledger(), shown: {} };
    await settleFenced(db, late);
    const second = await work(due(first.next), { rows: 250, ending: "succeeded" });
    await settleFenced(db, { ...late, ledger: ledger() });
    const settled = await getRun(db, first.ended.id);
    expect([settled, second.ended].map(rowsOf)).toEqual([600, 250]);
    expect(settled.summary).toMatchObject({ entities: { [ORDERS]: { rows: 600 } } });
    expect(settled.fencedAt).not.toBeNull();
  });

  describe("in a row with others", () => {
    const readSync = () =>
      db
        .selectFrom("syncs")
        .select(["status", "failedChains", "partialChains", "lastError"])
        .where("id", "=", syncId)
        .executeTakeFirstOrThrow();
    const setSync = (patch: { status?: "active" | "paused"; executionConfig?: string }) =>
      db.updateTable("syncs").set(patch).where("id", "=", syncId).execute();

    async function chain(ending: Ending, runMode: RunMode = "incremental"): Promise<void> {
      committed = 0;
      // Nothing opens a next attempt: each of these chains is one attempt long.
      const code = ending === "failed" ? "workflow_terminated" : undefined;
      const entityCodes = ending === "partial" ? (["entity_unknown"] as const) : [];
      await work(await trigger(runMode), { ending, entityCodes, ...(code ? { code } : {}) });
    }

    it("the fifth that fails puts the sync into error, and says so", async () => {
      for (let failed = 1; failed < 5; failed++) {
        await chain("failed");
        expect(await readSync()).toMatchObject({ status: "active", failedChains: failed });
      }
      await chain("failed");
      const sync = await readSync();
      expect(sync).toMatchObject({ status: "error", failedChains: 5 });
      expect(sync.lastError).toContain("told\n5 attempt chains in a row have failed");
    });

    it("an attempt that another one follows is not counted: its chain goes on", async () => {
      await setSync({ executionConfig: '{"maxFailedChains": 1}' });
      const first = await work(await trigger(), {});
      expect(await readSync()).toMatchObject({ status: "active", failedChains: 0 });
      await work(due(first.next), { code: "workflow_terminated" });
      expect(await readSync()).toMatchObject({ status: "error", failedChains: 1 });
    });

    it("cancelled ones are passed over, a success and a partial end the row", async () => {
      for (const ending of ["failed", "failed", "cancelled", "failed"] as const) await chain(ending);
      expect(await readSync()).toMatchObject({ failedChains: 3, partialChains: 0 });
      await chain("succeeded");
      expect(await readSync()).toMatchObject({ failedChains: 0, lastError: null });
      for (const ending of ["failed", "partial", "partial"] as const) await chain(ending);
      expect(await readSync()).toMatchObject({
        status: "active",
        failedChains: 0,
        partialChains: 2,
        lastError: "told",
      });
    });

    it("a verification that fails is none of them", async () => {
      for (const ending of ["failed", "failed"] as const) await chain(ending, "verify");
      expect(await readSync()).toMatchObject({ failedChains: 0 });
    });

    it("set right by a person, the sync begins to count anew", async () => {
      await setSync({ executionConfig: '{"maxFailedChains": 2}' });
      await chain("failed");
      await chain("failed");
      expect(await readSync()).toMatchObject({ status: "error" });
      await setSync({ status: "active" });
      expect(await readSync()).toMatchObject({ failedChains: 0 });
      await chain("failed");
      expect(await readSync()).toMatchObject({ status: "active", failedChains: 1 });
    });

    it("with maxFailedChains 0 any number may fail, and a paused sync stays paused", async () => {
      await setSync({ executionConfig: '{"maxFailedChains": 0}' });
      for (let failed = 0; failed < 6; failed++) await chain("failed");
      expect(await readSync()).toMatchObject({ status: "active", failedChains: 6 });
      await setSync({ executionConfig: "{}", status: "paused" });
      await chain("failed");
      expect(await readSync()).toMatchObject({ status: "paused", failedChains: 7 });
    });
  });
});
