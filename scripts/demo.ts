import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runDemo } from "./demo/run-demo.ts";
import { openHome } from "./lib/home.ts";
import { runStack, untilAborted } from "./lib/run-stack.ts";

const { values: flags } = parseArgs({
  options: { once: { type: "boolean", default: false }, rows: { type: "string" } },
});
const orders = Number(flags.rows ?? process.env.DEMO_ROWS ?? 1_000_000);
if (!Number.isSafeInteger(orders) || orders < 1)
  throw new Error("--rows (or DEMO_ROWS) is a number of orders, 1 or more");

const home = openHome(process.env);
const logPath = join(home, "demo.log");
const childOutput = createWriteStream(logPath);

function log(source: string, line: string): void {
  if (source === "sluice") console.log(line);
  else childOutput.write(`${source.padEnd(8)} | ${line}\n`);
}

const report = await runStack({ home, env: process.env, log }, async ({ info }, signal) => {
  const made = await runDemo({ info, orders, signal, output: process.stdout });
  if (!flags.once) {
    const verdict = made.ok ? "All agree." : "NOT ALL AGREE.";
    console.log(`\n  ${verdict} Ctrl-C stops Sluice; its data stays in ${home}.\n`);
    await untilAborted(signal);
  }
  return made;
});

childOutput.end();
if (process.exitCode === 1) console.error(`What API, worker, Temporal and Postgres said is in ${logPath}`);
if (flags.once) {
  process.exitCode = report?.ok ? 0 : 1;
  // The last line of all, for programs.
  console.log(JSON.stringify(report ?? { ok: false, entities: [], runId: null }));
}
