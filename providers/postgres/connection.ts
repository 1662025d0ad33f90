import { Socket } from "node:net";
import { Client } from "pg";
import type { ConnectionConfig } from "./config.ts";
import { createReusingSocket, type ReadBuffers } from "./read-buffers.ts";

/** Tells our sessions from those that may write: they never do. */
export const APPLICATION_NAME = "sluice-source";

const KEEPALIVE_SECONDS = 30;

export interface Connection {
  client: Client;
  /** The server process at the other end. */
  pid: number;
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
  let open = true;
  // The statement in flight rejects with the same error; here it only must not end the process.
  client.on("error", () => {
    open = false;
  });
  client.on("end", () => {
    open = false;
  });
  const abort = () => socket.destroy(new Error("Connection terminated by abort"));
  signal?.addEventListener("abort", abort, { once: true });
  socket.once("close", () => signal?.removeEventListener("abort", abort));
  try {
    await client.connect();
    const server = await applySettings(client, config);
    return { client, ...server, buffers, isOpen: () => open, destroy: () => socket.destroy() };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

type Server = Pick<Connection, "pid" | "majorVersion">;

/** One round trip; a server too old to know a setting goes without. */
async function applySettings(client: Client, config: ConnectionConfig): Promise<Server> {
  const settings = {
    TimeZone: "UTC",
    DateStyle: "ISO, YMD",
    IntervalStyle: "postgres",
    bytea_output: "hex",
    extra_float_digits: "3",
    default_transaction_read_only: "on",
    lock_timeout: "10s",
    statement_timeout: `${config.statementTimeoutSeconds}s`,
    idle_in_transaction_session_timeout: "60s",
    // Between two batches the destination may be at work for long.
    idle_session_timeout: "0",
    tcp_keepalives_idle: `${KEEPALIVE_SECONDS}`,
    client_connection_check_interval: "5s",
  };
  const { rows } = await client.query<Server>(
    `select pg_backend_pid() as pid, current_setting('server_version_num')::int / 10000 as "majorVersion",
       count(set_config(known.name, wanted.value, false))
     from json_each_text($1::json) as wanted(name, value) join pg_settings as known using (name)`,
    [JSON.stringify(settings)],
  );
  return rows[0] ?? { pid: 0, majorVersion: 0 };
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
