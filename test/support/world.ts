import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, Connection } from "@temporalio/client";
import Long from "long";
import pg from "pg";
import { type Logger, pino } from "pino";
import { inject } from "vitest";
import { type Access, OPEN_ACCESS } from "../../api/access.ts";
import { createApp } from "../../api/app.ts";
import {
  type CreateConnection,
  type CreateSync,
  createSluiceClient,
  type SluiceClient,
  type TriggerSync,
  unwrap,
} from "../../client/index.ts";
import { createControlPort } from "../../control/port.ts";
import type { FailpointName } from "../../core/failpoints.ts";
import type { Db } from "../../db/client.ts";
import { createKeyring } from "../../db/secrets.ts";
import { childEnv } from "./child-env.ts";
import { findProviderOrDepot } from "./depot-provider.ts";
import { createControlDatabase, createTestDatabase, openDb, type TestDatabase } from "./postgres.ts";

/** A whole Sluice on real parts: control database, warehouse, source, API in this process, workers in theirs. */
export interface World {
  db: Db;
  controlUrl: string;
  sourceUrl: string;
  warehouseUrl: string;
  /** Runs SQL and gives the rows. */
  source(sql: string, values?: unknown[]): Promise<Row[]>;
  warehouse(sql: string, values?: unknown[]): Promise<Row[]>;
  temporal: Client;
  temporalAddress: string;
  namespace: string;
  sluice: SluiceClient;
  /** For other clients. */
  fetch(request: Request): Promise<Response>;
  /** For what the typed client would not send, or an error that is expected. */
  api(method: string, path: string, body?: unknown): Promise<{ status: number; body: Row }>;
  /**
   * @param env with `DEPOT` it knows the connectors of `depot-provider.ts` and `shop-provider.ts` too
   * @param failpoint it ends in, as if by SIGKILL
   */
  startWorker(env?: Record<string, string>, failpoint?: FailpointName): Promise<WorkerProcess>;
  /** What describes a connection to the source; `port` for one through a proxy. */
  sourceConnection(options?: SourceOptions): CreateConnection;
  /** @returns its id */
  createConnection(options?: SourceOptions): Promise<string>;
  createSync(body: Omit<CreateSync, "name"> & { name?: string }): Promise<Row>;
  close(): Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes, read field by field in assertions
export type Row = Record<string, any>;

export interface WorkerProcess {
  pid: number;
  /** SIGKILL, SIGSTOP, SIGCONT, SIGTERM. */
  signal(name: NodeJS.Signals): void;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** SIGTERM, and waits. @returns the exit code */
  stop(): Promise<number | null>;
  /** Resolves when it is gone, by whatever. */
  gone: Promise<unknown>;
  /** Everything it logged. */
  lines: string[];
}

interface SourceOptions {
  port?: number;
  user?: string;
  password?: string;
}

export interface WorldOptions {
  /** Who may use the API; everybody otherwise. */
  access?: Access;
  /** The API's; silent otherwise. */
  log?: Logger;
  /** Of the API and, unless told otherwise, the workers. */
  encryptionKeys?: string;
  /** A server of the test's own; the shared one otherwise, in a namespace of the world's own. */
  temporalAddress?: string;
  /** Of a server of the test's own; databases of the shared one otherwise. */
  databases?: { control: TestDatabase; warehouse: TestDatabase; source: TestDatabase };
}

export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const { control, warehouse, source } = options.databases ?? {
    control: await createControlDatabase(),
    warehouse: await createTestDatabase(),
    source: await createTestDatabase(),
  };
  const temporalAddress = options.temporalAddress ?? inject("temporalAddress");
  const namespace = options.temporalAddress ? "default" : `world-${randomBytes(6).toString("hex")}`;
  const temporal = new Client({ connection: await Connection.connect({ address: temporalAddress }), namespace });
  if (!options.temporalAddress) await registerNamespace(temporal, namespace);

  const keys = options.encryptionKeys ?? `k1:${randomBytes(32).toString("base64")}`;
  const db = openDb(control.url);
  const log = options.log ?? pino({ level: "silent" });
  const port = createControlPort({
    db,
    temporal: { address: temporalAddress, namespace },
    temporalUiUrl: "http://127.0.0.1:8233",
    log,
  });
  const app = createApp({
    db,
    keyring: createKeyring(keys),
    control: port,
    log,
    access: options.access ?? OPEN_ACCESS,
    findProvider: findProviderOrDepot,
  });
  const pools = { source: quietPool(source.url), warehouse: quietPool(warehouse.url) };
  const workers: WorkerProcess[] = [];

  const world: World = {
    db,
    controlUrl: control.url,
    sourceUrl: source.url,
    warehouseUrl: warehouse.url,
    temporal,
    temporalAddress,
    namespace,
    sluice: createSluiceClient({
      baseUrl: "http://127.0.0.1",
      fetch: (request) => world.fetch(request),
      retryForSeconds: 0,
    }),
    fetch: async (request) => app.fetch(request),
    source: async (sql, values) => (await pools.source.query(sql, values)).rows,
    warehouse: async (sql, values) => (await pools.warehouse.query(sql, values)).rows,
    async api(method, path, body) {
      const response = await app.request(`/api/v1${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
      });
      const text = await response.text();
      return { status: response.status, body: text === "" ? {} : JSON.parse(text) };
    },
    async startWorker(env = {}, failpoint) {
      const worker = await spawnWorker({
        DATABASE_URL: control.url,
        WAREHOUSE_URL: warehouse.url,
        TEMPORAL_ADDRESS: temporalAddress,
        TEMPORAL_NAMESPACE: namespace,
        TEMPORAL_UI_URL: "http://127.0.0.1:8233",
        SLUICE_ENCRYPTION_KEYS: keys,
        SLUICE_WORKFLOW_BUNDLE: inject("workflowBundle"),
        ...env,
        ...(failpoint ? { FAILPOINT: failpoint } : {}),
      });
      workers.push(worker);
      return worker;
    },
    sourceConnection({ port: proxyPort, user, password } = {}) {
      const url = new URL(source.url);
      return {
        name: `source ${randomUUID()}`,
        provider: "postgres",
        config: {
          host: url.hostname,
          port: proxyPort ?? Number(url.port),
          database: url.pathname.slice(1),
          user: user ?? url.username,
          sslMode: "disable",
        },
        secrets: { password: password ?? decodeURIComponent(url.password) },
      };
    },
    async createConnection(sourceOptions) {
      const body = world.sourceConnection(sourceOptions);
      return (await unwrap(world.sluice.POST("/api/v1/connections", { body }))).id;
    },
    createSync: (body) =>
      unwrap(world.sluice.POST("/api/v1/syncs", { body: { name: `sync ${randomUUID()}`, ...body } })),
    async close() {
      await Promise.all(workers.map((worker) => worker.kill()));
      await Promise.all([
        port.close(),
        temporal.connection.close(),
        pools.source.end(),
        pools.warehouse.end(),
        db.destroy(),
      ]);
      await Promise.all([control.drop(), warehouse.drop(), source.drop()]);
      const crashed = workers.find((worker) => worker.lines.at(-1) === CRASHED);
      if (crashed) throw new Error(`${CRASHED}:\n${crashed.lines.slice(-30).join("\n")}`);
    },
  };
  return world;
}

/** Asks again until the answer is not null. @throws Error naming `what` after `timeoutMs` */
export async function until<T>(what: string, ask: () => Promise<T | null>, timeoutMs = 90_000): Promise<T> {
  const startedAt = Date.now();
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    const waitedMs = Date.now() - startedAt;
    if (waitedMs > timeoutMs) throw new Error(`${what}: not within ${timeoutMs / 1000} s`);
    // Each question costs this process and Postgres some milliseconds, and what takes long is as well seen a little later.
    await sleep(Math.min(50 + waitedMs / 40, 150));
  }
}

/** Triggers the sync. @returns the run as the API answered it */
export function trigger(world: World, syncId: string, body: TriggerSync = {}): Promise<Row> {
  const params = { path: { sync_id: syncId } };
  return unwrap(world.sluice.POST("/api/v1/syncs/{sync_id}/trigger", { params, body }));
}

export function getRun(world: World, runId: string): Promise<Row> {
  const params = { path: { run_id: runId } };
  return unwrap(world.sluice.GET("/api/v1/syncs/runs/{run_id}", { params }));
}

/** The run once `test` holds for it. */
export async function whenRun(
  world: World,
  runId: string,
  test: (run: Row) => boolean,
  timeoutMs?: number,
): Promise<Row> {
  let seen: Row = {};
  const ask = async (): Promise<Row | null> => {
    seen = await getRun(world, runId);
    return test(seen) ? seen : null;
  };
  return until(`run ${runId}`, ask, timeoutMs).catch((cause: unknown) => {
    throw new Error(`the run stayed as ${JSON.stringify(seen)}`, { cause });
  });
}

export function whenEnded(world: World, runId: string, timeoutMs?: number): Promise<Row> {
  return whenRun(world, runId, (run) => run.completedAt !== null, timeoutMs);
}

/** The last run of the chain, once it has ended and nothing follows it. */
export async function whenChainEnded(world: World, runId: string, timeoutMs?: number): Promise<Row> {
  const ended = await whenEnded(world, runId, timeoutMs);
  return ended.nextAttemptRunId === null ? ended : whenChainEnded(world, ended.nextAttemptRunId, timeoutMs);
}

/** Source and destination by count and by an order-independent checksum over the source's columns. */
export async function compareTables(
  world: World,
  sourceTable: string,
  destinationTable: string,
): Promise<{ source: Row; destination: Row }> {
  const columns = await world.source(
    "select string_agg(quote_ident(attname), ', ' order by attnum) as list from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped",
    [sourceTable],
  );
  const sql = (table: string) =>
    `select count(*)::int as rows, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text as checksum from (select ${columns[0]?.list} from ${table}) t`;
  const [inSource] = await world.source(sql(sourceTable));
  const [inDestination] = await world.warehouse(sql(destinationTable));
  return { source: inSource ?? {}, destination: inDestination ?? {} };
}

/** The table that an entity of a sync is loaded into, quoted. */
export function tableOf(sync: Row, entityKey: string): string {
  const binding = sync.tableBindings.find((each: Row) => each.entityKey === entityKey);
  return `"${sync.destinationConfig.schema ?? sync.providerKey}"."${binding.physicalTableName}"`;
}

async function registerNamespace(temporal: Client, namespace: string): Promise<void> {
  await temporal.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: Long.fromNumber(86_400) },
  });
  await until("the namespace", async () => {
    try {
      await temporal.workflowService.describeNamespace({ namespace });
      await temporal.workflowService.listWorkflowExecutions({ namespace });
      return true;
    } catch {
      return null;
    }
  });
}

function quietPool(connectionString: string): pg.Pool {
  const pool = new pg.Pool({ connectionString, max: 4 });
  pool.on("error", () => undefined);
  return pool;
}

/** The last line of a worker that ended unasked. */
const CRASHED = "the worker ended unasked";

async function spawnWorker(env: Record<string, string>): Promise<WorkerProcess> {
  const child = spawn(
    process.execPath,
    [env.FAILPOINT || env.DEPOT ? "test/support/worker-with-failpoint.ts" : "worker.ts"],
    {
      env: { ...childEnv(), ...env },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const lines: string[] = [];
  const exited = once(child, "exit");
  for (const output of [child.stdout, child.stderr])
    createInterface({ input: output }).on("line", (line) => lines.push(line));
  await until("the worker", async () => {
    if (hasEnded(child)) throw new Error(`the worker ended:\n${lines.slice(-20).join("\n")}`);
    return lines.some((line) => line.includes("worker is ready")) ? true : null;
  });
  let asked = env.FAILPOINT !== undefined;
  void exited.then(() => {
    if (!asked) lines.push(CRASHED);
  });
  const { pid } = child;
  if (pid === undefined) throw new Error("the worker has no pid");
  return {
    pid,
    lines,
    gone: exited,
    signal: (name) => void child.kill(name),
    async kill() {
      if (hasEnded(child)) return;
      asked = true;
      child.kill("SIGKILL");
      await exited;
    },
    async stop() {
      if (!hasEnded(child)) {
        asked = true;
        child.kill("SIGTERM");
        await exited;
      }
      return child.exitCode;
    },
  };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
