import {
  type DatabaseIdentity,
  type IsControlDatabase,
  isSameDatabase,
  readIdentity,
} from "../core/database-identity.ts";
import type { Db } from "../db/client.ts";
import { readDeploymentId } from "../db/deployment.ts";
import { isDatabaseUnavailable } from "../db/pg-errors.ts";
import { askDatabase } from "../db/ping.ts";

/** After a failover another server may be the control database. */
const GOOD_FOR_MS = 10_000;

/**
 * Tells the control database from all others, by what it says of itself. While it is away, by what it said last: work goes on meanwhile.
 * @throws of the answer: DatabaseUnavailableError where it has never been there
 */
export function createIsControlDatabase(db: Db): IsControlDatabase {
  let known: DatabaseIdentity | null = null;
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<DatabaseIdentity> | null = null;

  async function read(): Promise<DatabaseIdentity> {
    const identity = await readIdentity((sql) => askDatabase(db, sql));
    known = { ...identity, deployment: await readDeploymentId(db) };
    readAt = performance.now();
    return known;
  }

  async function own(): Promise<DatabaseIdentity> {
    if (known !== null && performance.now() - readAt < GOOD_FOR_MS) return known;
    reading ??= read().finally(() => {
      reading = null;
    });
    try {
      return await reading;
    } catch (error) {
      if (known === null || !isDatabaseUnavailable(error)) throw error;
      return known;
    }
  }

  return async (found) => isSameDatabase(await own(), found);
}
