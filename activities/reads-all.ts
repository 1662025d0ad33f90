import { readsEverything } from "../core/load-modes.ts";
import type { BindingRow } from "../db/bindings.ts";
import type { RunRow } from "../db/runs.ts";
import type { EntitySchema } from "../providers/provider.ts";
import type { ResolvedBinding } from "./entity-requests.ts";
import { needsResync } from "./feed-start.ts";

/** Whether a run reads all that the source has of an entity, and takes what it does not see for gone. */

/**
 * Also a run that lacks only the cursor to go on from, where what is gone is to go: there is no window to replace, and versions of
 * what is gone end with every read of all there is.
 */
export function readsAll(run: Pick<RunRow, "runMode">, resolved: ResolvedBinding, read: EntityRead): boolean {
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
export function tellsGone({ changeFeed, files }: Pick<EntitySchema, "changeFeed" | "files">): boolean {
  return changeFeed === true || files === true;
}

interface EntityRead {
  schema: Pick<EntitySchema, "changeFeed" | "files">;
  binding: Pick<BindingRow, "frozenAt">;
  cursor: string | null;
}

/** Load modes that read everything anyway need no other reason to. */
export function isResync(
  { runMode }: Pick<RunRow, "runMode">,
  { loadMode }: ResolvedBinding,
  read: EntityRead,
): boolean {
  const { schema, binding, cursor } = read;
  const isIncremental = runMode === "incremental" && !readsEverything(loadMode, runMode, tellsGone(schema));
  // Earlier versions of a file are events that have happened: the source has them no more, and they stay.
  const keepsGone = schema.files === true && loadMode === "append_event";
  return isIncremental && !keepsGone && needsResync(schema, binding, cursor);
}
