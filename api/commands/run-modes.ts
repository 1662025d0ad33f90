import { isComparison } from "../../core/digests.ts";
import { knowsRunMode } from "../../core/load-modes.ts";
import type { RunMode } from "../../core/vocabulary.ts";
import { listBindings } from "../../db/bindings.ts";
import type { Db } from "../../db/client.ts";
import type { SyncRow } from "../../db/syncs.ts";
import type { ApiDeps } from "../deps.ts";
import { invalidValue } from "../errors.ts";

/**
 * A comparison of which nothing could come is refused. One that some entities allow is not, since a trigger cannot name them:
 * the others fail in it, each with its reason.
 * @throws AppError validation_failed
 */
export async function requireComparable(
  { findProvider }: Pick<ApiDeps, "findProvider">,
  trx: Db,
  sync: SyncRow,
  runMode: RunMode,
): Promise<void> {
  if (!isComparison(runMode)) return;
  const refuse = (why: string) => invalidValue(["body", "runMode"], `'${runMode}' is not possible: ${why}`);
  if (!findProvider(sync.providerKey)?.comparable) {
    throw refuse(`a ${sync.providerKey} source cannot be compared where it lies; use full_refresh`);
  }
  const bindings = (await listBindings(trx, [sync.id])).filter(({ entityKey }) => sync.entities.includes(entityKey));
  const allows = ({ loadMode }: (typeof bindings)[number]) => loadMode === null || knowsRunMode(loadMode, runMode);
  if (bindings.some(allows)) return;
  const loadModes = [...new Set(bindings.map(({ loadMode }) => loadMode))];
  throw refuse(`no entity of the sync knows it, with load mode ${loadModes.join(", ")}; use full_refresh`);
}
