import { cellsOf, NULL_CELL, unescapeCell } from "../../core/copy-text.ts";
import type { Cells } from "../../core/row-list.ts";
import type { Checkpoint } from "../../core/slices.ts";
import type { Batch, FileMark, RejectedRecord } from "../../providers/batch.ts";
import { type FileResource, fileResourceSchema } from "../../providers/lib/files/config.ts";
import { createFileSource, type FileSource } from "../../providers/lib/files/source.ts";
import type { FileStore } from "../../providers/lib/files/store.ts";
import type { EntityPlan, KnownSpecs, PlanRequest, ReadRequest } from "../../providers/provider.ts";

export function resourceOf(config: Record<string, unknown>): FileResource {
  return fileResourceSchema.parse({ name: "t", pathGlob: "**", format: { type: "csv" }, ...config });
}

export function sourceOf(
  store: FileStore,
  config: Record<string, unknown> = {},
  signal: AbortSignal = new AbortController().signal,
): FileSource {
  const files = [resourceOf(config)];
  return createFileSource({ place: "test: memory", store, files, minAgeSeconds: 0, signal });
}

export function manifestOf(marks: readonly FileMark[], generation = "g1"): NonNullable<PlanRequest["manifest"]> {
  const sorted = [...marks].sort((a, b) => Buffer.compare(Buffer.from(a.fileId), Buffer.from(b.fileId)));
  return {
    generation,
    async *pages() {
      for (let at = 0; at < sorted.length; at += 2) yield sorted.slice(at, at + 2);
    },
  };
}

export function planRequestOf(overrides: Partial<PlanRequest> = {}): PlanRequest {
  return {
    ...{ entityKey: "t", scan: "incremental", keyColumns: ["_file_path", "_row_number"], cursorField: null },
    ...{ cursorState: null, windows: true, windowSize: null, maxSlices: 500, lookbackSeconds: null },
    ...{ safetyLagSeconds: null, between: null, catchUp: false, removes: false, manifest: manifestOf([]) },
    ...overrides,
  };
}

export interface ReadBatch {
  kind: Batch["kind"];
  rows: Cells[];
  rejects: RejectedRecord[];
  files: FileMark[];
  stale: Cells[];
  checkpoint: Checkpoint;
  bytes: number;
}

export interface ReadOptions extends Partial<Pick<ReadRequest, "batchRows" | "batchBytes" | "checkpoint" | "warn">> {
  /** Stops there. */
  batches?: number;
}

/** Batches of a slice as plain values, in order. COPY data is asked for as text. */
export async function readSlice(
  source: FileSource,
  plan: EntityPlan,
  slice: number,
  { batches: most = Number.POSITIVE_INFINITY, ...overrides }: ReadOptions = {},
): Promise<ReadBatch[]> {
  const window = plan.slices[slice]?.window;
  if (window === undefined) throw new Error(`the plan has no slice ${slice}`);
  const request = {
    batchRows: 1_000_000,
    batchBytes: 64 * 1024 * 1024,
    checkpoint: null,
    asText: "all" as const,
    ...overrides,
  };
  const found: ReadBatch[] = [];
  for await (const batch of source.read({ spec: plan.spec, window, ...request })) {
    found.push(await unfold(batch));
    if (found.length >= most) break;
  }
  return found;
}

async function unfold(batch: Batch): Promise<ReadBatch> {
  if (batch.kind === "tables") throw new Error("files give no batch of several tables");
  const rows: Cells[] = [];
  let bytes = 0;
  if (batch.kind === "rows") rows.push(...batch.rows);
  else {
    const chunks: Buffer[] = [];
    // Copied: its memory is used again.
    for await (const chunk of batch.stream) {
      chunks.push(Buffer.from(chunk));
      batch.recycle?.(chunk);
    }
    const text = Buffer.concat(chunks);
    bytes = text.length;
    for (let from = 0; from < text.length; ) {
      const end = text.indexOf(0x0a, from);
      if (end === -1) throw new Error("the last line has no end");
      rows.push(
        cellsOf(text.subarray(from, end + 1)).map((c) => (c.equals(NULL_CELL) ? null : unescapeCell(c.toString()))),
      );
      from = end + 1;
    }
  }
  for (const row of rows) {
    if (row.length !== batch.columns.length) throw new Error(`a row has ${row.length} cells: ${JSON.stringify(row)}`);
  }
  return {
    ...{ kind: batch.kind, rows, bytes, rejects: batch.kind === "rows" ? (batch.rejects ?? []) : [] },
    ...{ files: [...(batch.files ?? [])], stale: [...(batch.stale?.rows ?? [])] },
    // As the ledger keeps it.
    checkpoint: structuredClone(batch.checkpoint),
  };
}

export interface Load {
  columns: string[];
  types: Record<string, string>;
  rows: Record<string, string | null>[];
  rejects: RejectedRecord[];
  files: FileMark[];
  stale: Cells[];
  plan: EntityPlan;
  description: string;
}

/** Discovers, plans and reads everything. */
export async function loadAll(
  source: FileSource,
  { known, request = {}, read = {} }: { known?: KnownSpecs; request?: Partial<PlanRequest>; read?: ReadOptions } = {},
): Promise<Load> {
  const [entity] = await source.discover(["t"], known);
  if (entity?.failure) throw entity.failure;
  const plan = await source.plan(planRequestOf(request));
  const columns = plan.spec.columns.map(({ name }) => name);
  const batches: ReadBatch[] = [];
  for (const index of plan.slices.keys()) batches.push(...(await readSlice(source, plan, index, read)));
  return {
    ...{ columns, plan, types: Object.fromEntries(plan.spec.columns.map(({ name, type }) => [name, type])) },
    rows: batches.flatMap(({ rows }) =>
      rows.map((row) => Object.fromEntries(columns.map((name, index) => [name, row[index] ?? null]))),
    ),
    rejects: batches.flatMap(({ rejects }) => rejects),
    files: batches.flatMap(({ files }) => files),
    stale: batches.flatMap(({ stale }) => stale),
    description: entity?.description ?? "",
  };
}

/** Without what each row says of its file. */
export function withoutFile(row: Record<string, string | null>): Record<string, string | null> {
  return Object.fromEntries(
    Object.entries(row).filter(
      ([name, cell]) => !name.startsWith("_file") && (name !== "_unmapped" || cell !== null) && name !== "_row_number",
    ),
  );
}
