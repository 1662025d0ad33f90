import type { Kysely } from "kysely";
import type { Database } from "./schema.ts";

type Db = Kysely<Database>;

export interface PoolUse {
  /** Most connections. */
  size: number;
  open: number;
  idle: number;
  /** Queries and transactions that wait for a connection. */
  waiting: number;
}

const POOLS = new WeakMap<Db, () => PoolUse>();

/** @returns `db`, whose pool can be looked at from now on */
export function notePool(db: Db, use: () => PoolUse): Db {
  POOLS.set(db, use);
  return db;
}

/** Of the process's connections to the control database. @throws for a transaction, which has none of its own */
export function poolUse(db: Db): PoolUse {
  const use = POOLS.get(db);
  if (use === undefined) throw new Error("poolUse needs what createDb has made");
  return use();
}
