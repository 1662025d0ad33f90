import { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { type IsControlDatabase, readIdentity } from "../core/database-identity.ts";
import { TerminalError } from "../core/errors.ts";
import type { Commit, Failpoint } from "../core/failpoints.ts";
import { createRedactor } from "../core/redact.ts";
import { APPLY_SETTINGS, SAFE_SEARCH_PATH, SESSION_SETTINGS } from "../core/session-settings.ts";
import { asConnected } from "../egress/dial.ts";
import { breakOnlyItself, LOGIN_BYTES, whileFewBytesCome } from "../egress/hostile-server.ts";

/** Until the system asks whether the other end of an idle connection is still there. */
const KEEPALIVE_MS = 30_000;

export interface SessionSettings {
  connection: pg.ClientConfig;
  /** Comes to the server in the driver's place; absent: the driver connects to the place in `connection`. */
  connect?: ((timeoutMs: number) => Promise<Socket>) | undefined;
  /** Of the database that has answered. Absent: every database is taken. */
  isControlDatabase?: IsControlDatabase | undefined;
  applicationName: string;
  connectTimeoutMs: number;
  lockTimeoutMs: number;
  statementTimeoutMs: number;
  idleInTransactionTimeoutMs: number;
  failpoint?: Failpoint | undefined;
}

/** One connection. `pid` and `startedAt` together name its backend for good: the system uses a pid again. */
export interface Session {
  client: pg.Client;
  pid: number;
  /** As Postgres prints it, with microseconds. */
  startedAt: string;
  /** Of the server. */
  majorVersion: number;
  /** What every statement may take, unless it goes over a large table. */
  statementTimeoutMs: number;
  /** Ends the session within a second, whatever state it is in; an open transaction rolls back. Idempotent. */
  close(): Promise<void>;
  /** Cuts the connection without a word. */
  cut(): void;
  failpoint?: Failpoint | undefined;
}

/**
 * Of the destination's sessions alone. The last four bound how long a worker that is gone or stopped can hold anything.
 */
function serverSettings(settings: SessionSettings): Record<string, string> {
  return {
    ...SESSION_SETTINGS,
    datestyle: "ISO, MDY",
    default_transaction_read_only: "off",
    synchronous_commit: "on",
    // Triggers and references of users are theirs to switch off, table by table.
    session_replication_role: "origin",
    row_security: "on",
    // What is staged is ordered by where it lies, and merged by unique indexes.
    default_table_access_method: "heap",
    // It compiles catalog queries for seconds that take milliseconds.
    jit: "off",
    work_mem: "64MB",
    temp_buffers: "32MB",
    lock_timeout: `${settings.lockTimeoutMs}ms`,
    statement_timeout: `${settings.statementTimeoutMs}ms`,
    idle_in_transaction_session_timeout: `${settings.idleInTransactionTimeoutMs}ms`,
    client_connection_check_interval: "2s",
    tcp_user_timeout: "30s",
  };
}

/**
 * Types of extensions are looked for in `public` last. Postgres refuses a partitioned table whose tablespace is named although it
 * is the database's own.
 */
const APPLY_PLACES = `
  select set_config('search_path', ${SAFE_SEARCH_PATH} || ', public', false),
         set_config('default_tablespace', case when spcname = current_setting('default_tablespace') then '' else current_setting('default_tablespace') end, false)
  from pg_database join pg_tablespace on pg_tablespace.oid = dattablespace
  where datname = current_database()`;

/**
 * A short timeout must not end what sets it. A session that works as another role than the one it logged in as neither sees nor ends
 * its predecessors.
 */
const FIRST_SETTINGS = "set statement_timeout = 0; set role none";

/** @throws TerminalError destination_permission_denied for what only a superuser may set back */
async function applySettings(client: pg.Client, settings: SessionSettings): Promise<void> {
  try {
    await client.query(FIRST_SETTINGS);
    await client.query(APPLY_SETTINGS, [JSON.stringify(serverSettings(settings))]);
    await client.query(APPLY_PLACES);
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== "42501") throw error;
    throw new TerminalError(
      "destination_permission_denied",
      `The destination's role has a setting that it may not change back: ${error.message}.`,
      { fix: "Run as a superuser: alter role ... reset the setting, or alter database ... reset it.", cause: error },
    );
  }
}

/** What work may have left: an open transaction, temporary tables, the run that its rows are of. */
const FORGET = "rollback; discard temp; select set_config('sluice.run_id', '', false)";

/** As it was when it was opened, for other work. @throws whatever tells that the connection is lost */
export async function restoreSession({ client }: Session, settings: SessionSettings): Promise<void> {
  await client.query(FORGET);
  await applySettings(client, settings);
}

export async function openSession(settings: SessionSettings): Promise<Session> {
  const socket = settings.connect ? asConnected(await settings.connect(settings.connectTimeoutMs)) : new Socket();
  const client = new pg.Client({
    ...settings.connection,
    application_name: settings.applicationName,
    connectionTimeoutMillis: settings.connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_MS,
    stream: () => socket,
  });
  breakOnlyItself(client.connection);
  // What answers may be anything, and say anything, at any time. First of all who listen, so that the others hear what is left.
  const { redactError } = createRedactor([await passwordOf(client, settings)]);
  client.connection.prependListener("errorMessage", redactError);
  // Without a listener the loss of an idle connection would end the process; the next query rejects all the same.
  client.on("error", () => undefined);
  const close = async (): Promise<void> => {
    const ended = client.end();
    await Promise.race([ended, sleep(1000, undefined, { ref: false })]);
    socket.destroy();
  };
  const cut = (): void => {
    socket.destroy();
  };
  // A server that takes the connection and then says nothing.
  const late = setTimeout(cut, 2 * settings.connectTimeoutMs);
  try {
    await whileFewBytesCome(socket, LOGIN_BYTES, async () => {
      await client.connect();
      await refuseControlDatabase(client, settings);
      await applySettings(client, settings);
    });
    const { rows } = await client.query<Pick<Session, "pid" | "startedAt" | "majorVersion">>(
      `select pid, backend_start::text as "startedAt", current_setting('server_version_num')::int / 10000 as "majorVersion"
       from pg_stat_activity where pid = pg_backend_pid()`,
    );
    const [backend] = rows;
    if (backend === undefined) throw new Error("The destination does not show our own session in pg_stat_activity.");
    const { failpoint, statementTimeoutMs } = settings;
    return { client, ...backend, statementTimeoutMs, close, cut, failpoint };
  } catch (error) {
    cut();
    redactError(error);
    throw error;
  } finally {
    clearTimeout(late);
  }
}

/** @throws TerminalError destination_address_refused: its tables hold everybody's connections */
async function refuseControlDatabase(
  client: pg.Client,
  { isControlDatabase }: Pick<SessionSettings, "isControlDatabase">,
): Promise<void> {
  if (isControlDatabase === undefined) return;
  const found = await readIdentity(async (sql) => (await client.query(sql)).rows);
  if (!(await isControlDatabase(found))) return;
  throw new TerminalError("destination_address_refused", "The destination is Sluice's own control database.", {
    fix: "Name another database: in the connection, or in WAREHOUSE_URL where it is the default destination.",
  });
}

/** As the driver has it by then: as text, or as what gives it. */
async function passwordOf(client: pg.Client, { connection: { password } }: SessionSettings): Promise<string> {
  return typeof password === "function" ? password() : (client.password ?? "");
}

/**
 * Cuts the connection when `work` takes longer: a network that swallows everything lets no timeout of the server reach us. For short
 * questions only.
 */
export async function withinTime<T>(timeoutMs: number, session: Session, work: () => Promise<T>): Promise<T> {
  const late = setTimeout(session.cut, timeoutMs);
  try {
    return await work();
  } finally {
    clearTimeout(late);
  }
}

export async function withSession<T>(settings: SessionSettings, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession(settings);
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

/** @param commit names its failpoints */
export async function inTransaction<T>(session: Session, work: () => Promise<T>, commit?: Commit): Promise<T> {
  await session.client.query("begin");
  try {
    const result = await work();
    if (commit) await session.failpoint?.(`${commit}.before`);
    await session.client.query("commit");
    if (commit) await session.failpoint?.(`${commit}.after`);
    return result;
  } catch (error) {
    try {
      await session.client.query("rollback");
    } catch {
      // It says less than what made us roll back. The server rolls back when the connection is gone.
      session.cut();
    }
    throw error;
  }
}

/**
 * Runs `work` on the session. When the signal aborts, the open statement is cancelled at the server, which would run on
 * otherwise, and the session is over: close it.
 * @throws the signal's reason, when `work` fails after it aborted
 */
export async function abortable<T>(
  settings: SessionSettings,
  session: Session,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const settled = Promise.withResolvers<void>();
  let stopping: Promise<void> | null = null;
  const stop = (): void => {
    stopping = stopStatement(settings, session, settled.promise);
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await work();
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener("abort", stop);
    settled.resolve();
    await stopping;
  }
}

/** A cancel that arrives between two statements is lost, so it is sent again, and in the end the backend goes. */
async function stopStatement(settings: SessionSettings, session: Session, settled: Promise<void>): Promise<void> {
  let running = true;
  const end = settled.then(() => {
    running = false;
  });
  try {
    await withSession(settings, async ({ client }) => {
      for (let tries = 0; running; tries++) {
        await client.query(tries < 3 ? "select pg_cancel_backend($1)" : "select pg_terminate_backend($1)", [
          session.pid,
        ]);
        await Promise.race([end, sleep(150)]);
      }
    });
  } catch {
    // No second connection is to be had. A closed socket ends the statement too, if later.
    session.cut();
  }
}
