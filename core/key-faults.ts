import type { DiscoveredEntity } from "./connection-tasks.ts";
import { LOAD_MODE_RULES } from "./load-modes.ts";
import type { LoadMode } from "./vocabulary.ts";

/**
 * Why a load that needs a key, or is given one, cannot have it at this source; null where nothing stands in the way. `what` is a
 * predicate whose subject is the entity; `fix` a sentence.
 */
export function findKeyFault(
  { keyless }: Pick<DiscoveredEntity, "keyless">,
  { loadMode, given = [] }: { loadMode: LoadMode; given: string[] | undefined },
): { what: string; fix: string } | null {
  if (keyless === undefined) return null;
  const { needsKey } = LOAD_MODE_RULES[loadMode];
  if (!needsKey && given.length === 0) return null;
  const fix = needsKey
    ? "Choose load mode replace or append_event without primaryKeyColumns."
    : "Leave primaryKeyColumns out of the table binding.";
  return { what: `cannot have a key: ${keyless}`, fix };
}
