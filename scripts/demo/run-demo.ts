import type { RunJson } from "../../api/schemas/runs.ts";
import type { SyncJson } from "../../api/schemas/syncs.ts";
import { isTerminal } from "../../core/run-lifecycle.ts";
import type { StackInfo } from "../lib/stack.ts";
import { type Api, createApi } from "./api.ts";
import { changeShop } from "./change-shop.ts";
import { type Comparison, compareEntity } from "./compare.ts";
import { defineSync, ENTITIES, SYNC_SLUG } from "./define-sync.ts";
import { followRun } from "./follow-run.ts";
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

/** Seeds, loads, compares, changes, loads the changes, compares again, and says what it does as it goes. */
export async function runDemo(options: DemoOptions): Promise<DemoReport> {
  const { info, orders } = options;
  const api = createApi(info.apiUrl);
  const print = (line: string) => options.output.write(`${line}\n`);

  await finishInterruptedRun(api, options);
  print(`\nSource: a shop with ${format(orders)} orders`);
  const seeded = await seedShop({ url: info.demoSourceUrl, orders, onTable: (name) => print(`  seeding ${name}`) });
  if (!seeded) print("  is there from an earlier demo");

  const { sync, isNew } = await defineSync(api, info.demoSourceUrl);
  const all = await countShop(info.demoSourceUrl);
  const first = await load(api, sync, { runMode: isNew ? "incremental" : "full_refresh", expected: all }, options);
  const loaded = await compare(await api.getSync(sync.id), info, print);

  print("\nChanging and adding rows at the source");
  const changes = await changeShop({ url: info.demoSourceUrl, orders });
  const second = await load(api, sync, { runMode: "incremental", expected: changes }, options);
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
async function finishInterruptedRun(api: Api, options: DemoOptions): Promise<void> {
  const { info, signal, output } = options;
  const sync = await api.findSync(SYNC_SLUG);
  const run = sync === null ? null : await api.newestRun(sync.id);
  if (run === null || isTerminal(run.status)) return;
  output.write(`\nFirst run ${run.id}, which an earlier demo did not see to its end\n`);
  const bars = createProgressBars(output, await countShop(info.demoSourceUrl));
  await followRun(api, run.id, { signal, onRun: bars.show });
  bars.close();
}

/** @param request.expected rows by entity key, for the bars */
async function load(
  api: Api,
  sync: SyncJson,
  request: { runMode: RunJson["runMode"]; expected: Record<string, number> },
  options: DemoOptions,
): Promise<RunJson> {
  const { signal, output } = options;
  const run = await api.triggerSync(sync.id, { runMode: request.runMode });
  output.write(`\nRun ${run.id}, ${request.runMode}, ${sync.executionMode}\n`);
  const bars = createProgressBars(output, request.expected);
  const ended = await followRun(api, run.id, { signal, onRun: bars.show });
  bars.close();
  if (ended.error !== null) output.write(`  ${ended.resultReasonCode}: ${ended.error}\n`);
  return ended;
}

async function compare(sync: SyncJson, info: StackInfo, print: (line: string) => void): Promise<Comparison[]> {
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
