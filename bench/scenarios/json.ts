import { execFile } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Bench } from "../lib/bench.ts";
import { connectItems, ITEMS, type ItemsApi, makeItems, startItemsApi } from "../lib/json-items.ts";
import { type Contender, race } from "../lib/race.ts";
import { type Outcome, type Sample, speedRatio } from "../lib/samples.ts";
import { measureFirstLoad, type SyncSpec } from "../lib/syncs.ts";

const SLUICE = "Sluice, http_api";
const DLT = "dlt, rest_api";

async function loadJson(bench: Bench, exact: boolean): Promise<Outcome> {
  await makeItems(bench, Math.max(1_000, Math.round(bench.rows / 10)), exact);
  const api = await startItemsApi(bench);
  try {
    const connectionId = await connectItems(bench, api);
    const spec: SyncSpec = { entityKeys: [ITEMS], executionMode: "sequential", connectionId };
    await measureFirstLoad(bench, spec);
    const standings = await race(bench, [
      { name: SLUICE, run: () => measureFirstLoad(bench, spec) },
      ...(bench.peersScript === null ? [] : [dltContender(bench, api)]),
    ]);
    return {
      title: exact ? "JSON with numbers that a double cannot hold" : "JSON",
      standings,
      targets:
        bench.peersScript === null
          ? []
          : [{ what: "Sluice / dlt", value: speedRatio(standings, SLUICE, DLT), atLeast: 3 }],
    };
  } finally {
    await api.stop();
  }
}

/** Its numbers go through doubles, so that what it has loaded is only counted. */
function dltContender(bench: Bench, { baseUrl }: ItemsApi): Contender {
  const work = process.env.WORK ?? join(homedir(), ".cache", "sluice-bench");
  const env = { ...process.env, WORK: work, DST_URL: bench.info.warehouseUrl.replace(/^postgres:/, "postgresql:") };
  return {
    name: DLT,
    async run(): Promise<Sample> {
      const startedAt = performance.now();
      const fault = await promisify(execFile)(join(work, "dlt/bin/python"), ["bench/peers/dlt_rest.py", baseUrl], {
        env,
      })
        .then(() => null)
        .catch((error: Error) => `failed: ${error.message.slice(-500)}`);
      const seconds = (performance.now() - startedAt) / 1000;
      if (fault !== null) return { seconds, rows: 0, peakRssMb: null, fault };
      const { rows } = await bench.warehouse.query<{ count: string }>("select count(*) from bench_dlt_rest.items");
      return { seconds, rows: Number(rows[0]?.count), peakRssMb: null, fault };
    },
  };
}

export const json = {
  "json/plain": (bench: Bench) => loadJson(bench, false),
  "json/exact": (bench: Bench) => loadJson(bench, true),
};
