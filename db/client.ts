import { CamelCasePlugin, Kysely, PostgresDialect } from "kysely";
import { type ControlPoolOptions, createControlPool } from "./control-pool.ts";
import { notePool } from "./pool-use.ts";
import type { Database } from "./schema.ts";

export type Db = Kysely<Database>;

/**
 * The control database. `maintainNestedObjectKeys` keeps keys inside stored JSON as they were written.
 * @throws DatabaseUnavailableError, from every query, for what may pass
 */
export function createDb(options: ControlPoolOptions): Db {
  const pool = createControlPool(options);
  const db = new Kysely<Database>({
    dialect: new PostgresDialect({ pool }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  });
  return notePool(db, pool.use);
}

/** Runs `work` in the transaction that `db` already is, or in one of its own. */
export function inTransaction<T>(db: Db, work: (trx: Db) => Promise<T>): Promise<T> {
  return db.isTransaction ? work(db) : db.transaction().execute(work);
}
