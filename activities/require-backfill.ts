import { TerminalError } from "../core/errors.ts";
import { knowsRunMode } from "../core/load-modes.ts";
import type { LoadMode } from "../core/vocabulary.ts";
import type { BindingRow } from "../db/bindings.ts";
import type { EntitySchema } from "../providers/provider.ts";

/**
 * What the API could not know when the backfill was asked for.
 * @param of.inherits the table was loaded by a sync that is deleted
 * @throws TerminalError config_invalid
 */
export function requireBackfill(
  { entityKey, frozenAt }: BindingRow,
  { files }: Pick<EntitySchema, "files">,
  of: { loadMode: LoadMode; cursorField: string | null; inherits: boolean },
): void {
  const { loadMode, cursorField, inherits } = of;
  if (files) {
    const fix = "Trigger the sync, which reads all files that are new or have changed, or leave it out of entities.";
    throw invalid(entityKey, "it is made of files, which have no window", fix);
  }
  if (!knowsRunMode(loadMode, "backfill")) {
    throw invalid(entityKey, `its load mode ${loadMode} knows none`, "Leave it out of entities, or trigger the sync.");
  }
  if (cursorField === null) {
    throw invalid(entityKey, "it has no cursor", "Set cursorField in its table binding, or leave it out of entities.");
  }
  // Such a table is loaded beside and swapped, and nothing but the window would be left of it.
  if (inherits && frozenAt === null) {
    throw invalid(
      entityKey,
      "its table is still that of a deleted sync",
      "Trigger the sync once, which loads it anew.",
    );
  }
}

function invalid(entityKey: string, why: string, fix: string): TerminalError {
  return new TerminalError("config_invalid", `${entityKey} cannot be backfilled: ${why}.`, { fix });
}
