import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { homeSecrets, openHome } from "../scripts/lib/home.ts";
import { runStack } from "../scripts/lib/run-stack.ts";
import { workerEnv } from "../scripts/lib/stack.ts";
import { openBench } from "./lib/open-bench.ts";
import { findPeers, setUpPeers } from "./lib/peers.ts";
import { requirePsql } from "./lib/psql.ts";
import { renderOutcome, writeResults } from "./lib/report.ts";
import { meets, type Outcome } from "./lib/samples.ts";
import { chooseScenarios } from "./scenarios/index.ts";

/**
 * `npm run bench -- [scenario ...] [--rows N] [--runs N] [--seconds N] [--large] [--peers]`: the whole product, from the API's trigger to the proved
 * run, side by side with what psql can do. Tables go to stdout, all figures to `bench/results`. Exit code 1 where a load
 * failed or was not exact; a target that is missed is only said.
 *
 * `BENCH_PG_URL`, a superuser's, measures on a server that runs already. NODE_OPTIONS goes to API and worker.
 */

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rows: { type: "string", default: "2000000" },
    runs: { type: "string", default: "5" },
    seconds: { type: "string", default: "300" },
    large: { type: "boolean", default: false },
    peers: { type: "boolean", default: false },
  },
});

function countOf(name: "rows" | "runs" | "seconds"): number {
  const count = Number(flags[name]);
  if (!Number.isSafeInteger(count) || count < 1) throw new Error(`--${name} is a number, 1 or more`);
  return count;
}

const asked = {
  rows: countOf("rows"),
  runs: countOf("runs"),
  seconds: countOf("seconds"),
  large: flags.large,
  peersScript: flags.peers ? findPeers(process.env) : null,
  say: (line: string) => console.error(line),
};

/** Nobody has it just now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("a port was listened on and has no number");
  return address.port;
}

const scenarios = chooseScenarios(positionals);
await requirePsql();

const home = join(openHome(process.env), "bench");
openHome({ SLUICE_HOME: home });
const childOutput = createWriteStream(join(home, "bench.log"));
const healthPort = process.env.HEALTH_PORT ?? String(await freePort());
const stackOptions = {
  home,
  env: { SLUICE_EGRESS_ALLOW_PRIVATE: "127.0.0.1", ...process.env, HEALTH_PORT: healthPort },
  postgresUrl: process.env.BENCH_PG_URL,
  mostRestartMs: 500,
  databases: { control: "sluice_bench", warehouse: "sluice_bench_warehouse", source: "sluice_bench_source" },
  log(source: string, line: string) {
    if (source === "sluice") asked.say(line);
    else childOutput.write(`${source.padEnd(8)} | ${line}\n`);
  },
};

const outcomes = await runStack(stackOptions, async ({ info }, signal) => {
  const bench = await openBench(info, signal, {
    ...asked,
    workerMetricsUrl: `http://127.0.0.1:${healthPort}/metrics`,
    furtherWorkerEnv: workerEnv(info, { ...stackOptions.env, HEALTH_PORT: undefined }, homeSecrets(home)),
  });
  const done: Outcome[] = [];
  try {
    if (asked.peersScript !== null) await setUpPeers(bench, asked.peersScript);
    for (const [name, run] of scenarios) {
      asked.say(`\n${name}`);
      const outcome = await run(bench);
      done.push(outcome);
      console.log(`\n${renderOutcome(outcome)}`);
    }
    asked.say(`All figures are in ${await writeResults(bench, done)}`);
  } finally {
    await bench.close();
  }
  return done;
});

childOutput.end();
for (const { title, targets } of outcomes ?? []) {
  for (const target of targets) if (!meets(target)) asked.say(`missed: ${title}, ${target.what}`);
}
const faulty = outcomes?.some(({ standings }) => standings.some(({ faults }) => faults.length > 0)) ?? true;
if (faulty) process.exitCode = 1;
