import type { Bench } from "./bench.ts";
import { createLimitTable } from "./limit-table.ts";
import { copyContender } from "./limits.ts";
import { race } from "./race.ts";
import { type Outcome, speedRatio } from "./samples.ts";
import { measureFirstLoad } from "./syncs.ts";

const PIPE = "psql pipe, one stream";
const SLUICE = "Sluice, fan_out_window";

/** First loads of one table, and what psql does with it. @param atLeast the ratio that is wanted */
export async function racePipe(
  bench: Bench,
  { title, entityKey, atLeast = 1 }: { title: string; entityKey: string; atLeast?: number },
): Promise<Outcome> {
  const table = await createLimitTable(bench, entityKey);
  const standings = await race(bench, [
    copyContender(bench, PIPE, table),
    {
      name: SLUICE,
      run: () => measureFirstLoad(bench, { entityKeys: [entityKey], executionMode: "fan_out_window" }),
    },
  ]);
  await table.drop();
  return {
    title,
    standings,
    targets: [{ what: "Sluice / one stream", value: speedRatio(standings, SLUICE, PIPE), atLeast }],
  };
}
