import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import type { Bench } from "./bench.ts";
import type { Contender } from "./race.ts";
import { type Sample, type Standing, speedRatio, type Target } from "./samples.ts";

const run = promisify(execFile);

const PEERS = ["ingestr", "sling", "dlt"] as const;
type Peer = (typeof PEERS)[number];

/** The script that runs other tools on our tables. @throws Error where there is none */
export function findPeers(env: NodeJS.ProcessEnv): string {
  const path = env.SLUICE_BENCH_PEERS ?? "../shared/bench/peers.sh";
  if (existsSync(path)) return path;
  throw new Error(`--peers: there is no ${path}; SLUICE_BENCH_PEERS names the script`);
}

/** Installs what is missing. */
export async function setUpPeers(bench: Bench, script: string): Promise<void> {
  bench.say("Setting up other tools (a few minutes the first time)");
  await runPeers(bench, script, ["setup"]);
}

/** A full load of public.orders. */
export function fullPeers(bench: Bench): Contender[] {
  return contenders(bench, (peer) => ["full", peer]);
}

/** A merge of what has changed in public.orders since the instant. */
export function incrementalPeers(bench: Bench, since: () => string): Contender[] {
  return contenders(bench, (peer) => ["inc", since(), peer]);
}

function contenders(bench: Bench, args: (peer: Peer) => string[]): Contender[] {
  const { peersScript } = bench;
  if (peersScript === null) return [];
  return PEERS.map((peer) => ({
    name: peer,
    run: async () => parseLine(await runPeers(bench, peersScript, args(peer))),
  }));
}

async function runPeers(bench: Bench, script: string, args: string[]): Promise<string> {
  const { demoSourceUrl, warehouseUrl } = bench.info;
  const urls = { SRC_URL: forPeers(demoSourceUrl), DST_URL: forPeers(warehouseUrl) };
  const { stdout } = await run("bash", [script, ...args], { env: { ...process.env, ...urls }, signal: bench.signal });
  return stdout;
}

/** Some of them know only this name of the protocol, and one insists on encryption. */
function forPeers(url: string): string {
  return `${url.replace(/^postgres:/, "postgresql:")}?sslmode=disable`;
}

/** How many times as fast as the fastest of them; no target where none took part. */
export function aheadOfPeers(standings: readonly Standing[], name: string, atLeast: number): Target[] {
  const ratios = PEERS.map((peer) => speedRatio(standings, name, peer)).filter(Number.isFinite);
  return ratios.length === 0 ? [] : [{ what: `${name} / fastest other tool`, value: Math.min(...ratios), atLeast }];
}

/** `tool rows seconds rows_per_s peak_rss_mb [FAILED]` */
function parseLine(output: string): Sample {
  const [, rows, seconds, , rss, failed] = output.trim().split("\n").at(-1)?.split(" ") ?? [];
  return {
    rows: Number(rows),
    seconds: Number(seconds),
    peakRssMb: Number(rss),
    fault: failed === undefined && Number(seconds) > 0 ? null : `failed: ${output.trim().slice(-300)}`,
  };
}
