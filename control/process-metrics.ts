import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { type Sample, sampleEach } from "../core/metrics.ts";
import type { Db } from "../db/client.ts";
import { isReachable } from "../db/ping.ts";
import { poolUse } from "../db/pool-use.ts";

const RESOLUTION_MS = 20;
const WINDOW_MS = 60_000;
const QUANTILES = [0.5, 0.99, 1];
const PING_PATIENCE_MS = 2_000;

/** What both processes tell of themselves. */
export function createProcessMetrics(options: { db: Db; version: string; process: "api" | "worker" }) {
  const { db, version, process } = options;
  const readDelay = measureEventLoopDelay();
  return {
    process(): Sample[] {
      const { size, open, idle, waiting } = poolUse(db);
      return [
        { name: "sluice_build_info", labels: { version, process }, value: 1 },
        ...QUANTILES.map((quantile) => ({
          name: "sluice_event_loop_delay_seconds" as const,
          labels: { quantile: String(quantile) },
          value: readDelay(quantile),
        })),
        { name: "sluice_database_pool_size", value: size },
        ...sampleEach("sluice_database_pool_connections", "state", { idle, used: open - idle }),
        { name: "sluice_database_pool_waiting", value: waiting },
      ];
    },
    async database(): Promise<Sample[]> {
      const reached = await Promise.race([isReachable(db), sleep(PING_PATIENCE_MS, false, { ref: false })]);
      return [{ name: "sluice_up_database", value: reached ? 1 : 0 }];
    },
  };
}

/**
 * Whoever scrapes how often, nothing is missed or told as new: two measurements take turns, and the older one answers.
 * @returns seconds by which timers were late, at a quantile of 0 to 1
 */
function measureEventLoopDelay(): (quantile: number) => number {
  const begin = () => {
    const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    histogram.enable();
    return histogram;
  };
  let [older, newer] = [begin(), begin()];
  setInterval(() => {
    older.reset();
    [older, newer] = [newer, older];
  }, WINDOW_MS / 2).unref();
  return (quantile) => {
    if (older.count === 0) return 0;
    const betweenTimers = quantile === 1 ? older.max : older.percentile(quantile * 100);
    return Math.max(betweenTimers / 1e9 - RESOLUTION_MS / 1000, 0);
  };
}
