import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createDb } from "../../db/client.ts";
import { migrateToLatest } from "../../db/migrate.ts";
import { type ChildHooks, type SupervisedChild, superviseChild } from "./children.ts";
import { homePostgresDir, homeSecrets, writePrivateJson } from "./home.ts";
import { lockHome } from "./lock.ts";
import { endOrphans, recordChildren } from "./orphans.ts";
import { choosePort, type PortContext } from "./ports.ts";
import { type PostgresDatabases, startPostgres, usePostgres } from "./postgres.ts";
import { postgresUser } from "./postgres-binaries.ts";
import { provideTemporal } from "./temporal.ts";

export interface StackOptions {
  home: string;
  env: NodeJS.ProcessEnv;
  /** @param source `sluice` or the name of a child */
  log: (source: string, line: string) => void;
  /** A Postgres that runs already, by a superuser's address; one of the stack's own when absent. */
  postgresUrl?: string | undefined;
  /** Of its three databases, where others may have the usual names. */
  databases?: { control: string; warehouse: string; source: string };
  /** Where children are killed on purpose. */
  mostRestartMs?: number;
  /** Gives up on a start. */
  signal: AbortSignal;
}

/** What `dev.json` says; the connection strings hold the password. */
export interface StackInfo {
  apiUrl: string;
  docsUrl: string;
  temporalAddress: string;
  temporalUiUrl: string;
  databaseUrl: string;
  warehouseUrl: string;
  demoSourceUrl: string;
  /** Null while a child is down, and for a Temporal that is not ours. */
  pids: { api: number | null; worker: number | null; temporal: number | null; postgres: number | null };
}

export interface Stack {
  readonly info: StackInfo;
  /** Ends every child, the worker first, and gives the home back; idempotent. `now` skips the graces. */
  stop(options?: { now?: boolean }): Promise<void>;
}

/**
 * Postgres, migrations, Temporal, API, worker: in this order, each when the one before is ready.
 * @throws HomeInUseError; Error with a message for people when a part can't start, after stopping the others
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { home, env, signal } = options;
  const log = (line: string) => options.log("sluice", line);
  const release = lockHome(home);
  const children: SupervisedChild[] = [];
  const record = recordChildren(home);
  const pids: StackInfo["pids"] = { api: null, worker: null, temporal: null, postgres: null };
  const infoPath = join(home, "dev.json");
  let info: StackInfo | null = null;

  function hooks(name: keyof StackInfo["pids"]): ChildHooks {
    return {
      signal,
      mostRestartMs: options.mostRestartMs,
      onLine: (line) => options.log(name, line),
      onDeath: log,
      onPid(pid, stopSignal) {
        record.note(name, pid, stopSignal);
        pids[name] = pid;
        if (info !== null) writePrivateJson(infoPath, info);
      },
    };
  }

  async function stop({ now = false } = {}): Promise<void> {
    info = null;
    rmSync(infoPath, { force: true });
    for (const child of children.toReversed()) await child.stop({ now });
    record.clear();
    release();
  }

  try {
    rmSync(infoPath, { force: true });
    await endOrphans(home, log);
    const context = { env, taken: new Set<number>(), log };
    const apiPort = await choosePort({ variable: "PORT", label: "API", fallback: 8080 }, context);
    const secrets = homeSecrets(home);
    const postgres = await providePostgres(options, context, hooks("postgres"));
    if (postgres.child !== null) children.push(postgres.child);
    const databases = options.databases ?? { control: "sluice", warehouse: "warehouse", source: "demo_source" };
    await postgres.ensureDatabases(Object.values(databases));
    await migrate(postgres.url(databases.control), log);

    const temporal = await provideTemporal({ home, ports: context, env, log, hooks: hooks("temporal") });
    if (temporal.child !== null) children.push(temporal.child);

    const apiUrl = `http://127.0.0.1:${apiPort}`;
    const urls = {
      apiUrl,
      docsUrl: `${apiUrl}/docs`,
      temporalAddress: temporal.address,
      temporalUiUrl: temporal.uiUrl,
      databaseUrl: postgres.url(databases.control),
      warehouseUrl: postgres.url(databases.warehouse),
      demoSourceUrl: postgres.url(databases.source),
    };
    const childEnv = { ...workerEnv(urls, env, secrets), HOST: "127.0.0.1", PORT: String(apiPort) };

    log("starting the API and a worker");
    const api = superviseNode("api", "api/server.ts", childEnv, () => isReady(`${apiUrl}/readyz`), hooks("api"));
    children.push(api);
    await api.start();
    const worker = superviseNode("worker", "start-worker.ts", childEnv, async () => true, hooks("worker"));
    children.push(worker);
    await worker.start();

    signal.throwIfAborted();
    info = { ...urls, pids };
    writePrivateJson(infoPath, info);
    return { info, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Of a worker of the stack. */
export function workerEnv(
  urls: Omit<StackInfo, "pids">,
  env: NodeJS.ProcessEnv,
  secrets: { encryptionKeys: string },
): NodeJS.ProcessEnv {
  return {
    ...env,
    DATABASE_URL: urls.databaseUrl,
    WAREHOUSE_URL: urls.warehouseUrl,
    TEMPORAL_ADDRESS: urls.temporalAddress,
    TEMPORAL_NAMESPACE: env.TEMPORAL_NAMESPACE ?? "default",
    TEMPORAL_UI_URL: urls.temporalUiUrl,
    SLUICE_ENCRYPTION_KEYS: env.SLUICE_ENCRYPTION_KEYS ?? secrets.encryptionKeys,
  };
}

async function providePostgres(
  { home, postgresUrl, log }: StackOptions,
  ports: PortContext,
  hooks: ChildHooks,
): Promise<PostgresDatabases & { child: SupervisedChild | null }> {
  if (postgresUrl !== undefined) return { ...usePostgres(postgresUrl), child: null };
  const port = await choosePort({ variable: "POSTGRES_PORT", label: "Postgres", fallback: 54_329 }, ports);
  log("sluice", "starting Postgres");
  return startPostgres({
    dataDir: join(await homePostgresDir(home, await postgresUser()), "data"),
    port,
    password: homeSecrets(home).postgresPassword,
    ...hooks,
  });
}

async function migrate(url: string, log: (line: string) => void): Promise<void> {
  const db = createDb({ url, onPoolError: (error) => log(error.message) });
  try {
    const applied = await migrateToLatest(db);
    if (applied.length > 0) log(`migrated the control database: ${applied.join(", ")}`);
  } finally {
    await db.destroy();
  }
}

/** One of our own programs, run by this very Node. */
function superviseNode(
  name: string,
  script: string,
  env: NodeJS.ProcessEnv,
  isReady: () => Promise<boolean>,
  hooks: ChildHooks,
): SupervisedChild {
  return superviseChild({
    name,
    command: process.execPath,
    args: [fileURLToPath(new URL(`../../${script}`, import.meta.url))],
    env,
    stopSignal: "SIGTERM",
    graceMs: 20_000,
    isReady,
    readyTimeoutMs: 60_000,
    ...hooks,
  });
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.ok;
  } catch (error) {
    // Nobody listens yet: fetch has one error for every trouble on the way.
    if (error instanceof TypeError || (error instanceof DOMException && error.name === "TimeoutError")) return false;
    throw error;
  }
}
