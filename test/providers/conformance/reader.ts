import type pg from "pg";
import { TransientError } from "../../../core/errors.ts";
import { createRedactor } from "../../../core/redact.ts";
import type { Checkpoint } from "../../../core/slices.ts";
import type { Batch, TableRows, TablesBatch } from "../../../providers/batch.ts";
import type { EntityPlan, PlanRequest, ReadRequest, SharedConnection, Source } from "../../../providers/provider.ts";
import { createSharedConnection, LOOPBACK_EGRESS } from "../../support/shared-connection.ts";
import { createReadBack, type ReadBack } from "../read-back.ts";
import type { ProviderHarness } from "./harness.ts";

export const FULL_SCAN: Omit<PlanRequest, "entityKey" | "keyColumns" | "cursorField"> = {
  scan: "full",
  cursorState: null,
  windows: false,
  windowSize: null,
  maxSlices: 100,
  lookbackSeconds: null,
  safetyLagSeconds: null,
  catchUp: false,
  removes: false,
  between: null,
};

export interface OpenOptions {
  secrets?: Record<string, string>;
  signal?: AbortSignal;
  shared?: SharedConnection;
}

export interface Page {
  rows: string[];
  checkpoint: Checkpoint;
  final: boolean;
  /** Of a batch of several tables. */
  tables?: Record<string, TableRows>;
}

/** A harness and ways to read it, as the activities would. */
export interface Reader {
  readonly harness: ProviderHarness;
  withSource<T>(work: (source: Source) => Promise<T>, options?: OpenOptions): Promise<T>;
  planned(changes?: Partial<PlanRequest>): Promise<EntityPlan>;
  /** Small pages; `batchRows` below the number of rows that share a cursor. */
  requestOf(plan: EntityPlan, sliceNo: number, checkpoint: Checkpoint, batchRows?: number): ReadRequest;
  /** Reads on from a checkpoint, as JSON took it to the ledger and back, until a job at the source that is waited for has ended, too. */
  readOn(request: ReadRequest, readBack: ReadBack, stopAfter?: number): Promise<Page[]>;
  readBackOf(plan: EntityPlan, entityKey?: string): Promise<ReadBack>;
  readAll(plan: EntityPlan, batchRows?: number): Promise<string[]>;
}

/** A wait for a job that never ends is a fault. */
const MOST_WAITS = 20;

export function createReader(harness: ProviderHarness, client: pg.Client): Reader {
  async function withSource<T>(work: (source: Source) => Promise<T>, options: OpenOptions = {}): Promise<T> {
    const { provider } = harness;
    const { secrets = harness.secrets, signal = new AbortController().signal } = options;
    const source = await provider.connect({
      config: provider.connectionSchema.parse(harness.config),
      sourceConfig: provider.sourceConfigSchema.parse(harness.sourceConfig),
      ...{ secrets, signal, egress: LOOPBACK_EGRESS },
      redactor: createRedactor(Object.values(secrets)),
      shared: options.shared ?? createSharedConnection(secrets),
    });
    try {
      return await work(source);
    } finally {
      await source.close();
    }
  }

  /** @returns whether the slice is read, or a job has to end first */
  async function readSome(
    request: ReadRequest,
    readBack: ReadBack,
    stopAfter: number,
    pages: Page[],
  ): Promise<boolean> {
    const checkpoint = pages.at(-1)?.checkpoint ?? request.checkpoint;
    try {
      return await withSource(async (source) => {
        for await (const batch of source.read({ ...request, checkpoint: asStored(checkpoint) })) {
          if (pages.length === stopAfter) return true;
          pages.push(await pageOf(batch, readBack, request.spec.entityKey));
        }
        return true;
      });
    } catch (error) {
      const waits = error instanceof TransientError && (error.reasonCode as string) === "source_job_running";
      if (!waits || harness.job === undefined) throw error;
      harness.job.finish();
      return false;
    }
  }

  const reader: Reader = {
    harness,
    withSource,
    planned: (changes = {}) =>
      withSource((source) => source.plan({ ...FULL_SCAN, ...harness.entity, ...membersOf(harness), ...changes })),
    requestOf(plan, sliceNo, checkpoint, batchRows = 30) {
      const slice = plan.slices[sliceNo];
      if (slice === undefined) throw new Error(`the plan has no slice ${sliceNo}`);
      return { spec: plan.spec, window: slice.window, checkpoint, batchRows, batchBytes: 2 ** 30 };
    },
    async readOn(request, readBack, stopAfter = Number.POSITIVE_INFINITY) {
      const pages: Page[] = [];
      for (let waits = 0; !(await readSome(request, readBack, stopAfter, pages)); waits++)
        if (waits === MOST_WAITS) throw new Error(`the source had to be waited for ${MOST_WAITS} times`);
      return pages;
    },
    readBackOf: (plan, entityKey) =>
      createReadBack(client, (plan.spec.members?.find((each) => each.entityKey === entityKey) ?? plan.spec).columns),
    async readAll(plan, batchRows) {
      const readBack = await reader.readBackOf(plan);
      const rows: string[] = [];
      for (const sliceNo of plan.slices.keys()) {
        const pages = await reader.readOn(reader.requestOf(plan, sliceNo, null, batchRows), readBack);
        rows.push(...pages.flatMap((page) => page.rows));
      }
      return rows;
    },
  };
  return reader;
}

function membersOf({ children }: ProviderHarness): Pick<PlanRequest, "members"> {
  return children === undefined ? {} : { members: [children.member] };
}

async function pageOf(batch: Batch | TablesBatch, readBack: ReadBack, entityKey: string): Promise<Page> {
  const rows = await readBack.rowsOf(batch, entityKey);
  const { checkpoint, final } = batch;
  return { rows, checkpoint, final, ...(batch.kind === "tables" ? { tables: heldTables(batch) } : {}) };
}

/** With rows that can be compared. */
function heldTables({ tables }: TablesBatch): Record<string, TableRows> {
  return Object.fromEntries(Object.entries(tables).map(([key, table]) => [key, { ...table, rows: [...table.rows] }]));
}

/** Where the next run reads from when everything of the plan has been read. */
export function stateAfter(plan: EntityPlan, pages: readonly Page[]): string | null {
  return plan.evidence.cursorFollows === "feed" ? (pages.at(-1)?.checkpoint?.cursor ?? null) : plan.upperBound;
}

export function asStored<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

export async function consume(batch: Batch | TablesBatch): Promise<void> {
  if (batch.kind === "copy") for await (const _ of batch.stream);
}
