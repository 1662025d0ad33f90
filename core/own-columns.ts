import type { LoadMode } from "./vocabulary.ts";

export const SNAPSHOT_AT_COLUMN = "_snapshot_at";
export const VALID_FROM_COLUMN = "_valid_from";
export const VALID_TO_COLUMN = "_valid_to";
export const IS_CURRENT_COLUMN = "_is_current";
/** When a complete scan first missed the row, or the source told that it has deleted it; null while the source has it. */
export const DELETED_AT_COLUMN = "_deleted_at";

/** What a load mode adds to the user's table, so that the source must not have it. */
export const MODE_COLUMNS: Partial<Record<LoadMode, readonly string[]>> = {
  upsert_soft_delete: [DELETED_AT_COLUMN],
  append_snapshot: [SNAPSHOT_AT_COLUMN],
  scd2: [VALID_FROM_COLUMN, VALID_TO_COLUMN, IS_CURRENT_COLUMN],
};
