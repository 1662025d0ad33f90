import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findProviderDemo } from "./demo/providers/index.ts";
import { runDemo } from "./demo/run-demo.ts";
import { runProviderDemo } from "./demo/run-provider-demo.ts";
import { openHome } from "./lib/home.ts";
import { runStack, untilAborted } from "./lib/run-stack.ts";

const { values: flags } = parseArgs({
  options: { once: { type: "boolean", default: false }, rows: { type: "string" }, provider: { type: "string" } },
});
const orders = Number(flags.rows ?? process.env.DEMO_ROWS ?? 1_000_000);
if (!Number.isSafeInteger(orders) || orders < 1)
  throw new Error("--rows (or DEMO_ROWS) is a number of orders, 1 or more");

const provider = flags.provider === undefined ? null : await findProviderDemo(flags.provider);

const home = openHome(process.env);
const logPath = join(home, "demo.log");
const childOutput = createWriteStream(logPath);

function log(source: string, line: string): void {
  if (source === "sluice") console.log(line);
  else childOutput.write(`${source.padEnd(8)} | ${line}\n`);
}

// What a provider's demo reads from is on this machine, where connectors do not go unless they are let.
const env = provider === null ? process.env : { ...process.env, SLUICE_EGRESS_ALLOW_PRIVATE: "127.0.0.1" };
const report = await runStack({ home, env, log }, async ({ info }, signal) => {
  const output = process.stdout;
  if (provider !== null)
    return runProviderDemo({ ...provider, info, signal, output, log: (line) => log("source", line) }, (made) =>
      hold(made, signal),
    );
  const made = await runDemo({ info, orders, signal, output });
  await hold(made, signal);
  return made;
});

/** The stack runs on, for whoever wants to look at it. */
async function hold({ ok }: { ok: boolean }, signal: AbortSignal): Promise<void> {
  if (flags.once) return;
  const verdict = ok ? "All agree." : "NOT ALL AGREE.";
  console.log(`\n  ${verdict} Ctrl-C stops Sluice; its data stays in ${home}.\n`);
  await untilAborted(signal);
}

childOutput.end();
if (process.exitCode === 1) console.error(`What API, worker, Temporal and Postgres said is in ${logPath}`);
if (flags.once) {
  process.exitCode = report?.ok ? 0 : 1;
  // The last line of all, for programs.
  console.log(JSON.stringify(report ?? { ok: false, entities: [], runId: null }));
}
