import type { Bench } from "../lib/bench.ts";
import { makeOrders, ORDERS } from "../lib/orders.ts";
import { race } from "../lib/race.ts";
import type { Outcome } from "../lib/samples.ts";
import { createSync, dropSync, proveSample, runSync } from "../lib/syncs.ts";

const SLUICE = "Sluice, nothing new";
/** Of a size whose first load does not matter. */
const MOST_ROWS = 100_000;

/** A scheduled run of a source where nothing has happened: from the trigger to the end of the run. */
export async function nothingNew(bench: Bench): Promise<Outcome> {
  await makeOrders(bench, Math.min(bench.rows, MOST_ROWS));
  const sync = await createSync(bench, {
    entityKeys: [ORDERS],
    executionMode: "fan_out_window",
    cursorField: "updated_at",
  });
  await runSync(bench, sync);
  const standings = await race(bench, [
    { name: SLUICE, run: async () => proveSample(bench, sync, (await runSync(bench, sync)).sample) },
  ]);
  await dropSync(bench, sync);
  return {
    title: "Nothing new",
    standings,
    targets: [
      { what: "seconds from trigger to terminal", value: standings[0]?.seconds.median ?? Number.NaN, atMost: 1 },
    ],
  };
}
