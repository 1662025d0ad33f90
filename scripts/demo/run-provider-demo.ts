import { createSluiceClient, type Run, type SluiceClient, type Sync, unwrap, waitForRun } from "../../client/index.ts";
import type { StackInfo } from "../lib/stack.ts";
import { compareWithSource, type TableComparison } from "./compare-with-source.ts";
import { createProgressBars, format } from "./progress-bars.ts";
import type { DemoSource, ExpectedTable, ProviderDemo } from "./provider-demo.ts";

export interface ProviderDemoReport {
  ok: boolean;
  provider: string;
  ranAgainst: string;
  /** Source and destination at the end, after both runs. */
  entities: TableComparison[];
  runId: string;
  runStatus: string;
  incremental: { runId: string; runStatus: string };
}

type ProviderKey = Sync["providerKey"];

interface Options {
  key: ProviderKey;
  demo: ProviderDemo;
  info: StackInfo;
  signal: AbortSignal;
  log: (line: string) => void;
  output: NodeJS.WriteStream;
}

const POLL_MS = 300;

/**
 * Starts the source, loads it, compares, changes it, runs incrementally, compares again, and says what it does as it goes.
 * @param afterwards is awaited before the source is stopped
 */
export async function runProviderDemo(
  options: Options,
  afterwards: (report: ProviderDemoReport) => Promise<void>,
): Promise<ProviderDemoReport> {
  const { key, demo, info, signal, log, output } = options;
  const print = (line: string) => output.write(`${line}\n`);
  const sluice = createSluiceClient({ baseUrl: info.apiUrl, retryForSeconds: 60 });
  const source = await demo.start({ signal, log });
  try {
    print(`\nProvider ${key}, against ${source.ranAgainst}`);
    const sync = await defineSync(sluice, source, key);
    const first = await load(sluice, sync, rowsOf(await source.expected()), options);
    const loaded = await compare(sync, source, info, print);

    print("\nAt the source:");
    for (const line of await source.change()) print(`  ${line}`);
    // What has changed goes into the tables, and no more: how many rows of each that is, the source does not say.
    const changed = Object.fromEntries(Object.keys(await source.expected()).map((entityKey) => [entityKey, null]));
    const second = await load(sluice, sync, changed, options);
    const entities = await compare(sync, source, info, print);

    print(`\n  API                     ${info.apiUrl}`);
    print(`  The first run           ${first.backendRunUrl}`);
    print(`  The incremental run     ${second.backendRunUrl}`);
    print(`  Ran against             ${source.ranAgainst}`);
    const succeeded = first.status === "succeeded" && second.status === "succeeded";
    const report = {
      ok: succeeded && [...loaded, ...entities].every(({ equal }) => equal),
      ...{ provider: key, ranAgainst: source.ranAgainst, entities, runId: first.id, runStatus: first.status },
      incremental: { runId: second.id, runStatus: second.status },
    };
    await afterwards(report);
    return report;
  } finally {
    await source.stop();
  }
}

/** Another source at each start, so another connection and sync: their names end in the time. */
async function defineSync(sluice: SluiceClient, source: DemoSource, provider: ProviderKey): Promise<Sync> {
  const stamp = new Date().toISOString().replace(/\D/g, "").slice(0, 14);
  const { id } = await unwrap(
    sluice.POST("/api/v1/connections", { body: { name: `Demo ${provider} ${stamp}`, provider, ...source.connection } }),
  );
  const checked = await unwrap(
    sluice.POST("/api/v1/connections/{connection_id}/check", { params: { path: { connection_id: id } } }),
  );
  if (checked.status !== "ok") throw new Error(`the connection's check failed: ${JSON.stringify(checked.checks)}`);
  return unwrap(
    sluice.POST("/api/v1/syncs", {
      body: {
        ...source.sync,
        connectionId: id,
        name: `Demo ${provider} ${stamp}`,
        status: "active",
        // Tables of its own, so that an earlier demo's rows are not taken for this one's.
        destinationConfig: { schema: `demo_${provider}_${stamp}` },
      },
    }),
  );
}

function rowsOf(tables: Record<string, ExpectedTable>): Record<string, number> {
  return Object.fromEntries(Object.entries(tables).map(([entityKey, { rows }]) => [entityKey, rows.length]));
}

/** @param expected as in `createProgressBars` */
async function load(
  sluice: SluiceClient,
  sync: Sync,
  expected: Record<string, number | null>,
  { signal, output }: Options,
): Promise<Run> {
  const params = { path: { sync_id: sync.id } };
  const run = await unwrap(
    sluice.POST("/api/v1/syncs/{sync_id}/trigger", { params, body: { runMode: "incremental" } }),
  );
  output.write(`\nRun ${run.id}, incremental, ${sync.executionMode}\n`);
  const bars = createProgressBars(output, expected);
  const ended = await waitForRun(sluice, run.id, { signal, onRun: bars.show, mostMs: POLL_MS });
  bars.close();
  if (ended.error !== null) output.write(`  ${ended.resultReasonCode}: ${ended.error}\n`);
  return ended;
}

async function compare(
  sync: Sync,
  source: DemoSource,
  info: StackInfo,
  print: (line: string) => void,
): Promise<TableComparison[]> {
  print("\nComparing what the source says of itself with the warehouse:");
  const schema = String(sync.destinationConfig.schema);
  const expected = await source.expected();
  const width = Math.max(26, ...Object.keys(expected).map(({ length }) => length));
  const comparisons: TableComparison[] = [];
  for (const [entity, table] of Object.entries(expected)) {
    const binding = sync.tableBindings.find(({ entityKey }) => entityKey === entity);
    if (binding === undefined) throw new Error(`the demo expects ${entity}, which its sync does not load`);
    const at = { url: info.warehouseUrl, schema, table: binding.physicalTableName };
    const comparison = await compareWithSource(entity, table, at);
    const { sourceRows, destinationRows, equal, firstDifference } = comparison;
    const counts = `${format(sourceRows).padStart(9)} in the source, ${format(destinationRows).padStart(9)} in the warehouse`;
    print(`  ${entity.padEnd(width)} ${counts}  ${equal ? "equal" : "DIFFERENT"}  (${table.columns.join(", ")})`);
    if (firstDifference !== null) print(`    first difference: ${firstDifference}`);
    comparisons.push(comparison);
  }
  return comparisons;
}
