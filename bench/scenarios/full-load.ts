import type { Bench } from "../lib/bench.ts";
import { createLimitTable } from "../lib/limit-table.ts";
import { copyContender } from "../lib/limits.ts";
import { makeOrders, ORDERS } from "../lib/orders.ts";
import { aheadOfPeers, fullPeers } from "../lib/peers.ts";
import { race } from "../lib/race.ts";
import { type Outcome, speedRatio } from "../lib/samples.ts";
import { measureFirstLoad } from "../lib/syncs.ts";

const PIPE = "psql pipe, one stream";
const TWO_STREAMS = "psql pipe, two streams";
const FAN_OUT = "Sluice, fan_out_window";
const SEQUENTIAL = "Sluice, sequential";

export async function fullLoad(bench: Bench): Promise<Outcome> {
  await makeOrders(bench, bench.rows);
  const table = await createLimitTable(bench, ORDERS);
  const half = Math.floor(bench.rows / 2);
  const sluice = (name: string, executionMode: "fan_out_window" | "sequential") => ({
    name,
    run: () => measureFirstLoad(bench, { entityKeys: [ORDERS], executionMode }),
  });
  const standings = await race(bench, [
    copyContender(bench, PIPE, table),
    sluice(FAN_OUT, "fan_out_window"),
    copyContender(bench, TWO_STREAMS, table, [`id <= ${half}`, `id > ${half}`]),
    sluice(SEQUENTIAL, "sequential"),
    ...fullPeers(bench),
  ]);
  await table.drop();
  const ratio = (name: string, than: string) => speedRatio(standings, name, than);
  const rss = Math.max(
    ...standings.filter(({ name }) => name.startsWith("Sluice")).map(({ peakRssMb }) => peakRssMb ?? Number.NaN),
  );
  return {
    title: "Full load",
    standings,
    targets: [
      { what: "fan_out_window / one stream", value: ratio(FAN_OUT, PIPE), atLeast: 1 },
      { what: "fan_out_window / two streams", value: ratio(FAN_OUT, TWO_STREAMS), atLeast: 0.95 },
      { what: "sequential / one stream", value: ratio(SEQUENTIAL, PIPE), atLeast: 0.9 },
      ...aheadOfPeers(standings, FAN_OUT, 1.8),
      { what: "peak memory of the worker, MB", value: rss, atMost: 250 },
    ],
  };
}
