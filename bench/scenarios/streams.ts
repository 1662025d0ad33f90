import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import type { Bench } from "../lib/bench.ts";
import { type Outcome, type Sample, standingOf } from "../lib/samples.ts";
import type { ReadStream } from "../processes/read-stream.ts";

/** What is read, and how it is sent. `--rows 19000000` makes 5 GB of JSONL. */
const FILES = [
  ["JSONL", "jsonl", ""],
  ["JSONL, gzip", "jsonl", "&gzip"],
  ["CSV", "csv", ""],
] as const;

/** The HTTP kit alone, in a process of its own: how fast a file of any size passes, and what memory it takes. */
async function jsonl(bench: Bench): Promise<Outcome> {
  const server = spawn(process.execPath, ["bench/processes/serve-lines.ts"], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    const [port] = await once(server.stdout, "data", { signal: bench.signal });
    const standings = [];
    const targets = [];
    for (const [name, format, query] of FILES) {
      const samples: Sample[] = [];
      const speeds: number[] = [];
      for (let i = 0; i < bench.runs; i += 1) {
        const url = `http://127.0.0.1:${String(port).trim()}/${format}?rows=${bench.rows}${query}`;
        const { rows, megabytes, seconds, peakRssMb } = await readOnce(bench, url, format);
        speeds.push(megabytes / seconds);
        const fault = rows < bench.rows ? `${rows} rows instead of ${bench.rows}` : null;
        samples.push({ seconds, rows, peakRssMb, fault });
        bench.say(`  ${name}: ${megabytes.toFixed(0)} MB, ${(megabytes / seconds).toFixed(0)} MB/s`);
      }
      const standing = standingOf(name, samples);
      standings.push(standing);
      targets.push({ what: `${name}: MB/s, the best`, value: Math.max(...speeds) });
      targets.push({ what: `${name}: peak MB`, value: standing.peakRssMb ?? Number.NaN, atMost: 450 });
    }
    return { title: "Files read as they come", standings, targets };
  } finally {
    await stop(server);
  }
}

async function readOnce(bench: Bench, url: string, format: string): Promise<ReadStream> {
  const child = spawn(process.execPath, ["bench/processes/read-stream.ts", url, format], {
    ...{ stdio: ["ignore", "pipe", "inherit"], signal: bench.signal },
  });
  return JSON.parse(await text(child.stdout));
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, "close");
  child.stdin?.end();
  await ended;
}

export const streams = { jsonl };
