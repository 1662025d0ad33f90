import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { runTests } from "./lib/run-command.ts";

/**
 * `npm run chaos -- [--minutes 30] [--seed N]`: test/e2e/chaos.test.ts for longer, and from a seed that chance chooses. Workers die while groups,
 * feeds and export jobs are loaded.
 */

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    seed: { type: "string", default: String(randomInt(2 ** 31)) },
  },
});
const seconds = Number(values.minutes) * 60;
if (!(seconds > 0)) throw new Error(`--minutes takes a number of minutes, not ${values.minutes}`);
console.log(`seed ${values.seed}, ${values.minutes} minutes`);

process.exitCode = await runTests(["test/e2e/chaos.test.ts"], {
  ...{ SLUICE_CHAOS_SECONDS: String(seconds), SLUICE_CHAOS_SEED: values.seed },
});
