import { randomInt } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createSluiceClient } from "../client/index.ts";
import { defineSync } from "./demo/define-sync.ts";
import { seedShop } from "./demo/seed-shop.ts";
import { runCommand, runTests } from "./lib/run-command.ts";
import { runStack } from "./lib/run-stack.ts";
import type { Stack } from "./lib/stack.ts";

/**
 * `npm run fuzz -- [--minutes 30] [--seed N]`: test/api/fuzz.test.ts for longer, and from a seed that chance chooses.
 * `npm run fuzz -- --files [...]`: tables of random files, test/activities/random-file-formats.test.ts.
 * `npm run fuzz -- --schemathesis [...]`: the same document against a whole stack of its own, by schemathesis.
 */

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    seed: { type: "string", default: String(randomInt(2 ** 31)) },
    files: { type: "boolean", default: false },
    schemathesis: { type: "boolean", default: false },
  },
});
const seconds = Number(values.minutes) * 60;
if (!(seconds > 0)) throw new Error(`--minutes takes a number of minutes, not ${values.minutes}`);
console.log(`seed ${values.seed}, ${values.minutes} minutes`);

if (values.schemathesis) await fuzzWithSchemathesis();
else if (values.files) {
  const env = { SLUICE_FILES_SECONDS: String(seconds), SLUICE_FILES_SEED: values.seed };
  process.exitCode = await runTests(["test/activities/random-file-formats.test.ts"], env);
} else {
  const env = { SLUICE_FUZZ_SECONDS: String(seconds), SLUICE_FUZZ_SEED: values.seed };
  process.exitCode = await runTests(["test/api/fuzz.test.ts"], env);
}

async function fuzzWithSchemathesis(): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), "sluice-fuzz-"));
  // Root's Postgres runs as another user, who has to get through here.
  chmodSync(home, 0o711);
  try {
    await runStack({ home, env: process.env, log: () => undefined }, async ({ info }) => {
      process.exitCode = await attack(info);
    });
  } finally {
    rmSync(home, { recursive: true });
  }
}

async function attack({ apiUrl, demoSourceUrl }: Stack["info"]): Promise<number> {
  await seedShop({ url: demoSourceUrl, orders: 200, onTable: () => undefined });
  await defineSync(createSluiceClient({ baseUrl: apiUrl, retryForSeconds: 60 }), demoSourceUrl);
  const config = fileURLToPath(new URL("schemathesis.toml", import.meta.url));
  const budget = ["--max-time", String(seconds), "--seed", values.seed, "--continue-on-failure"];
  // Looking at a connection takes 30 s at most.
  const judging = ["--checks", "all", "--mode", "all", "--request-timeout", "40", "--generation-database", "none"];
  const args = ["--config-file", config, "run", `${apiUrl}/openapi.json`, ...judging, ...budget];
  return runCommand({ command: "schemathesis", args, howToGetIt: "pip install schemathesis" });
}
