import { type Run, type Sync, unwrap, waitForRun } from "../../client/index.ts";
import { compareEntity } from "../../scripts/demo/compare.ts";
import type { Bench } from "./bench.ts";
import { watchPeakRss } from "./memory.ts";
import type { Sample } from "./samples.ts";

export const SCHEMA = "bench";

export interface SyncSpec {
  /** `schema.table` at the source; without a schema, a table of public that an API serves. */
  entityKeys: string[];
  executionMode: Sync["executionMode"];
  /** Without one, every run reads everything. */
  cursorField?: string;
  connectionId?: string;
  executionConfig?: Sync["executionConfig"];
}

let made = 0;

/** An active sync whose tables nobody has used before. */
export async function createSync(bench: Bench, spec: SyncSpec): Promise<Sync> {
  const { entityKeys, executionMode, cursorField, connectionId = bench.connectionId, executionConfig = {} } = spec;
  const suffix = `${Date.now().toString(36)}_${++made}`;
  return unwrap(
    bench.sluice.POST("/api/v1/syncs", {
      body: {
        connectionId,
        name: `bench ${suffix}`,
        status: "active",
        entities: entityKeys,
        executionMode,
        executionConfig,
        destinationConfig: { schema: SCHEMA },
        tableBindings: entityKeys.map((entityKey) => ({
          entityKey,
          tableName: `${tableOf(entityKey).table}_${suffix}`,
          ...(cursorField === undefined ? {} : { cursorField }),
        })),
      },
    }),
  );
}

/** From the request that triggers it until the run has ended, by its own clock. */
export async function runSync(bench: Bench, sync: Sync): Promise<{ run: Run; sample: Sample }> {
  const memory = watchPeakRss(bench.info.pids.worker);
  const startedAt = Date.now();
  const { id } = await unwrap(
    bench.sluice.POST("/api/v1/syncs/{sync_id}/trigger", { params: { path: { sync_id: sync.id } }, body: {} }),
  );
  const run = await waitForRun(bench.sluice, id, { signal: bench.signal, mostMs: 250 });
  const seconds = (Date.parse(run.completedAt ?? "") - startedAt) / 1000;
  const fault = run.status === "succeeded" ? null : `${run.status}, ${run.resultReasonCode}: ${run.error}`;
  return { run, sample: { seconds, rows: Number(run.summary.rowsRead ?? 0), peakRssMb: memory.peakMb(), fault } };
}

/** The sample, with the fault where source and destination are not equal by count and checksum. */
export async function proveSample(bench: Bench, sync: Sync, sample: Sample): Promise<Sample> {
  if (sample.fault !== null) return sample;
  for (const { entityKey, physicalTableName } of sync.tableBindings) {
    const fault = await findDifference(bench, entityKey, { schema: SCHEMA, table: physicalTableName });
    if (fault !== null) return { ...sample, fault };
  }
  return sample;
}

/** Null where the table has the source's rows, and no others. */
export async function findDifference(
  bench: Bench,
  entityKey: string,
  table: { schema: string; table: string },
): Promise<string | null> {
  const { sourceRows, destinationRows, checksumEqual } = await compareEntity({
    entity: entityKey,
    source: { url: bench.info.demoSourceUrl, table: tableOf(entityKey) },
    destination: { url: bench.info.warehouseUrl, table },
  });
  if (sourceRows !== destinationRows)
    return `${entityKey}: ${sourceRows} rows at the source, ${destinationRows} loaded`;
  return checksumEqual ? null : `${entityKey}: the checksums differ`;
}

/** A first load by a sync of its own, proved, which leaves nothing behind. */
export async function measureFirstLoad(bench: Bench, spec: SyncSpec): Promise<Sample> {
  const sync = await createSync(bench, spec);
  const { sample } = await runSync(bench, sync);
  const proved = await proveSample(bench, sync, sample);
  await dropSync(bench, sync);
  return proved;
}

/** With its tables. */
export async function dropSync(bench: Bench, sync: Sync): Promise<void> {
  await unwrap(bench.sluice.DELETE("/api/v1/syncs/{sync_id}", { params: { path: { sync_id: sync.id } } }));
  for (const { physicalTableName } of sync.tableBindings) {
    await bench.warehouse.query(`drop table if exists ${SCHEMA}."${physicalTableName}"`);
  }
}

export function tableOf(entityKey: string): { schema: string; table: string } {
  const [table = "", schema = "public"] = entityKey.split(".").toReversed();
  return { schema, table };
}
