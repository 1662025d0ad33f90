import { z } from "zod";
import { TerminalError, TransientError } from "../../../core/errors.ts";
import type { ExportJob } from "../../../core/slices.ts";
import type { Batch } from "../../../providers/batch.ts";
import { defineProvider, type EntityReadSpec, type ReadRequest, type Source } from "../../../providers/provider.ts";

/** Jobs at a source, by their id: what they have to say once they have ended. */
export interface JobDesk {
  rows: [id: string, name: string][];
  jobs: Map<string, { hasEnded: boolean }>;
  made: number;
}

export const REPORT: EntityReadSpec = {
  entityKey: "report",
  columns: ["id", "name"].map((name) => ({ name, type: "text", nullable: name !== "id" })),
  keyColumns: ["id"],
  cursorField: null,
  estimatedRowBytes: 100,
  source: {},
};

/** The shortest connector of an export job: it shows that the checks of jobs see. */
export function createJobProvider(desk: JobDesk) {
  return defineProvider<Record<string, unknown>, Record<string, unknown>>({
    key: "amazon_sp",
    displayName: "Acme Reports",
    connectionSchema: z.strictObject({}),
    addressOf: (config) => config,
    secrets: {},
    sourceConfigSchema: z.strictObject({}),
    dynamicResources: true,
    resources: [],
    sourceInstanceKey: () => "reports",
    connect: ({ signal }) => createSource(desk, signal),
  });
}

function createSource(desk: JobDesk, signal: AbortSignal): Source {
  function make(madeTimes: number): ExportJob {
    desk.made += 1;
    const ref = `job-${desk.made}`;
    desk.jobs.set(ref, { hasEnded: false });
    return { ref, kind: "report", madeTimes, madeAt: "2026-01-01T00:00:00Z" };
  }

  async function* read({ checkpoint, batchRows }: ReadRequest): AsyncGenerator<Batch, void, undefined> {
    const common = { kind: "rows" as const, columns: ["id", "name"] };
    let job = checkpoint?.job;
    if (job === undefined || !desk.jobs.has(job.ref)) {
      job = make((job?.madeTimes ?? 0) + 1);
      yield { ...common, rows: [], checkpoint: { ...checkpoint, job }, final: false };
    }
    signal.throwIfAborted();
    if (!desk.jobs.get(job.ref)?.hasEnded)
      throw new TransientError("source_job_running" as "source_unavailable", "reports: the job has not ended.", {
        retryAfterSeconds: 30,
      });
    for (let at = Number(checkpoint?.at ?? 0); at < desk.rows.length; ) {
      signal.throwIfAborted();
      const rows = desk.rows.slice(at, at + batchRows);
      at += rows.length;
      yield { ...common, rows, checkpoint: { job, at }, final: at === desk.rows.length };
    }
  }

  return {
    check: async () => [{ name: "read", ok: true, message: "Reports can be made.", fix: "" }],
    discover: async (keys) =>
      keys?.includes(REPORT.entityKey)
        ? [
            {
              ...{ ...REPORT, displayName: "Report", description: "", primaryKeyColumns: ["id"], cursorFields: [] },
              ...{ loadMode: "replace", dependsOn: [], slicing: { by: "none" }, sizeClass: "s", estimatedRows: null },
            },
          ]
        : [],
    async plan({ entityKey }) {
      if (entityKey !== REPORT.entityKey)
        throw new TerminalError("entity_unknown", `reports: there is no ${entityKey}.`, {
          fix: "Correct the entities.",
        });
      const slices = [{ stage: 0 as const, window: { by: "none" as const }, label: "1/1" }];
      return { spec: REPORT, slices, upperBound: null, evidence: { by: "none" } };
    },
    read,
    probe: async () => "none",
    close: async () => undefined,
  };
}
