import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Sync, unwrap } from "../../client/index.ts";
import type { Bench } from "../lib/bench.ts";
import { HOSTILE_BODIES } from "../lib/hostile-bodies.ts";
import { connectItems, ITEMS, makeItems, startItemsApi } from "../lib/json-items.ts";
import { rssMb } from "../lib/memory.ts";
import { type Outcome, type Sample, speedRatio, standingOf } from "../lib/samples.ts";
import { createSync, dropSync, measureFirstLoad, runSync, type SyncSpec } from "../lib/syncs.ts";
import { watchLoop } from "../lib/worker-loop.ts";

const ALONE = "neighbour, alone";
const BESIDE = "neighbour, beside a hostile source";
/** Just under the default `maxBodyBytes`. */
const BODY_BYTES = 31_000_000;
const KINDS = Object.keys(HOSTILE_BODIES);
const SYNCS_AT_ONCE = 3;
/** Then what was taken has been given back. */
const QUIET_MS = 20_000;

/** A worker with a source that sends the worst that it may, by several syncs at once, and another source that is none of that one's business. */
export async function hostile(bench: Bench): Promise<Outcome> {
  await makeItems(bench, Math.max(1_000, Math.round(bench.rows / 10)), false);
  const items = await startItemsApi(bench);
  const enemy = await startHostileApi();
  const { worker } = bench.info.pids;
  try {
    const syncs = await makeSyncs(bench, enemy, await connectHostile(bench, enemy.baseUrl));
    const neighbour: SyncSpec = {
      ...{ entityKeys: [ITEMS], executionMode: "sequential" },
      connectionId: await connectItems(bench, items),
    };
    await measureFirstLoad(bench, neighbour);
    const [alone, beside]: Sample[][] = [[], []];
    for (let i = 0; i < bench.runs; i += 1) alone?.push(await measureFirstLoad(bench, neighbour));
    const before = rssMb(worker) ?? Number.NaN;
    const watch = watchLoop(bench.workerMetricsUrl, worker);
    const attack = startAttack(bench, syncs);
    // All of its kinds have come at least once.
    do beside?.push(await measureFirstLoad(bench, neighbour));
    while ((beside?.length ?? 0) < bench.runs || attack.runs() < KINDS.length);
    await attack.stop();
    const { delayMs, peakMb } = await watch.stop();
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    const after = rssMb(worker) ?? Number.NaN;
    bench.say(
      `  ${attack.runs()} hostile runs; resident MB before ${before.toFixed(0)}, at most ${peakMb.toFixed(0)}, after ${after.toFixed(0)}`,
    );
    const standings = [standingOf(ALONE, alone ?? []), standingOf(BESIDE, beside ?? [])];
    return {
      title: "A hostile source beside another one",
      standings,
      targets: [
        { what: "time beside / alone", value: speedRatio(standings, ALONE, BESIDE), atMost: 3 },
        { what: "longest delay of the worker's loop, ms", value: delayMs, atMost: 250 },
        { what: "resident memory of the worker at most, MB", value: peakMb, atMost: 1_000 },
        { what: "resident memory afterwards, MB more than before", value: after - before, atMost: 150 },
      ],
    };
  } finally {
    await enemy.stop();
    await items.stop();
  }
}

interface Attack {
  /** That have ended, as they must: by an error of their own, or with their rows. */
  runs(): number;
  stop(): Promise<void>;
}

async function makeSyncs(bench: Bench, enemy: HostileApi, connectionId: string): Promise<Map<string, Sync>> {
  enemy.isTame = true;
  const syncs = new Map<string, Sync>();
  for (const [i, kind] of KINDS.entries()) {
    syncs.set(kind, await createSync(bench, { entityKeys: [`kind_${i}`], executionMode: "sequential", connectionId }));
  }
  enemy.isTame = false;
  return syncs;
}

function startAttack(bench: Bench, syncs: ReadonlyMap<string, Sync>): Attack {
  let ended = 0;
  let isOver = false;
  const left = (function* () {
    for (;;) yield* syncs;
  })();
  const work = async (): Promise<void> => {
    for (const [kind, sync] of left) {
      if (isOver) return;
      const { run } = await runSync(bench, sync);
      bench.say(`  ${kind}: ${run.status}, ${run.resultReasonCode} ${run.error?.slice(0, 120) ?? ""}`);
      ended += 1;
    }
  };
  const workers = Array.from({ length: SYNCS_AT_ONCE }, work);
  return {
    runs: () => ended,
    async stop() {
      isOver = true;
      await Promise.all(workers);
      for (const sync of syncs.values()) await dropSync(bench, sync);
    },
  };
}

async function connectHostile(bench: Bench, baseUrl: string): Promise<string> {
  const { id } = await unwrap(
    bench.sluice.POST("/api/v1/connections", {
      body: {
        name: `bench hostile ${new Date().toISOString()}`,
        provider: "http_api",
        config: {
          baseUrl,
          resources: KINDS.map((_, i) => ({
            ...{ name: `kind_${i}`, path: `${i}`, paginator: { type: "single" } },
            ...{ loadMode: "replace", retry: undefined },
          })),
        },
      },
    }),
  );
  return id;
}

interface HostileApi {
  baseUrl: string;
  /** It is harmless just now, so that syncs of it can be made. */
  isTame: boolean;
  stop(): Promise<void>;
}

async function startHostileApi(): Promise<HostileApi> {
  const bodies = Object.values(HOSTILE_BODIES).map(({ make, contentType = "application/json" }) => ({
    body: Buffer.from(make(BODY_BYTES)),
    tame: contentType.endsWith("ndjson") ? '{"id":1}' : '[{"id":1}]',
    contentType,
  }));
  const server = createServer(({ url = "" }, response) => {
    const found = bodies[Number(url.slice(1))];
    if (found === undefined) response.writeHead(404).end();
    else response.writeHead(200, { "content-type": found.contentType }).end(api.isTame ? found.tame : found.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const api: HostileApi = {
    baseUrl: `http://127.0.0.1:${port}/`,
    isTame: false,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return api;
}
