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
import * as shortPages from "./migrations/0009_short_pages.ts";
import * as planTasks from "./migrations/0010_plan_tasks.ts";
import * as cursorTails from "./migrations/0011_cursor_tails.ts";
import * as columnNames from "./migrations/0012_column_names.ts";
import * as contractThree from "./migrations/0013_contract_three.ts";
import * as workers from "./migrations/0014_workers.ts";
import * as countsOfAttempts from "./migrations/0015_counts_of_attempts.ts";
import * as frozenSettings from "./migrations/0016_frozen_settings.ts";
import * as runsEnded from "./migrations/0019_runs_ended.ts";
import * as activityTries from "./migrations/0020_activity_tries.ts";
import * as budgets from "./migrations/0021_budgets.ts";
import * as exportJobs from "./migrations/0022_export_jobs.ts";
import * as groups from "./migrations/0023_groups.ts";
import * as eventsTellDeletions from "./migrations/0024_events_tell_deletions.ts";
import * as firstActivation from "./migrations/0025_first_activation.ts";

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
  "0009_short_pages": shortPages,
  "0010_plan_tasks": planTasks,
  "0011_cursor_tails": cursorTails,
  "0012_column_names": columnNames,
  "0013_contract_three": contractThree,
  "0014_workers": workers,
  "0015_counts_of_attempts": countsOfAttempts,
  "0016_frozen_settings": frozenSettings,
  "0019_runs_ended": runsEnded,
  "0020_activity_tries": activityTries,
  "0021_budgets": budgets,
  "0022_export_jobs": exportJobs,
  "0023_groups": groups,
  "0024_events_tell_deletions": eventsTellDeletions,
  "0025_first_activation": firstActivation,
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
