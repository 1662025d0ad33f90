import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import type { Bench } from "./bench.ts";
import type { Sample } from "./samples.ts";

/** @throws Error before anything is measured */
export async function requirePsql(): Promise<void> {
  const code = await new Promise((resolve) => {
    spawn("psql", ["--version"], { stdio: "ignore" })
      .once("error", () => resolve(null))
      .once("exit", resolve);
  });
  if (code === 0) return;
  throw new Error(
    "the limits are what psql does, and there is no psql on the PATH: install Postgres's client (Debian: apt-get install postgresql-client)",
  );
}

export interface Pipe {
  /** A COPY to stdout, at the source. */
  read: string;
  /** Statements of one session at the destination, a COPY from stdin among them. */
  write: string[];
}

/** psql to psql, all pipes at once. */
export async function timePipes(bench: Bench, pipes: readonly Pipe[]): Promise<Omit<Sample, "rows">> {
  const { demoSourceUrl, warehouseUrl } = bench.info;
  const startedAt = performance.now();
  const faults = await Promise.all(
    pipes.map(({ read, write }) => {
      const statements = write.map((statement) => `-c ${quoteShell(statement)}`).join(" ");
      return runShell(
        `psql -qX ${quoteShell(demoSourceUrl)} -c ${quoteShell(read)} | psql -qX ${quoteShell(warehouseUrl)} -v ON_ERROR_STOP=1 ${statements}`,
      );
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  return { seconds, peakRssMb: null, fault: faults.find((fault) => fault !== null) ?? null };
}

/** @returns what it said where it failed; null where all went well */
export function runShell(command: string): Promise<string | null> {
  return new Promise((resolve) => {
    // The tables' defaults ask for the run's id.
    const env = { ...process.env, PGOPTIONS: `-c sluice.run_id=${randomUUID()} -c timezone=UTC` };
    const child = spawn("bash", ["-o", "pipefail", "-c", command], { stdio: ["ignore", "ignore", "pipe"], env });
    let said = "";
    child.stderr.on("data", (chunk) => {
      said += chunk;
    });
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code) => resolve(code === 0 ? null : `psql: ${said.trim().slice(0, 500)}`));
  });
}

export function quoteShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
