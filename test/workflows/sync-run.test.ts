import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Context } from "@temporalio/activity";
import {
  ApplicationFailure,
  CancelledFailure,
  Client,
  Connection,
  WorkflowFailedError,
  type WorkflowHandle,
} from "@temporalio/client";
import { NativeConnection, Worker } from "@temporalio/worker";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PAYLOAD_CONVERTER_PATH } from "../../control/temporal.ts";
import { queueOf } from "../../core/queues.ts";
import { RESULT_REASONS } from "../../core/result-reasons.ts";
import { firstPage } from "../../core/slices.ts";
import {
  type BegunRun,
  type FinishInput,
  type PlanInput,
  type PlannedWork,
  RUN_STOPPED,
  type RunOutcome,
  type SliceInput,
  type SliceOutcome,
  type SyncRunResult,
} from "../../core/workflow-contract.ts";
import { silenceTemporal } from "../support/foreign-worker.ts";
import { createOwnTemporal } from "../support/own-servers.ts";

const SLICES = 30;
const ONE_SLICE = {
  ...{ entityKey: "only", dependsOn: [], swap: false },
  slices: [{ sliceNo: 0, stage: 0 as const, label: "1/1" }],
};

/** Activities by a plan of two entities, `bad` with the first slice, `good` with all others. */
function stage(run: Partial<BegunRun>, slice: (input: SliceInput) => SliceOutcome | Promise<SliceOutcome>) {
  const done = new Set<number>();
  const seen = { executions: 0, slices: [] as number[], outcome: null as RunOutcome | null };
  const entity = (entityKey: string, sliceNos: number[]) => ({
    ...{ entityKey, dependsOn: [], swap: false },
    slices: sliceNos
      .filter((no) => !done.has(no))
      .map((sliceNo) => ({ sliceNo, stage: 0 as const, label: `${sliceNo}` })),
  });
  const activities = {
    async beginRun() {
      seen.executions++;
      const begun: BegunRun = {
        ...{ executionMode: "fan_out_window", maxConcurrency: 2, failFast: false, heartbeatTimeoutSeconds: 60 },
        ...{ runTimeoutSeconds: null, searchAttributes: false, ...run },
      };
      return { kind: "begun", run: begun };
    },
    async planRun({ failed }: PlanInput): Promise<PlannedWork> {
      const others = Array.from({ length: SLICES - 1 }, (_, index) => index + 1);
      const entities = [entity("bad", [0]), entity("good", others)];
      return firstPage(entities.filter(({ entityKey }) => !failed.includes(entityKey)));
    },
    async syncSlice(input: SliceInput): Promise<SliceOutcome> {
      seen.slices.push(input.sliceNo);
      const outcome = await slice(input);
      if (outcome.kind === "done") done.add(input.sliceNo);
      return outcome;
    },
    async finishRun({ outcome }: FinishInput): Promise<SyncRunResult> {
      seen.outcome = outcome;
      return { status: "succeeded", resultReasonCode: null };
    },
  };
  return { activities, seen };
}

/** What the workflow does by itself, and what it carries from one execution to the next, or must not. */
describe("syncRun", () => {
  let server: Awaited<ReturnType<typeof createOwnTemporal>>;
  let connection: NativeConnection;
  let client: Client;

  beforeAll(async () => {
    silenceTemporal();
    server = await createOwnTemporal({ "limit.historyCount.suggestContinueAsNew": 30 });
    connection = await NativeConnection.connect({ address: server.address });
    client = new Client({ connection: await Connection.connect({ address: server.address }) });
  });
  afterAll(async () => {
    await client.connection.close();
    await connection.close();
    await server.remove();
  });

  /** @param meanwhile is given the workflow while it runs */
  async function execute(activities: object, meanwhile?: (handle: WorkflowHandle) => Promise<unknown>): Promise<void> {
    const taskQueue = randomUUID();
    const worker = await Worker.create({
      ...{ connection, taskQueue, activities },
      workflowsPath: fileURLToPath(new URL("../../workflows/index.ts", import.meta.url)),
      dataConverter: { payloadConverterPath: PAYLOAD_CONVERTER_PATH },
    });
    const others = await Promise.all(
      (["records", "plans", "data"] as const).map((kind) =>
        Worker.create({ connection, taskQueue: queueOf(kind, taskQueue), activities }),
      ),
    );
    const args = [{ runId: taskQueue }];
    const running = others.map((other) => other.run());
    try {
      await worker.runUntil(async () => {
        const handle = await client.workflow.start("syncRun", { taskQueue, workflowId: taskQueue, args });
        await meanwhile?.(handle);
        await handle.result();
      });
    } finally {
      for (const other of others) other.shutdown();
      await Promise.all(running);
    }
  }

  const failure = () => ApplicationFailure.nonRetryable("no such column", "source_schema_breaking_change");

  it("an entity that failed before is not tried again, and its reason is told at the end", async () => {
    const { activities, seen } = stage({}, ({ sliceNo }) => {
      if (sliceNo === 0) throw failure();
      return { kind: "done" };
    });
    await execute(activities);
    expect(seen.executions).toBeGreaterThan(2);
    expect(seen.slices.toSorted((a, b) => a - b)).toEqual(Array.from({ length: SLICES }, (_, index) => index));
    expect(seen.outcome).toEqual({
      cancelled: false,
      failure: null,
      entityFailures: [{ entityKey: "bad", reasonCode: "source_schema_breaking_change", message: "no such column" }],
      resumeAt: null,
    });
  });

  it("failFast holds although the history is being cut", async () => {
    const { activities, seen } = stage({ failFast: true }, async ({ sliceNo }) => {
      // The other slices fill the history meanwhile.
      if (sliceNo === 0) await sleep(1_500);
      if (sliceNo === 0) throw failure();
      return { kind: "done" };
    });
    await execute(activities);
    expect(seen.outcome?.entityFailures.map(({ entityKey }) => entityKey)).toEqual(["bad"]);
    expect(seen.slices.length).toBeLessThan(SLICES);
    expect(seen.executions).toBe(1);
  });

  it("a wait does not hold up the others: it is given up when the history is cut, and the slice asked again", async () => {
    let waits = 0;
    const { activities, seen } = stage({}, ({ sliceNo }) => {
      if (sliceNo !== 0 || waits++ > 0) return { kind: "done" };
      return {
        kind: "wait",
        resumeAt: new Date(Date.now() + 3_000_000).toISOString(),
        reasonCode: "source_rate_limited",
      };
    });
    await execute(activities);
    expect(seen.executions).toBeGreaterThan(2);
    expect(seen.slices.filter((no) => no === 0)).toEqual([0, 0]);
    expect(seen.outcome).toMatchObject({ failure: null, entityFailures: [], resumeAt: null });
  });

  it("of very many failures each tells less, so that all fit into a payload", async () => {
    const { activities, seen } = stage({ maxConcurrency: 100 }, () => {
      throw ApplicationFailure.nonRetryable("x".repeat(3000), "source_permission_denied");
    });
    await execute({
      ...activities,
      async planRun({ failed }: PlanInput): Promise<PlannedWork> {
        const entities = Array.from({ length: 300 }, (_, sliceNo) => ({
          ...{ entityKey: `public.table_${sliceNo}`, dependsOn: [], swap: false },
          slices: [{ sliceNo, stage: 0 as const, label: "1/1" }],
        }));
        return { entities: entities.filter(({ entityKey }) => !failed.includes(entityKey)), more: false };
      },
    });
    expect(new Set(seen.outcome?.entityFailures.map(({ entityKey }) => entityKey)).size).toBe(300);
    expect(seen.slices).toHaveLength(300);
  });

  it("of more work than one execution can hold each does a page, past entities that fail", async () => {
    const entities = 24;
    const { activities, seen } = stage({ maxConcurrency: 2 }, ({ sliceNo }) => {
      if (sliceNo < 3) throw failure();
      return { kind: "done" };
    });
    await execute({
      ...activities,
      async planRun({ failed }: PlanInput): Promise<PlannedWork> {
        const work = Array.from({ length: entities }, (_, sliceNo) => ({
          ...{ entityKey: `public.table_${sliceNo}`, dependsOn: [], swap: false },
          slices: [{ sliceNo, stage: 0 as const, label: "1/1" }],
        }));
        const done = seen.slices.filter((sliceNo) => sliceNo >= 3);
        const open = work.filter(
          ({ entityKey, slices }) =>
            !failed.includes(entityKey) && !slices.some(({ sliceNo }) => done.includes(sliceNo)),
        );
        return { entities: open.slice(0, 3), more: open.length > 3 };
      },
    });
    expect(seen.slices.toSorted((a, b) => a - b)).toEqual(Array.from({ length: entities }, (_, index) => index));
    expect(seen.executions).toBe(entities / 3);
    expect(seen.outcome?.entityFailures).toHaveLength(3);
  });

  describe("closes as its run ended:", () => {
    const closing = async (result: SyncRunResult, meanwhile?: (handle: WorkflowHandle) => Promise<unknown>) => {
      const { activities } = stage({}, () => ({ kind: "done" }));
      const planRun = async () => ({ entities: [ONE_SLICE], more: false });
      return execute({ ...activities, planRun, finishRun: async () => result }, meanwhile).then(
        () => null,
        (error: unknown) => (error instanceof WorkflowFailedError ? error.cause : error),
      );
    };

    it("failed, with its reason code, and the code's meaning where a worker of before tells no error", async () => {
      const failed = { status: "failed", resultReasonCode: "source_timeout" } as const;
      expect(await closing({ ...failed, error: "The source slept." })).toMatchObject({
        type: "source_timeout",
        message: "The source slept.",
      });
      expect(await closing(failed)).toMatchObject({ message: RESULT_REASONS.source_timeout.meaning });
    });

    it("cancelled, once the cancel that the row knows of has come", async () => {
      const cancelled = { status: "cancelled", resultReasonCode: "cancelled_by_user" } as const;
      const later = async (handle: WorkflowHandle) => {
        await sleep(2_000);
        await handle.cancel();
      };
      expect(await closing(cancelled, later)).toBeInstanceOf(CancelledFailure);
      // It never comes: the workflow ends all the same.
      expect(await closing(cancelled)).toBeNull();
    });

    it("partial: completed", async () => {
      expect(await closing({ status: "partial", resultReasonCode: "entities_failed", error: "one" })).toBeNull();
    });
  });

  describe("a cancel", () => {
    /** One slice, which hears of the cancel and then does `last`. */
    async function cancelled(last: () => Promise<never>): Promise<RunOutcome | null> {
      let begun = () => {};
      const running = new Promise<void>((resolve) => {
        begun = resolve;
      });
      const { activities, seen } = stage({ heartbeatTimeoutSeconds: 3 }, async () => {
        const { cancelled: heard, heartbeat } = Context.current();
        const beating = setInterval(heartbeat, 100);
        begun();
        await heard.catch(() => undefined);
        clearInterval(beating);
        return last();
      });
      const planRun = async () => ({ entities: [ONE_SLICE], more: false });
      await execute({ ...activities, planRun }, async (handle) => {
        await running;
        await handle.cancel();
      });
      expect(seen.slices).toEqual([0]);
      return seen.outcome;
    }

    it("that nobody acknowledges, since the worker that held the slice is gone: cancelled all the same", async () => {
      const silent = async () => {
        await sleep(6_000);
        throw failure();
      };
      expect(await cancelled(silent)).toMatchObject({ cancelled: true, entityFailures: [] });
    });

    it("that meets a failure which would have been tried again: cancelled", async () => {
      const broken = async () => {
        throw ApplicationFailure.retryable("connection lost", "source_unavailable");
      };
      expect(await cancelled(broken)).toMatchObject({ cancelled: true, entityFailures: [] });
    });

    it("that the slice hears of from the run's row: cancelled, and the entity has not failed", async () => {
      const stopped = async () => {
        throw ApplicationFailure.nonRetryable("The run is being cancelled or has ended.", RUN_STOPPED);
      };
      expect(await cancelled(stopped)).toMatchObject({ cancelled: true, entityFailures: [] });
    });

    it("that meets a failure which is final: the work ended first, and the failure is told", async () => {
      const over = async () => {
        throw failure();
      };
      expect(await cancelled(over)).toMatchObject({
        cancelled: false,
        entityFailures: [{ entityKey: "only", reasonCode: "source_schema_breaking_change" }],
      });
    });
  });
});
