import { onTestFinished } from "vitest";
import { createRedactor } from "../../../core/redact.ts";
import type { Checkpoint, Window } from "../../../core/slices.ts";
import type { RejectedRecord, RowsBatch } from "../../../providers/batch.ts";
import { httpApi } from "../../../providers/http_api/index.ts";
import type { EntityPlan, EntityReadSpec, PlanRequest, Source } from "../../../providers/provider.ts";
import { createRestServer, type RestServer } from "../../support/rest-server.ts";
import { createSharedConnection, LOOPBACK_EGRESS } from "../../support/shared-connection.ts";

export interface OpenApi {
  server: RestServer;
  source: Source;
  shared: ReturnType<typeof createSharedConnection>;
  plan(entityKey: string, changes?: Partial<PlanRequest>): Promise<EntityPlan>;
  /** All batches of a slice. */
  read(plan: EntityPlan, options?: ReadOptions): Promise<RowsBatch[]>;
}

interface ReadOptions {
  window?: Window;
  checkpoint?: Checkpoint;
  batchRows?: number;
  /** Batches, then the read is given up. */
  stopAfter?: number;
}

/** A source of this test on a server of its own. */
export async function openApi(
  config: { resources: object[] } & Record<string, unknown>,
  options: { secrets?: Record<string, string>; sourceConfig?: object; prepare?: (server: RestServer) => void } = {},
): Promise<OpenApi> {
  const server = await createRestServer();
  onTestFinished(() => server.close());
  options.prepare?.(server);
  const { secrets = {}, sourceConfig = {} } = options;
  const shared = createSharedConnection(secrets);
  const absolute = JSON.parse(JSON.stringify(config).replaceAll("http://here", server.baseUrl));
  const source = await httpApi.connect({
    config: httpApi.connectionSchema.parse({ baseUrl: server.baseUrl, ...absolute }),
    sourceConfig: httpApi.sourceConfigSchema.parse(sourceConfig),
    signal: new AbortController().signal,
    egress: LOOPBACK_EGRESS,
    ...{ secrets, shared, redactor: createRedactor(Object.values(secrets)) },
  });
  onTestFinished(() => source.close());
  return {
    ...{ server, source, shared },
    plan: (entityKey, changes) => source.plan({ ...FULL_SCAN, entityKey, ...changes }),
    async read(plan, { window, checkpoint = null, batchRows = 1000, stopAfter = Number.POSITIVE_INFINITY } = {}) {
      const batches: RowsBatch[] = [];
      const request = { spec: asStored(plan.spec), batchRows, batchBytes: 2 ** 30, checkpoint: asStored(checkpoint) };
      const windows = window ? [window] : plan.slices.map((slice) => slice.window);
      for (const each of windows) {
        for await (const batch of source.read({ ...request, window: each })) {
          if (batch.kind === "rows") batches.push(batch);
          if (batches.length >= stopAfter) return batches;
        }
      }
      return batches;
    },
  };
}

const FULL_SCAN: Omit<PlanRequest, "entityKey"> = {
  scan: "full",
  keyColumns: ["id"],
  cursorField: null,
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

/** One column of every row. */
export function cellsOf(batches: RowsBatch[], column: string): (string | null)[] {
  return batches.flatMap(({ columns, rows }) => [...rows].map((row) => row[columns.indexOf(column)] ?? null));
}

export function rejectsOf(batches: RowsBatch[]): RejectedRecord[] {
  return batches.flatMap(({ rejects = [] }) => rejects);
}

export function knownFrom(plan: EntityPlan): Map<string, EntityReadSpec> {
  return new Map([[plan.spec.entityKey, asStored(plan.spec)]]);
}

function asStored<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}
