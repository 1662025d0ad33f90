import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import type { Bench } from "./bench.ts";
import { meets, type Outcome, type Standing, type Target } from "./samples.ts";

/** Markdown, for people and for a page of the docs. */
export function renderOutcome({ title, standings, targets }: Outcome): string {
  const lines = [`## ${title}`, ""];
  lines.push(
    ...renderTable(["", "rows", "seconds: median (min..max)", "rows/s", "peak MB"], standings.map(standingRow)),
  );
  if (targets.length > 0) {
    lines.push("", ...renderTable(["", "measured", "wanted", ""], targets.map(targetRow)));
  }
  for (const { name, faults } of standings) for (const fault of faults) lines.push("", `**${name}: ${fault}**`);
  return `${lines.join("\n")}\n`;
}

function standingRow({ name, rows, seconds, rowsPerSecond, peakRssMb }: Standing): string[] {
  const { median, min, max } = seconds;
  return [
    name,
    whole(rows),
    `${median.toFixed(2)} (${min.toFixed(2)}..${max.toFixed(2)})`,
    whole(rowsPerSecond),
    peakRssMb === null ? "" : whole(peakRssMb),
  ];
}

function targetRow(target: Target): string[] {
  const { what, value, atLeast, atMost } = target;
  const wanted = atLeast !== undefined ? `at least ${atLeast}` : atMost !== undefined ? `at most ${atMost}` : "";
  return [what, value.toFixed(2), wanted, wanted === "" ? "" : meets(target) ? "yes" : "**no**"];
}

function renderTable(header: string[], rows: string[][]): string[] {
  return [header, header.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
}

function whole(number: number): string {
  return Number.isFinite(number) ? Math.round(number).toLocaleString("en-US") : "-";
}

/** @returns the file's path */
export async function writeResults(bench: Bench, outcomes: Outcome[]): Promise<string> {
  const { rows } = await bench.warehouse.query<{ version: string }>("select version()");
  const [cpu] = cpus();
  const machine = {
    cpu: `${cpus().length} x ${cpu?.model.trim()}`,
    memoryMb: Math.round(totalmem() / 1e6),
    node: process.version,
    postgres: rows[0]?.version,
  };
  const directory = join("bench", "results");
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `${new Date().toISOString().replaceAll(":", "-")}.json`);
  const results = { machine, rows: bench.rows, runs: bench.runs, outcomes };
  writeFileSync(path, `${JSON.stringify(results, null, 2)}\n`);
  return path;
}
