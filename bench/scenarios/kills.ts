import { setTimeout as sleep } from "node:timers/promises";
import { type Run, type Sync, unwrap, waitForRun } from "../../client/index.ts";
import type { Bench } from "../lib/bench.ts";
import { changeOrders, makeOrders, ORDERS } from "../lib/orders.ts";
import { type Outcome, type Sample, standingOf } from "../lib/samples.ts";
import { createSync, dropSync, proveSample } from "../lib/syncs.ts";

const KILLS = 100;
const KILLS_LARGE = 300;
/** After a kill one waits for rows to be committed, but not for ever: there may be none left. */
const PATIENCE_MS = 20_000;
const MOST_PAUSE_MS = 1_500;

/** What was done, and what it cost. */
interface Toll {
  kills: number;
  sessions: number;
  attempts: number;
  scanned: number;
  rows: number;
}

/**
 * Loads and merges while the worker dies by SIGKILL and database sessions are ended, again and again, each compared by count and
 * checksum when its chain has succeeded. It goes on with further rounds until there were enough kills.
 */
export async function kills(bench: Bench): Promise<Outcome> {
  const wanted = bench.large ? KILLS_LARGE : Math.min(KILLS, Math.ceil(bench.rows / 1_000));
  const toll: Toll = { kills: 0, sessions: 0, attempts: 0, scanned: 0, rows: 0 };
  await makeOrders(bench, bench.rows);
  const loads: Sample[] = [];
  const merges: Sample[] = [];
  for (let round = 1; toll.kills < wanted; round++) {
    const sync = await createSync(bench, {
      entityKeys: [ORDERS],
      executionMode: "fan_out_window",
      cursorField: "updated_at",
      executionConfig: {
        batchRows: Math.min(1_000, Math.ceil(bench.rows / 200)),
        windowSize: String(Math.max(1_000, Math.ceil(bench.rows / 40))),
        heartbeatTimeoutSeconds: 5,
        maxAutoResumeAttempts: 100,
      },
    });
    loads.push(await runUnderKills(bench, sync, toll));
    await changeOrders(bench, bench.rows, round);
    merges.push(await runUnderKills(bench, sync, toll));
    await dropSync(bench, sync);
    bench.say(
      `  round ${round}: ${toll.kills} of ${wanted} kills, ${loads.at(-1)?.fault ?? merges.at(-1)?.fault ?? "exact"}`,
    );
  }
  return {
    title: "Loads and merges while workers are killed",
    standings: [standingOf("Sluice, full load", loads), standingOf("Sluice, incremental", merges)],
    targets: [
      { what: "workers killed", value: toll.kills, atLeast: wanted },
      { what: "sessions ended", value: toll.sessions },
      { what: "attempts of all chains", value: toll.attempts },
      { what: "rows that the source looked at, for each row that was to be moved", value: toll.scanned / toll.rows },
    ],
  };
}

async function runUnderKills(bench: Bench, sync: Sync, toll: Toll): Promise<Sample> {
  const before = await scannedRows(bench);
  const startedAt = Date.now();
  const params = { path: { sync_id: sync.id } };
  const { id } = await unwrap(bench.sluice.POST("/api/v1/syncs/{sync_id}/trigger", { params, body: {} }));
  const over = new AbortController();
  const killing = killAgainAndAgain(bench, toll, over.signal);
  const run = await waitForRun(bench.sluice, id, { signal: bench.signal, mostMs: 250 }).finally(() => over.abort());
  await killing;
  toll.attempts += run.attemptNumber;
  toll.scanned += (await scannedRows(bench)) - before;
  const rows = await committedRows(bench, run);
  toll.rows += rows;
  const fault = run.status === "succeeded" ? null : `${run.status}, ${run.resultReasonCode}: ${run.error}`;
  const sample = { seconds: (Date.now() - startedAt) / 1000, rows, peakRssMb: null, fault };
  return proveSample(bench, sync, sample);
}

/** Once rows have moved since the last time, or too long not. Whoever supervises the worker starts it again. */
async function killAgainAndAgain(bench: Bench, toll: Toll, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const before = await committedRows(bench);
    const deadline = Date.now() + PATIENCE_MS;
    while (!over.aborted && Date.now() < deadline && (await committedRows(bench)) === before) await sleep(100);
    await sleep(Math.random() * MOST_PAUSE_MS);
    if (over.aborted) return;
    if (Math.random() < 0.3) toll.sessions += await endSessions(bench);
    const { worker } = bench.info.pids;
    if (worker === null) continue;
    process.kill(worker, "SIGKILL");
    toll.kills++;
  }
}

/** Some of those that move rows, wherever they are. */
async function endSessions({ source, warehouse }: Bench): Promise<number> {
  const counts = await Promise.all(
    [source, warehouse].map((database) =>
      database.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name like 'sluice%' and random() < 0.5`,
      ),
    ),
  );
  return counts.reduce((sum, { rowCount }) => sum + (rowCount ?? 0), 0);
}

/** By slices of the run's chain; without one, of all. */
async function committedRows({ warehouse }: Bench, run?: Run): Promise<number> {
  const present = await warehouse.query("select where to_regclass('_sluice.slices') is not null");
  if (present.rowCount === 0) return 0;
  const { rows } = await warehouse.query<{ rows: number }>(
    "select coalesce(sum(rows_read), 0)::float8 as rows from _sluice.slices where $1::uuid is null or root_run_id = $1",
    [run?.attemptRootRunId ?? null],
  );
  return rows[0]?.rows ?? 0;
}

/** Sessions that have died have told by then what they read. */
async function scannedRows({ source }: Bench): Promise<number> {
  const { rows } = await source.query<{ rows: number }>(
    "select (seq_tup_read + coalesce(idx_tup_fetch, 0))::float8 as rows from pg_stat_user_tables where relid = $1::regclass",
    [ORDERS],
  );
  return rows[0]?.rows ?? 0;
}
