import type { Kysely } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import * as initial from "./migrations/0001_initial.ts";
import * as runEvents from "./migrations/0002_run_events.ts";
import * as idempotency from "./migrations/0003_idempotency.ts";
import * as connectionState from "./migrations/0004_connection_state.ts";
import * as audit from "./migrations/0005_audit.ts";
import * as runRequests from "./migrations/0006_run_requests.ts";
import * as verifications from "./migrations/0007_verifications.ts";
import * as contracts from "./migrations/0008_contracts.ts";

/** Listed, not found by looking into a directory: what is deployed is what was type-checked. Names are for ever. */
export const MIGRATIONS: Record<string, Migration> = {
  "0001_initial": initial,
  "0002_run_events": runEvents,
  "0003_idempotency": idempotency,
  "0004_connection_state": connectionState,
  "0005_audit": audit,
  "0006_run_requests": runRequests,
  "0007_verifications": verifications,
  "0008_contracts": contracts,
};

/**
 * Brings the control database to the latest schema, all or nothing. Idempotent, and safe when several processes do it at
 * once: an advisory lock makes them take turns.
 * @returns the names of the migrations that this call applied
 * @throws Error that names the migration that failed
 */
export async function migrateToLatest<T>(db: Kysely<T>): Promise<string[]> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } });
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error !== undefined) {
    const failed = results.find((result) => result.status === "Error");
    const what = failed === undefined ? "the control database" : `migration ${failed.migrationName}`;
    throw new Error(`${what} failed: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  return results.map((result) => result.migrationName);
}
