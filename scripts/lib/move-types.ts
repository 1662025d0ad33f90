import { randomUUID } from "node:crypto";
import { copyBatches } from "../../activities/copy-batches.ts";
import { DEFAULT_ENTITY_RULES } from "../../core/entity-rules.ts";
import { createRedactor } from "../../core/redact.ts";
import type { RejectedRow } from "../../destinations/destination.ts";
import { createPostgresDestination } from "../../destinations/postgres.ts";
import { findProvider } from "../../providers/index.ts";
import { TYPES_TABLE } from "./every-type.ts";

/** Loads the table of every type into an empty warehouse, as a run would. */
export async function moveTypes(
  sourceUrl: string,
  warehouseUrl: string,
): Promise<{ table: string; columns: string[]; rejects: RejectedRow[] }> {
  const signal = new AbortController().signal;
  const source = await openSource(new URL(sourceUrl), signal);
  const destination = createPostgresDestination({ url: warehouseUrl });
  try {
    const entity = { entityKey: TYPES_TABLE, keyColumns: ["id"], cursorField: null };
    const { spec } = await source.plan({
      ...{ ...entity, scan: "full", cursorState: null, windows: false, windowSize: null, maxSlices: 1 },
      ...{ lookbackSeconds: null, safetyLagSeconds: null, catchUp: false, between: null, removes: false },
    });
    const planned = { chain: { rootRunId: randomUUID(), attempt: 1 }, planId: randomUUID(), entityKey: TYPES_TABLE };
    const table = { schema: "checked", table: "every_type" };
    await destination.ensureLedger();
    const target = await destination.prepareEntity({
      ...{ ...planned, ...table, ...entity, columns: spec.columns, loadMode: "upsert", complete: false },
      ...{ deploymentId: "versions-check", syncId: randomUUID(), formerOwners: [], confirmedPlan: null },
      ...{ fromScratch: false, keyComesLast: false },
      schemaPolicy: DEFAULT_ENTITY_RULES.schemaPolicy,
    });
    const window = { by: "none" as const };
    const writer = await destination.claimSlice({
      ...{ ...planned, target, sliceNo: 0, runId: randomUUID(), stage: 0, maxRejectedRows: null, signal, window },
    });
    const request = { spec, window, batchRows: 3, batchBytes: 2 ** 26 };
    await copyBatches(source, writer, request, { add: () => undefined }).finally(() => writer.close());
    const rejects = await destination.readRejects({ planId: planned.planId, limit: 10, recordBytes: 0 });
    return { table: "checked.every_type", columns: spec.columns.map(({ name }) => name), rejects };
  } finally {
    await Promise.all([source.close(), destination.close()]);
  }
}

export function openSource(url: URL, signal: AbortSignal) {
  const provider = findProvider("postgres");
  if (provider === null) throw new Error("There is no provider for Postgres.");
  const neverAsked = () => Promise.reject(new Error("Postgres shares nothing between its connections."));
  return provider.connect({
    config: provider.connectionSchema.parse({
      ...{ host: url.hostname, port: Number(url.port), database: url.pathname.slice(1) },
      ...{ user: decodeURIComponent(url.username), sslMode: "disable" },
    }),
    secrets: { password: decodeURIComponent(url.password) },
    sourceConfig: {},
    signal,
    redactor: createRedactor(),
    shared: {
      ...{ readTokens: neverAsked, renew: neverAsked, patienceSeconds: () => 0 },
      ...{ reserve: neverAsked, settle: neverAsked, block: neverAsked, lease: neverAsked, release: neverAsked },
    },
    egress: { allowPrivate: [], allowOnly: null },
  });
}
