import { CamelCasePlugin, CompiledQuery, Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { CONTRACT } from "../core/workflow-contract.ts";
import type { Database } from "./schema.ts";

export type Db = Kysely<Database>;

/** bigint counts (rows, bytes) stay below 2^53; instants become Dates (milliseconds), which is what the API answers with. */
const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, Number);

/**
 * The control database. `maintainNestedObjectKeys` keeps keys inside stored JSON as they were written.
 * @param options.maxConnections pool size of this process
 * @param options.onPoolError a connection was lost while no query ran on it; the next query gets another
 */
export function createDb(options: { url: string; maxConnections?: number; onPoolError: (error: Error) => void }): Db {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 30_000,
    idle_in_transaction_session_timeout: 30_000,
    keepAlive: true,
    application_name: "sluice",
    types,
  });
  // Without a listener it would end the process. The pool itself listens to its idle connections only, not to one that a
  // caller holds between two queries, as the leader does.
  pool.on("connect", (client) => void client.on("error", options.onPoolError));
  pool.on("error", () => undefined);
  return new Kysely<Database>({
    dialect: new PostgresDialect({
      pool,
      // Runs that ask for more than a process knows are kept from it by a trigger, also after this version was put back.
      onCreateConnection: async (connection) => {
        await connection.executeQuery(
          CompiledQuery.raw("select set_config('sluice.contract', $1, false)", [String(CONTRACT)]),
        );
      },
    }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  });
}

/** Runs `work` in the transaction that `db` already is, or in one of its own. */
export function inTransaction<T>(db: Db, work: (trx: Db) => Promise<T>): Promise<T> {
  return db.isTransaction ? work(db) : db.transaction().execute(work);
}
