import { createSluiceClient, type Run, type SluiceClient, type Sync, unwrap, waitForRun } from "../../client/index.ts";
import type { StackInfo } from "../lib/stack.ts";
import { changeShop } from "./change-shop.ts";
import { type Comparison, compareEntity } from "./compare.ts";
import { defineSync, ENTITIES, findSync } from "./define-sync.ts";
import { createProgressBars, entityOf, format } from "./progress-bars.ts";
import { countShop, seedShop } from "./seed-shop.ts";

export interface DemoReport {
  ok: boolean;
  /** Source and destination at the end, after both runs. */
  entities: Comparison[];
  /** The run that loaded everything. */
  runId: string;
  runStatus: string;
  /** The run after rows were changed and added at the source. */
  incremental: {
    runId: string;
    runStatus: string;
    entities: { entity: string; changedRows: number; movedRows: number }[];
  };
}

export interface DemoOptions {
  info: StackInfo;
  orders: number;
  signal: AbortSignal;
  output: NodeJS.WriteStream;
}

/** Often enough for bars that move. */
const POLL_MS = 300;

/** Seeds, loads, compares, changes, loads the changes, compares again, and says what it does as it goes. */
export async function runDemo(options: DemoOptions): Promise<DemoReport> {
  const { info, orders } = options;
  // The worker starts beside the API, and is asked for before it is up.
  const sluice = createSluiceClient({ baseUrl: info.apiUrl, retryForSeconds: 60 });
  const print = (line: string) => options.output.write(`${line}\n`);

  await finishInterruptedRun(sluice, options);
  print(`\nSource: a shop with ${format(orders)} orders`);
  const seeded = await seedShop({ url: info.demoSourceUrl, orders, onTable: (name) => print(`  seeding ${name}`) });
  if (!seeded) print("  is there from an earlier demo");

  const { sync, isNew } = await defineSync(sluice, info.demoSourceUrl);
  const all = await countShop(info.demoSourceUrl);
  const first = await load(sluice, sync, { runMode: isNew ? "incremental" : "full_refresh", expected: all }, options);
  const loaded = await compare(
    await unwrap(sluice.GET("/api/v1/syncs/{sync_id}", { params: { path: { sync_id: sync.id } } })),
    info,
    print,
  );

  print("\nChanging and adding rows at the source");
  const changes = await changeShop({ url: info.demoSourceUrl, orders });
  const second = await load(sluice, sync, { runMode: "incremental", expected: changes }, options);
  const moved = ENTITIES.map((entity) => ({
    entity,
    changedRows: changes[entity] ?? 0,
    movedRows: entityOf(second, entity).rows,
  }));
  for (const { entity, changedRows, movedRows } of moved) {
    print(`  ${entity.padEnd(22)} ${format(changedRows).padStart(9)} changed, ${format(movedRows).padStart(9)} moved`);
  }
  const entities = await compare(sync, info, print);

  const succeeded = first.status === "succeeded" && second.status === "succeeded";
  const onlyChanges = moved.every(({ changedRows, movedRows }) => changedRows === movedRows);
  print(`\nThe first run, as the API has it (GET ${info.apiUrl}/api/v1/syncs/runs/${first.id}):`);
  print(JSON.stringify(first, null, 2));
  print(`\n  API                     ${info.apiUrl}`);
  print(`  API docs                ${info.docsUrl}`);
  print(`  This run in Temporal    ${first.backendRunUrl}`);
  print(`  The incremental run     ${second.backendRunUrl}`);
  return {
    ok: succeeded && onlyChanges && [...loaded, ...entities].every(agrees),
    entities,
    runId: first.id,
    runStatus: first.status,
    incremental: { runId: second.id, runStatus: second.status, entities: moved },
  };
}

/** A demo that was stopped in the middle left a run, which goes on as soon as a worker is there again. */
async function finishInterruptedRun(sluice: SluiceClient, options: DemoOptions): Promise<void> {
  const { info, signal, output } = options;
  const sync = await findSync(sluice);
  if (sync === null) return;
  const newest = { path: { sync_id: sync.id }, query: { limit: 1 } };
  const { runs } = await unwrap(sluice.GET("/api/v1/syncs/{sync_id}/runs", { params: newest }));
  const run = runs[0];
  if (run === undefined || run.completedAt !== null) return;
  output.write(`\nFirst run ${run.id}, which an earlier demo did not see to its end\n`);
  const bars = createProgressBars(output, await countShop(info.demoSourceUrl));
  await waitForRun(sluice, run.id, { signal, onRun: bars.show, mostMs: POLL_MS });
  bars.close();
}

/** @param request.expected rows by entity key, for the bars */
async function load(
  sluice: SluiceClient,
  sync: Sync,
  request: { runMode: Run["runMode"]; expected: Record<string, number> },
  options: DemoOptions,
): Promise<Run> {
  const { signal, output } = options;
  const run = await unwrap(
    sluice.POST("/api/v1/syncs/{sync_id}/trigger", {
      params: { path: { sync_id: sync.id } },
      body: { runMode: request.runMode },
    }),
  );
  output.write(`\nRun ${run.id}, ${request.runMode}, ${sync.executionMode}\n`);
  const bars = createProgressBars(output, request.expected);
  const ended = await waitForRun(sluice, run.id, { signal, onRun: bars.show, mostMs: POLL_MS });
  bars.close();
  if (ended.error !== null) output.write(`  ${ended.resultReasonCode}: ${ended.error}\n`);
  return ended;
}

async function compare(sync: Sync, info: StackInfo, print: (line: string) => void): Promise<Comparison[]> {
  print("\nComparing source and destination: rows, and a checksum over every column");
  const schema = typeof sync.destinationConfig.schema === "string" ? sync.destinationConfig.schema : sync.providerKey;
  const comparisons: Comparison[] = [];
  for (const binding of sync.tableBindings) {
    const [sourceSchema = "", sourceTable = ""] = binding.entityKey.split(".");
    const comparison = await compareEntity({
      entity: binding.entityKey,
      source: { url: info.demoSourceUrl, table: { schema: sourceSchema, table: sourceTable } },
      destination: { url: info.warehouseUrl, table: { schema, table: binding.physicalTableName } },
    });
    const { entity, sourceRows, destinationRows } = comparison;
    const verdict = agrees(comparison) ? "equal" : "DIFFERENT";
    const counts = `${format(sourceRows).padStart(9)} in the source, ${format(destinationRows).padStart(9)} in the warehouse`;
    print(`  ${entity.padEnd(22)} ${counts}  ${verdict}`);
    comparisons.push(comparison);
  }
  return comparisons;
}

function agrees({ sourceRows, destinationRows, checksumEqual }: Comparison): boolean {
  return sourceRows === destinationRows && checksumEqual;
}
