import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chown, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { type ChildHooks, type SupervisedChild, superviseChild } from "./children.ts";
import { findPostgres, type PostgresUser, postgresUser } from "./postgres-binaries.ts";

const run = promisify(execFile);

export interface PostgresDatabases {
  /** Superuser's connection string, with the password. */
  url(database: string): string;
  /** Creates those that are missing. */
  ensureDatabases(names: readonly string[]): Promise<void>;
}

export interface PostgresServer extends PostgresDatabases {
  readonly child: SupervisedChild;
  readonly port: number;
}

export interface PostgresOptions extends ChildHooks {
  /** Its cluster is made there when missing. Its parent must be one that `postgresUser()` can reach. */
  dataDir: string;
  port: number;
  password: string;
  /** Server settings over the defaults below. */
  settings?: Record<string, string>;
}

/** For bulk loads on a developer's machine, and as durable as Postgres is by default. */
const SETTINGS = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "300",
  shared_buffers: "256MB",
  maintenance_work_mem: "256MB",
  max_wal_size: "4GB",
  wal_level: "logical",
  timezone: "UTC",
  log_min_messages: "fatal",
};

/** Starts a Postgres of our own, supervised: it comes back when it dies, until `child.stop()`. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const user = await postgresUser();
  const { binDir } = await findPostgres(user);
  await ensureCluster({ binDir, user, dataDir: options.dataDir, password: options.password });

  const url = (database: string) =>
    `postgres://postgres:${encodeURIComponent(options.password)}@127.0.0.1:${options.port}/${database}`;
  const settings = { ...SETTINGS, ...options.settings };
  const child = superviseChild({
    name: "postgres",
    command: join(binDir, "postgres"),
    args: [
      ...["-D", options.dataDir, "-p", String(options.port)],
      ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ],
    ...(user === null ? {} : { user }),
    // Fast shutdown: sessions are ended, nothing is lost. SIGQUIT is the immediate one, which recovers at the next start.
    stopSignal: "SIGINT",
    killSignal: "SIGQUIT",
    graceMs: 20_000,
    isReady: () => accepts(url("postgres")),
    readyTimeoutMs: 60_000,
    onLine: options.onLine,
    onDeath: options.onDeath,
    onPid: options.onPid,
    signal: options.signal,
  });
  await child.start();

  return { child, port: options.port, ...databasesOf(url) };
}

/** A server that somebody else runs. @param serverUrl a superuser's */
export function usePostgres(serverUrl: string): PostgresDatabases {
  return databasesOf((database) => Object.assign(new URL(serverUrl), { pathname: `/${database}` }).href);
}

function databasesOf(url: PostgresDatabases["url"]): PostgresDatabases {
  return {
    url,
    async ensureDatabases(names) {
      const client = new pg.Client(url("postgres"));
      await client.connect();
      try {
        const { rows } = await client.query<{ datname: string }>("select datname from pg_database");
        const present = new Set(rows.map((row) => row.datname));
        for (const name of names) {
          if (!present.has(name)) await client.query(`create database ${client.escapeIdentifier(name)}`);
        }
      } finally {
        await client.end();
      }
    },
  };
}

async function ensureCluster(options: {
  binDir: string;
  user: PostgresUser;
  dataDir: string;
  password: string;
}): Promise<void> {
  const { binDir, user, dataDir, password } = options;
  if (existsSync(dataDir)) return;
  // Made beside and moved: an initdb that was cut off leaves no half cluster under the real name.
  const fresh = `${dataDir}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true, mode: 0o700 });
  const passwordFile = `${dataDir}.password`;
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  try {
    if (user !== null) await Promise.all([fresh, passwordFile].map((path) => chown(path, user.uid, user.gid)));
    // The built-in locale is the same on every system and needs none installed.
    await run(
      join(binDir, "initdb"),
      [
        ...["--pgdata", fresh, "--username", "postgres", "--auth", "scram-sha-256", "--pwfile", passwordFile],
        ...["--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"],
      ],
      { ...user, cwd: "/", env: { PATH: process.env.PATH, TZ: "UTC" } },
    );
  } finally {
    await rm(passwordFile);
  }
  await rename(fresh, dataDir);
}

async function accepts(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return true;
  } catch (error) {
    // A wrong password never gets better: the data belongs to another home.
    if (error instanceof pg.DatabaseError && error.code === "28P01") throw error;
    return false;
  } finally {
    await client.end();
  }
}
