import type { Bench } from "../lib/bench.ts";
import { createLimitTable } from "../lib/limit-table.ts";
import { copyContender, mergeContender } from "../lib/limits.ts";
import { changeOrders, makeOrders, ORDERS, type OrdersDelta } from "../lib/orders.ts";
import { aheadOfPeers, fullPeers, incrementalPeers } from "../lib/peers.ts";
import { race } from "../lib/race.ts";
import { type Outcome, speedRatio } from "../lib/samples.ts";
import { createSync, dropSync, proveSample, runSync } from "../lib/syncs.ts";

const LIMIT = "psql: COPY, analyze, insert .. on conflict";
const SLUICE = "Sluice, incremental";

export async function incremental(bench: Bench): Promise<Outcome> {
  await makeOrders(bench, bench.rows);
  const table = await createLimitTable(bench, ORDERS);
  // All of them begin with a full table.
  const begun = await copyContender(bench, LIMIT, table).run();
  if (begun.fault !== null) throw new Error(begun.fault);
  for (const peer of fullPeers(bench)) await peer.run();
  const sync = await createSync(bench, {
    entityKeys: [ORDERS],
    executionMode: "fan_out_window",
    cursorField: "updated_at",
  });
  await runSync(bench, sync);

  let delta: OrdersDelta = { where: "false", since: "" };
  const standings = await race(
    bench,
    [
      mergeContender(bench, LIMIT, table, () => delta.where),
      { name: SLUICE, run: async () => proveSample(bench, sync, (await runSync(bench, sync)).sample) },
      ...incrementalPeers(bench, () => delta.since),
    ],
    async (round) => {
      delta = await changeOrders(bench, bench.rows, round);
    },
  );
  await dropSync(bench, sync);
  await table.drop();
  return {
    title: "Incremental merge",
    standings,
    targets: [
      { what: "incremental / limit", value: speedRatio(standings, SLUICE, LIMIT), atLeast: 0.9 },
      ...aheadOfPeers(standings, SLUICE, 1.3),
    ],
  };
}
