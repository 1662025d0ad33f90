import { readsEverything } from "../core/load-modes.ts";
import type { LoadMode } from "../core/vocabulary.ts";
import type { BindingRow } from "../db/bindings.ts";
import type { RunRow } from "../db/runs.ts";
import { sameColumns } from "../destinations/tables/table-shape.ts";
import type { EntitySchema } from "../providers/provider.ts";
import { needsResync } from "./feed-start.ts";

/** Whether a run reads all that the source has of an entity, and takes what it does not see for gone. */

/**
 * An incremental run without a cursor to go on from does so too, in the load modes that let rows go: it has no window to replace, and
 * only a read of everything shows what is gone.
 */
export function readsAll(run: Pick<RunRow, "runMode">, resolved: LoadedBy, read: EntityRead): boolean {
  const { loadMode, cursorField } = resolved;
  const isIncremental = run.runMode === "incremental";
  const lacksStart = isIncremental && ((cursorField === null && !tellsGone(read.schema)) || read.cursor === null);
  const sweepsThen = loadMode === "delete_insert" || loadMode === "scd2" || loadMode === "upsert_soft_delete";
  return (
    readsEverything(loadMode, run.runMode, tellsGone(read.schema)) ||
    (lacksStart && sweepsThen) ||
    isResync(run, resolved, read)
  );
}

/** A change feed tells of deletions, and a manifest shows which files are gone: no cursor is needed, and no complete scan. */
function tellsGone({ changeFeed, files }: Pick<EntitySchema, "changeFeed" | "files">): boolean {
  return changeFeed === true || files === true;
}

interface LoadedBy {
  loadMode: LoadMode;
  keyColumns: string[];
  cursorField: string | null;
}

interface EntityRead {
  schema: Pick<EntitySchema, "changeFeed" | "files" | "primaryKeyColumns">;
  binding: Pick<BindingRow, "frozenAt">;
  cursor: string | null;
}

/** Load modes that read everything anyway need no other reason to. */
export function isResync({ runMode }: Pick<RunRow, "runMode">, resolved: LoadedBy, read: EntityRead): boolean {
  const { loadMode } = resolved;
  const { schema, binding, cursor } = read;
  const isIncremental = runMode === "incremental" && !readsEverything(loadMode, runMode, tellsGone(schema));
  return isIncremental && !keepsRowsOfGone(schema, resolved) && needsResync(schema, binding, cursor);
}

/**
 * Rows that were read from files stay when the files are gone: as events, or because they are merged by a key of the user's own, which says
 * nothing of files.
 */
export function keepsRowsOfGone(
  { files, primaryKeyColumns }: EntityRead["schema"],
  { loadMode, keyColumns }: LoadedBy,
): boolean {
  return files === true && (loadMode === "append_event" || !sameColumns(keyColumns, primaryKeyColumns));
}
