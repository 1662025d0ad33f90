import type { PostgresCursor, PostgresPool, PostgresPoolClient, PostgresQueryResult } from "kysely";
import pg from "pg";
import { APPLY_SETTINGS, SESSION_SETTINGS } from "../core/session-settings.ts";
import { CONTRACT } from "../core/workflow-contract.ts";
import { classifyDatabaseError, DatabaseUnavailableError } from "./pg-errors.ts";
import type { PoolUse } from "./pool-use.ts";

/** bigint counts (rows, bytes) stay below 2^53; instants become Dates (milliseconds), which is what the API answers with. */
const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, Number);

const STATEMENT_TIMEOUT_SECONDS = 30;

const SETTINGS = {
  ...SESSION_SETTINGS,
  DateStyle: "ISO, MDY",
  default_transaction_read_only: "off",
  // What was answered survives a crash.
  synchronous_commit: "on",
  // Events are recorded by triggers.
  session_replication_role: "origin",
  lock_timeout: "0",
  statement_timeout: `${STATEMENT_TIMEOUT_SECONDS}s`,
  idle_in_transaction_session_timeout: "30s",
};

export interface ControlPoolOptions {
  url: string;
  /** Pool size of this process. */
  maxConnections?: number;
  /** A connection was lost while no query ran on it; the next query gets another. */
  onPoolError: (error: Error) => void;
}

/**
 * Sessions of the control database, each with its settings. The one place where errors of this database are told from all others: what
 * may pass is thrown as DatabaseUnavailableError. A session whose server went away is not used again.
 */
export function createControlPool({
  url,
  maxConnections,
  onPoolError,
}: ControlPoolOptions): PostgresPool & { use(): PoolUse } {
  const pool = new pg.Pool({
    connectionString: url,
    max: maxConnections ?? 10,
    connectionTimeoutMillis: 5_000,
    // The server ends a statement before. A server that is paused or cut off answers nothing at all.
    query_timeout: (STATEMENT_TIMEOUT_SECONDS + 10) * 1_000,
    keepAlive: true,
    application_name: "sluice",
    types,
  });
  // Without a listener it would end the process. The pool itself listens to its idle connections only, not to one that a
  // caller holds between two queries, as the leader does.
  pool.on("connect", (client) => void client.on("error", onPoolError));
  pool.on("error", () => undefined);
  const sessions = new WeakMap<pg.PoolClient, PostgresPoolClient>();
  return {
    options: pool.options,
    async connect() {
      const client = await connect(pool);
      // Kysely knows a session again by its object.
      const known = sessions.get(client);
      if (known) return known;
      const session = createSession(client);
      try {
        await applySettings(session);
      } catch (error) {
        session.release(true);
        throw error;
      }
      sessions.set(client, session);
      return session;
    },
    end: () => pool.end(),
    use: () => ({
      size: pool.options.max,
      open: pool.totalCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
    }),
  };
}

async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (cause) {
    // Whatever stands between this process and a session: a wrong password too is mended while the process runs.
    throw pool.ending ? cause : new DatabaseUnavailableError(cause, { answers: false });
  }
}

function createSession(client: pg.PoolClient): PostgresPoolClient {
  let lost: unknown;
  async function ask(sql: string, parameters: readonly unknown[]): Promise<unknown> {
    // A statement behind one that nobody answers would wait as long again.
    if (lost !== undefined) throw new DatabaseUnavailableError(lost, { answers: false });
    try {
      return await client.query(sql, [...parameters]);
    } catch (error) {
      const failure = classifyDatabaseError(error);
      if (failure === null) throw error;
      if (failure === "away") lost = error;
      throw new DatabaseUnavailableError(error, { answers: failure === "busy" });
    }
  }
  function query<R>(sql: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>>;
  function query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>;
  function query(sql: unknown, parameters: readonly unknown[] = []): unknown {
    if (typeof sql !== "string") throw new Error("The control database is not read with cursors");
    return ask(sql, parameters);
  }
  return {
    query,
    release: (destroy) => client.release(destroy === true || lost !== undefined),
  };
}

async function applySettings(session: PostgresPoolClient): Promise<void> {
  // A short timeout must not end what sets it.
  await session.query("set statement_timeout = 0", []);
  await session.query(APPLY_SETTINGS, [JSON.stringify(SETTINGS)]);
  // Runs that ask for more than a process knows are kept from it by a trigger, also after this version was put back.
  await session.query("select set_config('sluice.contract', $1, false)", [String(CONTRACT)]);
}
