import type { Bench } from "../lib/bench.ts";
import { createLimitTable } from "../lib/limit-table.ts";
import { copyContender } from "../lib/limits.ts";
import { makeOrders, ORDERS } from "../lib/orders.ts";
import { race } from "../lib/race.ts";
import type { Outcome, Standing } from "../lib/samples.ts";
import { measureFirstLoad } from "../lib/syncs.ts";

/** Below it the fixed cost of a run shows, which is no part of growth. */
const FROM_ROWS = 100_000;

/** Ten times the rows, ten times the time. */
export async function scaling(bench: Bench): Promise<Outcome> {
  const standings: Standing[] = [];
  const sizes = [10_000, 100_000, 1_000_000, ...(bench.large ? [10_000_000] : [])];
  for (const rows of sizes.filter((size) => bench.large || size <= bench.rows)) {
    await makeOrders(bench, rows);
    const table = await createLimitTable(bench, ORDERS);
    const size = rows.toLocaleString("en-US");
    const measured = await race(bench, [
      copyContender(bench, `psql pipe, ${size}`, table),
      {
        name: `Sluice, ${size}`,
        run: () => measureFirstLoad(bench, { entityKeys: [ORDERS], executionMode: "fan_out_window" }),
      },
    ]);
    standings.push(...measured);
    await table.drop();
  }
  const speeds = standings
    .filter(({ name, rows }) => name.startsWith("Sluice") && rows >= FROM_ROWS)
    .map(({ rowsPerSecond }) => rowsPerSecond);
  const growth = (speeds.at(-1) ?? Number.NaN) / (speeds[0] ?? Number.NaN);
  return {
    title: "From few rows to many",
    standings,
    targets: speeds.length < 2 ? [] : [{ what: "rows/s, most rows / 100,000 rows", value: growth, atLeast: 0.9 }],
  };
}
