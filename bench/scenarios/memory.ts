import type { Bench } from "../lib/bench.ts";
import { rssMb } from "../lib/memory.ts";
import { makeOrders, ORDERS } from "../lib/orders.ts";
import { median, type Outcome, standingOf } from "../lib/samples.ts";
import { measureFirstLoad } from "../lib/syncs.ts";

const SAMPLE_MS = 1_000;

/** One long load; the worker's memory second by second. */
export async function memory(bench: Bench): Promise<Outcome> {
  await makeOrders(bench, bench.rows * (bench.large ? 10 : 3));
  const seen: number[] = [];
  const timer = setInterval(() => seen.push(rssMb(bench.info.pids.worker) ?? Number.NaN), SAMPLE_MS);
  const sample = await measureFirstLoad(bench, { entityKeys: [ORDERS], executionMode: "fan_out_window" });
  clearInterval(timer);
  const loading = seen.slice(0, Math.ceil(sample.seconds));
  bench.say(`  MB by second: ${loading.map(Math.round).join(" ")}`);
  const third = Math.max(1, Math.floor(loading.length / 3));
  const growth = median(loading.slice(-third)) - median(loading.slice(third, -third));
  return {
    title: "Memory over a long load",
    standings: [standingOf("Sluice, fan_out_window", [sample])],
    targets: [{ what: "growth from the middle third to the last, MB", value: growth, atMost: 30 }],
  };
}
