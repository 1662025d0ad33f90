import { setTimeout as sleep } from "node:timers/promises";
import { type Sync, unwrap } from "../../client/index.ts";
import type { Bench } from "../lib/bench.ts";
import { CHECK_PATH, type CountingApi, overTheLimit, sharesOf, startCountingApi } from "../lib/counting-api.ts";
import { startFurtherWorker } from "../lib/further-worker.ts";
import type { Outcome } from "../lib/samples.ts";
import { createSync, dropSync } from "../lib/syncs.ts";

const LIMIT = { perSecond: 1, burst: 1 };
const SYNCS = 10;
const SLICES = 4;
const FEW_TURNS = 4;
/** Every slice has begun by then, or something is wrong. Their plans take a request each. */
const PATIENCE_MS = 15 * 60_000;

/** Ten syncs of four slices each share one credential, on two worker processes. */
export async function budgets(bench: Bench): Promise<Outcome> {
  // It would inherit the priority of the process that counts.
  const stopWorker = startFurtherWorker(bench.furtherWorkerEnv);
  const api = await startCountingApi(bench.say);
  try {
    const ofSync = (sync: number) => Array.from({ length: SLICES }, (_, slice) => `s${sync}_${slice}`);
    const listings = Array.from({ length: SYNCS }, (_, sync) => ofSync(sync));
    const connectionId = await connect(bench, api, listings.flat());
    const syncs: Sync[] = [];
    for (const entityKeys of listings) {
      syncs.push(await createSync(bench, { entityKeys, executionMode: "fan_out_entity", connectionId }));
    }
    const runs = await Promise.all(syncs.map((sync) => trigger(bench, sync)));
    await untilAllHaveBegun(bench, runs);
    bench.say(`  all ${SYNCS * SLICES} slices have begun; measuring for ${bench.seconds} s`);
    const from = performance.now();
    await sleep(bench.seconds * 1000, undefined, { signal: bench.signal });
    const to = performance.now();
    await Promise.all(runs.map((runId) => cancel(bench, runId)));
    for (const sync of syncs) await dropSync(bench, sync);
    return report(bench, api, { from, to, listings: listings.flat() });
  } finally {
    await stopWorker();
    await api.stop();
  }
}

function report(
  bench: Bench,
  { arrivals, mostLateMs }: CountingApi,
  { from, to, listings }: { from: number; to: number; listings: string[] },
): Outcome {
  const seen = arrivals.filter(({ at }) => at >= from && at < to);
  const shares = sharesOf(seen, listings);
  const gaps = seen.slice(1).map(({ at }, index) => at - (seen[index]?.at ?? at));
  bench.say(`  the shortest time between two requests: ${Math.round(Math.min(...gaps))} ms`);
  bench.say(`  the server that counts was itself late by ${Math.round(mostLateMs())} ms at most`);
  bench.say(`  requests of each slice: ${shares.join(" ")}`);
  return {
    title: `${SYNCS} syncs of ${SLICES} slices at ${LIMIT.perSecond} request a second, for ${bench.seconds} s`,
    standings: [],
    targets: [
      { what: "requests over the limit, at worst", value: overTheLimit(arrivals, LIMIT), atMost: 0 },
      { what: "requests over the limit while slices work", value: overTheLimit(seen, LIMIT), atMost: 0 },
      {
        what: "share of the limit that was used",
        value: seen.length / (((to - from) / 1000) * LIMIT.perSecond),
        atLeast: 0.95,
      },
      {
        ...{ what: "longest share / shortest share", value: Math.max(...shares) / Math.min(...shares) },
        // One turn more or less says nothing where there are few.
        ...(seen.length >= FEW_TURNS * listings.length ? { atMost: 1.5 } : {}),
      },
      { what: "requests", value: seen.length },
    ],
  };
}

async function connect(bench: Bench, { baseUrl }: CountingApi, listings: string[]): Promise<string> {
  const { id } = await unwrap(
    bench.sluice.POST("/api/v1/connections", {
      body: {
        name: `bench budgets ${new Date().toISOString()}`,
        provider: "http_api",
        config: {
          baseUrl,
          ...{ rateLimit: LIMIT, checkPath: CHECK_PATH },
          resources: listings.map((name) => ({
            ...{ name, path: name, primaryKey: ["id"], paginator: { type: "json_link", nextPath: "next" } },
            // What is declared is not looked for: each plan takes one request.
            ...{ fields: { id: "bigint", note: "text" }, additionalFields: "ignore" },
          })),
        },
      },
    }),
  );
  return id;
}

async function trigger(bench: Bench, sync: Sync): Promise<string> {
  const params = { path: { sync_id: sync.id } };
  return (await unwrap(bench.sluice.POST("/api/v1/syncs/{sync_id}/trigger", { params, body: {} }))).id;
}

/** They are at work, or wait for their turns: the plans are made. */
async function untilAllHaveBegun(bench: Bench, runIds: string[]): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (let turn = 0; ; turn++) {
    const begun = await Promise.all(runIds.map((runId) => countBegun(bench, runId)));
    const slices = begun.reduce((sum, each) => sum + each, 0);
    if (slices === SYNCS * SLICES) return;
    if (Date.now() > deadline) throw new Error(`only ${slices} of ${SYNCS * SLICES} slices have begun`);
    if (turn % 15 === 0) bench.say(`  ${slices} of ${SYNCS * SLICES} slices have begun`);
    await sleep(1_000, undefined, { signal: bench.signal });
  }
}

async function countBegun({ sluice }: Bench, runId: string): Promise<number> {
  const params = { path: { run_id: runId } };
  const { slices } = await unwrap(sluice.GET("/api/v1/syncs/runs/{run_id}/slices", { params }));
  return slices.filter(({ status }) => status === "running" || status === "waiting").length;
}

async function cancel({ sluice, signal }: Bench, runId: string): Promise<void> {
  const params = { path: { run_id: runId } };
  await unwrap(sluice.POST("/api/v1/syncs/runs/{run_id}/cancel", { params, body: {} }));
  for (;;) {
    const run = await unwrap(sluice.GET("/api/v1/syncs/runs/{run_id}", { params }));
    if (run.completedAt !== null) return;
    await sleep(250, undefined, { signal });
  }
}
