import { describe, expect, it } from "vitest";
import { TerminalError, TransientError } from "../../../core/errors.ts";
import type { Checkpoint } from "../../../core/slices.ts";
import type { Batch } from "../../../providers/batch.ts";
import { type ExportJobSteps, JobLostError, type JobState, runExportJob } from "../../../providers/lib/jobs.ts";

/** A source that makes job-1, job-2, ..., all of which are in `state`, and have one row each. */
function createSteps(overrides: Partial<ExportJobSteps<string>> = {}) {
  const names: string[] = [];
  const source = { names, state: { state: "done", result: "" } as JobState<string> };
  const steps: ExportJobSteps<string> = {
    ...{ what: "depot: exports", kind: "export", checkpoint: null, sliceName: "slice", columns: ["id"] },
    ...{ hasKey: true, isComplete: false, most: 2 },
    async create(name) {
      names.push(name);
      return `job-${names.length}`;
    },
    poll: async () => source.state,
    async *download() {
      yield { kind: "rows", columns: ["id"], rows: [["1"]], checkpoint: { from: 1 }, final: false };
      yield { kind: "rows", columns: ["id"], rows: [["2"]], checkpoint: { from: 2 }, final: true };
    },
    ...overrides,
  };
  return { source, steps };
}

/** What is committed, batch after batch, up to the end or the error. */
async function run(
  steps: ExportJobSteps<string>,
): Promise<{ checkpoints: Checkpoint[]; rows: number; error: unknown }> {
  const batches: Batch[] = [];
  let error: unknown = null;
  try {
    for await (const batch of runExportJob(steps)) batches.push(batch);
  } catch (thrown) {
    error = thrown;
  }
  const rows = batches.reduce((sum, batch) => sum + (batch.kind === "rows" ? batch.rows.length : 0), 0);
  return { checkpoints: batches.map(({ checkpoint }) => checkpoint), rows, error };
}

const jobNo = (no: number) => expect.objectContaining({ ref: `job-${no}`, kind: "export", madeTimes: no });

describe("runExportJob", () => {
  it("commits what it is about to do, then the job, then each batch with the job, and the end without it", async () => {
    const { steps } = createSteps();
    expect(await run(steps)).toEqual({
      checkpoints: [{ making: 1 }, { job: jobNo(1) }, { from: 1, job: jobNo(1) }, { from: 2 }],
      rows: 2,
      error: null,
    });
  });

  it("goes on from every checkpoint with the same job", async () => {
    const { steps, source } = createSteps();
    const { checkpoints } = await run(steps);
    for (const checkpoint of checkpoints.slice(1, 3)) {
      const again = await run({ ...steps, checkpoint });
      expect(again.error).toBeNull();
    }
    expect(source.names).toEqual(["slice-1"]);
  });

  it("hands a download the position without the job", async () => {
    const seen: Checkpoint[] = [];
    const { steps } = createSteps({
      // biome-ignore lint/correctness/useYield: nothing is left
      async *download(_result, position) {
        seen.push(position);
      },
    });
    const job = { ref: "job-1", kind: "export", madeTimes: 1, madeAt: new Date().toISOString() };
    await run({ ...steps, checkpoint: { job } });
    await run({ ...steps, checkpoint: { job, from: 1 } });
    expect(seen).toEqual([null, { from: 1 }]);
  });

  it("finds a job whose id was lost by its name, and does not make another", async () => {
    const { steps, source } = createSteps({ find: async (name) => (name === "slice-1" ? "job-1" : null) });
    const { checkpoints, error } = await run({ ...steps, checkpoint: { making: 1 } });
    expect([checkpoints[0], error, source.names]).toEqual([{ job: jobNo(1) }, null, []]);
  });

  it("makes a job that is shown not to be there, without counting it", async () => {
    const { steps, source } = createSteps({ find: async () => null, most: 1 });
    expect((await run({ ...steps, checkpoint: { making: 1 } })).error).toBeNull();
    expect(source.names).toEqual(["slice-1"]);
  });

  it("counts a job that nobody can look for as made", async () => {
    const { steps, source } = createSteps();
    expect((await run({ ...steps, checkpoint: { making: 1 } })).error).toBeNull();
    expect(source.names).toEqual(["slice-2"]);
    const { error } = await run({ ...steps, checkpoint: { making: 2 } });
    expect(error).toMatchObject({ reasonCode: "source_export_failed" });
    expect(error).toBeInstanceOf(TerminalError);
  });

  it.each([
    { error: new TransientError("source_rate_limited", "Too many."), committed: [{ making: 1 }, { making: 0 }] },
    { error: new TerminalError("source_permission_denied", "No."), committed: [{ making: 1 }, { making: 0 }] },
    { error: new TransientError("source_timeout", "No answer."), committed: [{ making: 1 }] },
  ])("a create that ends with $error.reasonCode commits $committed", async ({ error, committed }) => {
    const { steps } = createSteps({ create: () => Promise.reject(error) });
    expect(await run(steps)).toEqual({ checkpoints: committed, rows: 0, error });
  });

  it("makes a job that is lost anew from its start, as often as it may", async () => {
    const { steps, source } = createSteps();
    source.state = { state: "lost", why: "it has failed" };
    const { checkpoints, error } = await run(steps);
    expect(checkpoints).toEqual([{ making: 1 }, { job: jobNo(1) }, { making: 2 }, { job: jobNo(2) }]);
    expect(error).toMatchObject({ reasonCode: "source_export_failed", what: expect.stringMatching(/it has failed/) });
  });

  it.each([
    { why: "without a key", of: { hasKey: false } },
    { why: "of a complete scan", of: { isComplete: true } },
  ])(
    "ends where rows $why were loaded from a job that is lost: those of another job must not mix with them",
    async ({ of }) => {
      const { steps } = createSteps({
        ...of,
        async *download() {
          yield { kind: "rows", columns: ["id"], rows: [["1"]], checkpoint: { from: 1 }, final: false };
          throw new JobLostError("its file is gone");
        },
      });
      expect((await run(steps)).error).toMatchObject({ reasonCode: "source_export_failed" });
    },
  );

  it("asks for a running job when a tenth of its age has passed, or when the source says, within bounds", async () => {
    const waitAt = async (ageSeconds: number, retryAfterSeconds?: number): Promise<number> => {
      const { steps, source } = createSteps();
      source.state = { state: "running", ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
      const madeAt = new Date(Date.now() - ageSeconds * 1000).toISOString();
      const job = { ref: "job-1", kind: "export", madeTimes: 1, madeAt };
      const { error } = await run({ ...steps, checkpoint: { job } });
      expect(error).toMatchObject({ reasonCode: "source_job_running" });
      return error instanceof TransientError ? Math.round(error.retryAfterSeconds ?? 0) : 0;
    };
    expect(await waitAt(10)).toBe(5);
    expect(await waitAt(600)).toBe(60);
    expect(await waitAt(36_000)).toBe(300);
    expect(await waitAt(10, 1)).toBe(1);
    expect(await waitAt(10, 7_200)).toBe(3_600);
  });
});
