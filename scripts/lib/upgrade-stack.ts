import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import { z } from "zod";
import { compareEntity } from "../demo/compare.ts";
import { superviseChild } from "./children.ts";
import { findTemporal } from "./find-temporal.ts";
import { freePort } from "./ports.ts";
import { startPostgres } from "./postgres.ts";
import { postgresUser, reachableDir } from "./postgres-binaries.ts";
import { startTemporal } from "./temporal.ts";

/** Processes of several versions of Sluice on one set of databases and one Temporal. `root` is where a version's tree lies. */
export interface UpgradeStack {
  migrate(root: string): Promise<void>;
  startApi(root: string): Promise<UpgradeApi>;
  startWorker(root: string): Promise<Stoppable>;
  /** Changes the source, runs the sync and compares. @throws Error when the run fails or the tables differ */
  runAndCompare(step: string, api: UpgradeApi, sync: UpgradeSync): Promise<void>;
  /** Likewise, and kills the worker while the run is at work. */
  killDuringRun(step: string, api: UpgradeApi, sync: UpgradeSync, worker: Stoppable): Promise<void>;
  /** Asks for what the older version does not know, gives those at work the time to do it, and cancels the run, which nobody has begun. */
  leaveToOthers(step: string, api: UpgradeApi, sync: UpgradeSync): Promise<void>;
  /** Asks for the same, and compares. */
  runWhatIsNew(step: string, api: UpgradeApi, sync: UpgradeSync): Promise<void>;
  stop(): Promise<void>;
}
export interface Stoppable {
  stop(options?: { now?: boolean }): Promise<void>;
}
export interface UpgradeSync {
  id: string;
  table: string;
}
export interface UpgradeApi extends Stoppable {
  createSync(): Promise<UpgradeSync>;
  /** @returns the run's id */
  trigger(syncId: string, body?: { entities: string[] }): Promise<string>;
  statusOf(runId: string): Promise<string>;
  cancel(runId: string): Promise<void>;
  /** The last run of the chain, once it has ended. */
  whenEnded(runId: string): Promise<{ status: string; error: string | null }>;
}

const RUN_PATIENCE_MS = 180_000;
/** Longer than a lease, after which a run that was not dispatched is anybody's again. */
const OTHERS_LOOK_MS = 20_000;

export async function createUpgradeStack(home: string): Promise<UpgradeStack> {
  await chmod(home, 0o711);
  const dir = await reachableDir(join(home, "postgres"), await postgresUser());
  const quiet = { onLine: () => undefined, onDeath: (message: string) => console.error(message) };
  const postgres = await startPostgres({ dataDir: join(dir, "data"), port: await freePort(), password: "x", ...quiet });
  await postgres.ensureDatabases(["control", "warehouse", "source"]);
  const executable = await findTemporal({ env: process.env, log: console.log });
  const dbFile = join(home, "temporal.db");
  const temporal = await startTemporal({ executable, dbFile, port: await freePort(), uiPort: null, ...quiet });
  const source = new pg.Pool({ connectionString: postgres.url("source"), max: 1 });
  await source.query(`
    create table orders (id bigint primary key, note text, updated_at timestamptz not null);
    create index on orders (updated_at);
    insert into orders select i, repeat(md5(i::text), 4), now() - interval '1 day' from generate_series(1, 20000) i`);

  const env = {
    PATH: process.env.PATH ?? "",
    DATABASE_URL: postgres.url("control"),
    WAREHOUSE_URL: postgres.url("warehouse"),
    TEMPORAL_ADDRESS: temporal.address,
    SLUICE_ENCRYPTION_KEYS: `k1:${randomBytes(32).toString("base64")}`,
    HOST: "127.0.0.1",
  };
  const children: Stoppable[] = [];
  const deaths: string[] = [];

  /** A program of a version's tree; ready when it says so. */
  async function startProgram(root: string, script: string, ready: string, more: Record<string, string> = {}) {
    let isReady = false;
    const child = superviseChild({
      name: `${script} of ${root}`,
      command: process.execPath,
      args: [resolve(root, script)],
      env: { ...env, ...more },
      stopSignal: "SIGTERM",
      graceMs: 20_000,
      isReady: async () => isReady,
      readyTimeoutMs: 120_000,
      onLine: (line) => {
        if (line.includes(ready)) isReady = true;
        if (line.includes('"level":50')) console.error(line);
      },
      onDeath: (message) => deaths.push(message),
    });
    children.push(child);
    await child.start();
    return child;
  }

  async function changeSource(): Promise<void> {
    await source.query("update orders set note = note || '.', updated_at = now() where id % 3 = 0");
    await source.query(
      "insert into orders select i, 'new', now() from generate_series((select max(id) + 1 from orders), (select max(id) + 500 from orders)) i",
    );
  }

  async function compare(step: string, { table }: UpgradeSync, run: { status: string; error: string | null }) {
    if (run.status !== "succeeded") throw new Error(`${step}: the run ended as ${run.status}: ${run.error}`);
    if (deaths.length > 0) throw new Error(`${step}: ${deaths.join("; ")}`);
    const { sourceRows, destinationRows, checksumEqual } = await compareEntity({
      entity: "orders",
      source: { url: postgres.url("source"), table: { schema: "public", table: "orders" } },
      destination: { url: postgres.url("warehouse"), table: { schema: "postgres", table } },
    });
    if (!checksumEqual) throw new Error(`${step}: ${sourceRows} rows at the source, ${destinationRows} loaded`);
    console.log(`ok: ${step} (${destinationRows} rows, equal)`);
  }

  return {
    async migrate(root) {
      await promisify(execFile)(process.execPath, [resolve(root, "scripts/migrate.ts")], { env });
    },
    async startApi(root) {
      const port = await freePort();
      const child = await startProgram(root, "api/server.ts", "API is ready", { PORT: String(port) });
      return createUpgradeApi(`http://127.0.0.1:${port}/api/v1`, postgres.port, (options) => child.stop(options));
    },
    startWorker: (root) => startProgram(root, "worker.ts", "worker is ready"),
    async runAndCompare(step, api, sync) {
      await changeSource();
      await compare(step, sync, await api.whenEnded(await api.trigger(sync.id)));
    },
    async killDuringRun(step, api, sync, worker) {
      await changeSource();
      const runId = await api.trigger(sync.id);
      await sleep(300);
      await worker.stop({ now: true });
      await compare(step, sync, await api.whenEnded(runId));
    },
    async leaveToOthers(step, api, sync) {
      const runId = await api.trigger(sync.id, WHAT_IS_NEW);
      await sleep(OTHERS_LOOK_MS);
      const status = await api.statusOf(runId);
      if (status !== "pending") throw new Error(`${step}: the run is ${status}`);
      await api.cancel(runId);
      console.log(`ok: ${step}`);
    },
    async runWhatIsNew(step, api, sync) {
      await changeSource();
      await compare(step, sync, await api.whenEnded(await api.trigger(sync.id, WHAT_IS_NEW)));
    },
    async stop() {
      await Promise.all(children.map((child) => child.stop()));
      await source.end();
      await temporal.child.stop();
      await postgres.child.stop();
    },
  };
}

const ENTITY = "public.orders";
/** Of contract 3: an older worker would load all entities. */
const WHAT_IS_NEW = { entities: [ENTITY] };

/** Of what both versions answer, as much as is needed here. */
const Created = z.object({ id: z.string() });
const CreatedSync = Created.extend({ tableBindings: z.tuple([z.object({ physicalTableName: z.string() })]) });
const Run = z.object({
  status: z.string(),
  error: z.string().nullable(),
  completedAt: z.string().nullable(),
  nextAttemptRunId: z.string().nullable(),
});

function createUpgradeApi(base: string, sourcePort: number, stop: Stoppable["stop"]): UpgradeApi {
  async function call<T>(answer: z.ZodType<T>, method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(base + path, {
      method,
      headers: { "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return answer.parse(JSON.parse(text));
  }
  return {
    stop,
    async createSync() {
      const connection = await call(Created, "POST", "/connections", {
        name: "source",
        provider: "postgres",
        config: { host: "127.0.0.1", port: sourcePort, database: "source", user: "postgres", sslMode: "disable" },
        secrets: { password: "x" },
      });
      const sync = await call(CreatedSync, "POST", "/syncs", {
        name: "orders",
        connectionId: connection.id,
        entities: [ENTITY],
        executionMode: "fan_out_window",
        executionConfig: { windowSize: "2000", batchRows: 500, heartbeatTimeoutSeconds: 10 },
      });
      return { id: sync.id, table: sync.tableBindings[0].physicalTableName };
    },
    trigger: async (syncId, body) => (await call(Created, "POST", `/syncs/${syncId}/trigger`, body)).id,
    statusOf: async (runId) => (await call(Run, "GET", `/syncs/runs/${runId}`)).status,
    cancel: async (runId) => void (await call(z.unknown(), "POST", `/syncs/runs/${runId}/cancel`, {})),
    async whenEnded(runId) {
      for (const deadline = Date.now() + RUN_PATIENCE_MS; Date.now() < deadline; await sleep(250)) {
        const run = await call(Run, "GET", `/syncs/runs/${runId}`);
        if (run.nextAttemptRunId !== null) return this.whenEnded(run.nextAttemptRunId);
        if (run.completedAt !== null) return run;
      }
      throw new Error(`run ${runId} has not ended within ${RUN_PATIENCE_MS / 1000} s`);
    },
  };
}
