import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { ApplicationFailure, Client, Connection } from "@temporalio/client";
import { NativeConnection, Worker } from "@temporalio/worker";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PAYLOAD_CONVERTER_PATH } from "../../control/temporal.ts";
import { firstPage } from "../../core/slices.ts";
import type {
  BegunRun,
  FinishInput,
  PlanInput,
  PlannedWork,
  RunOutcome,
  SliceInput,
  SliceOutcome,
} from "../../core/workflow-contract.ts";
import { silenceTemporal } from "../support/foreign-worker.ts";
import { createOwnTemporal } from "../support/own-servers.ts";

const SLICES = 30;

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
    async finishRun({ outcome }: FinishInput) {
      seen.outcome = outcome;
      return { status: "succeeded", resultReasonCode: null };
    },
  };
  return { activities, seen };
}

/** What the workflow alone carries from one execution to the next, or must not. */
describe("continue-as-new", () => {
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

  async function execute(activities: object): Promise<void> {
    const taskQueue = randomUUID();
    const worker = await Worker.create({
      ...{ connection, taskQueue, activities },
      workflowsPath: fileURLToPath(new URL("../../workflows/index.ts", import.meta.url)),
      dataConverter: { payloadConverterPath: PAYLOAD_CONVERTER_PATH },
    });
    const args = [{ runId: taskQueue }];
    await worker.runUntil(client.workflow.execute("syncRun", { taskQueue, workflowId: taskQueue, args }));
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
      if (sliceNo === 0) await new Promise((resolve) => setTimeout(resolve, 1_500));
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
});
