import { spawn } from "node:child_process";
import { CRUISED } from "./lib/import-rules.ts";

/** `npm run verify`: everything that can be said of the tree without a server, side by side. Exit code 1 if anything is wrong. */

const CHECKS: Record<string, string[]> = {
  types: ["tsc", "--noEmit", "--incremental", "--tsBuildInfoFile", "node_modules/.cache/tsc.json"],
  style: ["biome", "check", "--error-on-warnings", "."],
  imports: ["depcruise", "--config", ".dependency-cruiser.cjs", ...CRUISED],
  unused: ["knip", "--no-progress"],
  tests: ["vitest", "run", "--config", "vitest.unit.config.ts", "--reporter=dot"],
};

interface Outcome {
  name: string;
  ok: boolean;
  seconds: number;
  output: string;
}

function runCheck(name: string, [command = "", ...args]: string[]): Promise<Outcome> {
  const startedAt = performance.now();
  // Each of them sees a pipe; whether there is a terminal behind it only we know.
  const env = process.stdout.isTTY ? { ...process.env, FORCE_COLOR: "1" } : process.env;
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve) => {
    const end = (ok: boolean, output: string): void =>
      resolve({ name, ok, seconds: (performance.now() - startedAt) / 1000, output });
    child.on("error", (error) => end(false, `${error.message}. Run it as: npm run verify\n`));
    child.on("close", (code) => end(code === 0, Buffer.concat(chunks).toString("utf8")));
  });
}

const outcomes = await Promise.all(
  Object.entries(CHECKS).map(async ([name, command]) => {
    const outcome = await runCheck(name, command);
    const verdict = outcome.ok ? "ok" : "FAILED";
    console.log(`${name.padEnd(8)} ${verdict.padEnd(6)} ${outcome.seconds.toFixed(1).padStart(5)} s`);
    return outcome;
  }),
);

const failed = outcomes.filter((outcome) => !outcome.ok);
for (const { name, output } of failed) console.log(`\n--- ${name} ---\n${output.trimEnd()}`);
console.log(failed.length === 0 ? "\nAll is well." : `\nFailed: ${failed.map(({ name }) => name).join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
