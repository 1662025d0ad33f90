import { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { createRedactor } from "../core/redact.ts";

export interface SessionSettings {
  connection: pg.ClientConfig;
  applicationName: string;
  connectTimeoutMs: number;
  lockTimeoutMs: number;
  statementTimeoutMs: number;
  idleInTransactionTimeoutMs: number;
}

/** One connection. `pid` and `startedAt` together name its backend for good: the system uses a pid again. */
export interface Session {
  client: pg.Client;
  pid: number;
  /** As Postgres prints it, with microseconds. */
  startedAt: string;
  /** Of the server. */
  majorVersion: number;
  /** Ends the session within a second, whatever state it is in; an open transaction rolls back. Idempotent. */
  close(): Promise<void>;
  /** Cuts the connection without a word. */
  cut(): void;
}

/**
 * What every session relies on, so that no server, database or role default gets in its way. The last four bound how long
 * a worker that is gone or stopped can hold anything; text of a value is the same in every session.
 */
function serverSettings(settings: SessionSettings): Record<string, string> {
  return {
    default_transaction_isolation: "read committed",
    synchronous_commit: "on",
    timezone: "UTC",
    datestyle: "ISO, MDY",
    intervalstyle: "postgres",
    bytea_output: "hex",
    extra_float_digits: "1",
    work_mem: "64MB",
    temp_buffers: "32MB",
    // Between two batches the source may be at work for long.
    idle_session_timeout: "0",
    lock_timeout: `${settings.lockTimeoutMs}ms`,
    statement_timeout: `${settings.statementTimeoutMs}ms`,
    idle_in_transaction_session_timeout: `${settings.idleInTransactionTimeoutMs}ms`,
    client_connection_check_interval: "2s",
    tcp_user_timeout: "30s",
  };
}

export async function openSession(settings: SessionSettings): Promise<Session> {
  const socket = new Socket();
  const client = new pg.Client({
    ...settings.connection,
    application_name: settings.applicationName,
    connectionTimeoutMillis: settings.connectTimeoutMs,
    keepAlive: true,
    stream: () => socket,
  });
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
  try {
    await client.connect();
    const wanted = serverSettings(settings);
    await client.query(
      "select set_config(name, value, false) from unnest($1::text[], $2::text[]) as setting (name, value)",
      [Object.keys(wanted), Object.values(wanted)],
    );
    const { rows } = await client.query<Pick<Session, "pid" | "startedAt" | "majorVersion">>(
      `select pid, backend_start::text as "startedAt", current_setting('server_version_num')::int / 10000 as "majorVersion"
       from pg_stat_activity where pid = pg_backend_pid()`,
    );
    const [backend] = rows;
    if (backend === undefined) throw new Error("The destination does not show our own session in pg_stat_activity.");
    return { client, ...backend, close, cut };
  } catch (error) {
    cut();
    // What answers may be anything, and say anything.
    createRedactor([client.password ?? ""]).redactError(error);
    throw error;
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

export async function inTransaction<T>(session: Session, work: () => Promise<T>): Promise<T> {
  await session.client.query("begin");
  try {
    const result = await work();
    await session.client.query("commit");
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
