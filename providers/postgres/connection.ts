import { Socket } from "node:net";
import { Client } from "pg";
import { type IsControlDatabase, readIdentity } from "../../core/database-identity.ts";
import { tlsOptionsOf } from "../../core/database-login.ts";
import { createRedactor } from "../../core/redact.ts";
import { APPLY_SETTINGS, SAFE_SEARCH_PATH, SESSION_SETTINGS } from "../../core/session-settings.ts";
import { asConnected, type Dial } from "../../egress/dial.ts";
import { breakOnlyItself, LOGIN_BYTES, whileFewBytesCome } from "../../egress/hostile-server.ts";
import type { ConnectionConfig } from "./config.ts";
import { askForNoConversion, isNoConversion, NO_CONVERSION, RAW_ENCODINGS } from "./raw-encoding.ts";
import { createReusingSocket, type ReadBuffers } from "./read-buffers.ts";

/** Tells our sessions from those that may write: they never do. */
export const APPLICATION_NAME = "sluice-source";

/** What nobody may read has answered. */
export class ControlDatabaseError extends Error {
  override readonly name = "ControlDatabaseError";
}

/** How long a statement waits for a table that somebody has locked. */
export const LOCK_TIMEOUT = "10s";

const KEEPALIVE_SECONDS = 30;

/** Of what is no COPY. The largest answer is the catalog's: some hundred bytes a column. */
const ANSWER_BYTES = 256 * 1024 * 1024;

export interface Connection {
  client: Client;
  /** The server process at the other end, and when it started as Postgres prints it. */
  pid: number;
  startedAt: string;
  majorVersion: number;
  /** Null where each read has memory of its own. */
  buffers: ReadBuffers | null;
  isOpen(): boolean;
  /** Waits for the answer to a question. @throws TooManyBytesError for one of more than 256 MiB, all of which would be in memory */
  ask<T>(question: () => Promise<T>): Promise<T>;
  /** Drops the socket at once; what is in flight rejects. */
  destroy(): void;
}

/** All that it takes to come to a source and to log in there. */
export interface Access {
  config: ConnectionConfig;
  password: string;
  dial: Dial;
  isControlDatabase: IsControlDatabase;
}

/**
 * @param signal drops the socket, also while it is being connected; null for what must outlive an abort
 * @throws AddressRefusedError, ControlDatabaseError, NoPostgresError, and whatever driver, system and server throw
 */
export async function openConnection(access: Access, signal: AbortSignal | null): Promise<Connection> {
  try {
    return await open(access, { signal, prepare: () => undefined });
  } catch (error) {
    if (!isNoConversion(error)) throw error;
    return await open(access, { signal, prepare: askForNoConversion });
  }
}

/** @param prepare.prepare called before it connects */
async function open(
  { config, password, dial, isControlDatabase }: Access,
  { signal, prepare }: { signal: AbortSignal | null; prepare(client: Client): void },
): Promise<Connection> {
  signal?.throwIfAborted();
  const ssl = tlsOptionsOf({ sslMode: config.sslMode, sslRootCert: config.sslRootCert ?? null });
  // Under TLS it is not the socket that reads.
  const { socket, buffers } = ssl === false ? createReusingSocket() : { socket: new Socket(), buffers: null };
  await dial(config, { socket, signal, timeoutMs: config.connectTimeoutSeconds * 1000 });
  const client = new Client({
    // Names the server for TLS alone: the socket is connected, and what is resolved now could be another one.
    host: config.host,
    port: config.port,
    database: config.database,
    user: config.user,
    // As text, an empty one would be looked for in the worker's own environment and files.
    password: () => password,
    ssl,
    connectionTimeoutMillis: config.connectTimeoutSeconds * 1000,
    application_name: APPLICATION_NAME,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_SECONDS * 1000,
    stream: () => asConnected(socket),
  });
  breakOnlyItself(client.connection);
  // First of all who listen: what is cut later may end within the password, whose rest nobody would know again.
  const { redactError } = createRedactor([password]);
  client.connection.prependListener("errorMessage", redactError);
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
    const server = await whileFewBytesCome(socket, LOGIN_BYTES, async () => {
      await client.connect();
      await refuseControlDatabase(client, isControlDatabase);
      return applySettings(client, config);
    });
    return {
      ...{ client, ...server, buffers, isOpen: () => isOpen, destroy: () => socket.destroy() },
      ask: (question) => whileFewBytesCome(socket, ANSWER_BYTES, question),
    };
  } catch (error) {
    socket.destroy();
    redactError(error);
    throw error;
  } finally {
    clearTimeout(late);
  }
}

/** @throws ControlDatabaseError before anything else is asked of it */
async function refuseControlDatabase(client: Client, isControlDatabase: IsControlDatabase): Promise<void> {
  const found = await readIdentity(async (sql) => (await client.query(sql)).rows);
  if (await isControlDatabase(found)) throw new ControlDatabaseError("this is Sluice's own control database");
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
