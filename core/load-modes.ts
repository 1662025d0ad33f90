import type { LoadMode, RunMode } from "./vocabulary.ts";

export interface LoadModeRule {
  /** Without a key of the binding's or the source's own the entity is refused: `primary_key_missing`. */
  needsKey: boolean;
  /** What the first run does not read is gone afterwards: it fails unless the read can be shown to be complete. */
  needsProof: boolean;
  /** Every run reads everything, whatever its mode says. */
  alwaysComplete: boolean;
  /** Run modes beside `incremental` and `full_refresh`, which all load modes know. */
  runModes: Exclude<RunMode, "incremental" | "full_refresh">[];
}

/** How each load mode behaves; what a run mode asks of it that is not here is refused before anything runs. */
export const LOAD_MODE_RULES: Record<LoadMode, LoadModeRule> = {
  /** Adds what is not there yet, by key, or as a multiset; never changes or removes a row. */
  append_event: { needsKey: false, needsProof: false, alwaysComplete: false, runModes: ["backfill"] },
  /** Adds all rows of each run under the run's `_snapshot_at`. */
  append_snapshot: { needsKey: false, needsProof: true, alwaysComplete: true, runModes: [] },
  /** By key, the newest cursor wins. */
  upsert: { needsKey: true, needsProof: false, alwaysComplete: false, runModes: ["backfill", "repair", "verify"] },
  /** As `upsert`, and a row that is gone from the source keeps its last values and gets `_deleted_at`. */
  upsert_soft_delete: {
    needsKey: true,
    needsProof: true,
    alwaysComplete: true,
    runModes: ["backfill", "repair", "verify"],
  },
  /** Each window of the source takes the place of the same window of the table. */
  delete_insert: {
    needsKey: true,
    needsProof: true,
    alwaysComplete: false,
    runModes: ["backfill", "repair", "verify"],
  },
  /** The table is what the source is. */
  replace: { needsKey: false, needsProof: true, alwaysComplete: true, runModes: ["repair", "verify"] },
  /** Every version of a row, each with the time it was valid. */
  scd2: { needsKey: true, needsProof: true, alwaysComplete: false, runModes: ["backfill", "verify"] },
};

export function knowsRunMode(loadMode: LoadMode, runMode: RunMode): boolean {
  const everywhere = runMode === "incremental" || runMode === "full_refresh";
  return everywhere || LOAD_MODE_RULES[loadMode].runModes.includes(runMode);
}

/** Others read what lies apart from where the cursor state is, or write nothing. */
export function movesCursor(runMode: RunMode): boolean {
  return runMode === "incremental" || runMode === "full_refresh";
}

/**
 * A run that reads all that the source has.
 * @param tellsGone the source tells what is gone, as a change feed does, so marking it needs no complete scan; but it has no windows that could be
 * replaced
 */
export function readsEverything(loadMode: LoadMode, runMode: RunMode, tellsGone = false): boolean {
  if (runMode !== "incremental") return runMode === "full_refresh";
  if (tellsGone && loadMode === "upsert_soft_delete") return false;
  return LOAD_MODE_RULES[loadMode].alwaysComplete || (tellsGone && loadMode === "delete_insert");
}
