import { Socket } from "node:net";
import { Client } from "pg";
import { APPLY_SETTINGS, SAFE_SEARCH_PATH, SESSION_SETTINGS } from "../../core/session-settings.ts";
import type { ConnectionConfig } from "./config.ts";
import { askForNoConversion, isNoConversion, NO_CONVERSION, RAW_ENCODINGS } from "./raw-encoding.ts";
import { createReusingSocket, type ReadBuffers } from "./read-buffers.ts";

/** Tells our sessions from those that may write: they never do. */
export const APPLICATION_NAME = "sluice-source";

/** How long a statement waits for a table that somebody has locked. */
export const LOCK_TIMEOUT = "10s";

const KEEPALIVE_SECONDS = 30;

export interface Connection {
  client: Client;
  /** The server process at the other end, and when it started as Postgres prints it. */
  pid: number;
  startedAt: string;
  majorVersion: number;
  /** Null where each read has memory of its own. */
  buffers: ReadBuffers | null;
  isOpen(): boolean;
  /** Drops the socket at once; what is in flight rejects. */
  destroy(): void;
}

/** @param signal drops the socket, also while it is being connected; null for what must outlive an abort */
export async function openConnection(
  config: ConnectionConfig,
  password: string,
  signal: AbortSignal | null,
): Promise<Connection> {
  try {
    return await open(config, password, { signal, prepare: () => undefined });
  } catch (error) {
    if (!isNoConversion(error)) throw error;
    return await open(config, password, { signal, prepare: askForNoConversion });
  }
}

/** @param prepare.prepare called before it connects */
async function open(
  config: ConnectionConfig,
  password: string,
  { signal, prepare }: { signal: AbortSignal | null; prepare(client: Client): void },
): Promise<Connection> {
  signal?.throwIfAborted();
  const ssl = tlsOptions(config);
  // Under TLS it is not the socket that reads.
  const { socket, buffers } = ssl === false ? createReusingSocket() : { socket: new Socket(), buffers: null };
  const client = new Client({
    host: config.host,
    port: config.port,
    database: config.database,
    user: config.user,
    password,
    ssl,
    connectionTimeoutMillis: config.connectTimeoutSeconds * 1000,
    application_name: APPLICATION_NAME,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_SECONDS * 1000,
    stream: () => socket,
  });
  prepare(client);
  let isOpen = true;
  // The statement in flight rejects with the same error; here it only must not end the process.
  client.on("error", () => {
    isOpen = false;
  });
  client.on("end", () => {
    isOpen = false;
  });
  const abort = () => socket.destroy(new Error("Connection terminated by abort"));
  signal?.addEventListener("abort", abort, { once: true });
  socket.once("close", () => signal?.removeEventListener("abort", abort));
  // A server that takes the connection and then says nothing.
  const late = setTimeout(() => socket.destroy(), 2 * config.connectTimeoutSeconds * 1000);
  try {
    await client.connect();
    const server = await applySettings(client, config);
    return { client, ...server, buffers, isOpen: () => isOpen, destroy: () => socket.destroy() };
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(late);
  }
}

type Server = Pick<Connection, "pid" | "startedAt" | "majorVersion">;

async function applySettings(client: Client, config: ConnectionConfig): Promise<Server> {
  const settings = {
    ...SESSION_SETTINGS,
    DateStyle: "ISO, YMD",
    // Views are there to be read.
    restrict_nonsystem_relation_kind: "",
    default_transaction_read_only: "on",
    // It compiles catalog queries for seconds that take milliseconds.
    jit: "off",
    lock_timeout: LOCK_TIMEOUT,
    statement_timeout: `${config.statementTimeoutSeconds}s`,
    idle_in_transaction_session_timeout: "60s",
    tcp_keepalives_idle: `${KEEPALIVE_SECONDS}`,
    client_connection_check_interval: "5s",
  };
  // A short timeout must not end what sets it.
  await client.query("set statement_timeout = 0");
  await client.query(APPLY_SETTINGS, [JSON.stringify(settings)]);
  const { rows } = await client.query<Server>(
    `select pg_backend_pid() as pid, (select backend_start::text from pg_stat_get_activity(pg_backend_pid())) as "startedAt",
       current_setting('server_version_num')::int / 10000 as "majorVersion",
       set_config('search_path', ${SAFE_SEARCH_PATH}, false),
       case when getdatabaseencoding() = any ($1) then set_config('client_encoding', $2, false) end`,
    [RAW_ENCODINGS, NO_CONVERSION],
  );
  return rows[0] ?? { pid: 0, startedAt: "", majorVersion: 0 };
}

function tlsOptions(config: ConnectionConfig) {
  const ca = config.sslRootCert === undefined ? {} : { ca: config.sslRootCert };
  switch (config.sslMode) {
    case "disable":
      return false;
    case "require":
      return { rejectUnauthorized: false };
    case "verify-ca":
      return { rejectUnauthorized: true, checkServerIdentity: () => undefined, ...ca };
    case "verify-full":
      return { rejectUnauthorized: true, ...ca };
  }
}
