import type { DiscoveredEntity } from "./connection-tasks.ts";
import { LOAD_MODE_RULES } from "./load-modes.ts";
import { LOAD_MODES, type LoadMode } from "./vocabulary.ts";

/**
 * Why a load mode that removes what it does not read cannot load an entity; null where nothing stands in the way. `what` is a predicate
 * whose subject is the entity; `fix` a sentence.
 */
export function findProofFault(
  { unprovable }: Pick<DiscoveredEntity, "unprovable">,
  loadMode: LoadMode,
): { what: string; fix: string } | null {
  if (unprovable === undefined || !LOAD_MODE_RULES[loadMode].needsProof) return null;
  const others = LOAD_MODES.filter((mode) => !LOAD_MODE_RULES[mode].needsProof);
  return {
    what: `cannot be loaded by ${loadMode}, which removes what it does not read: ${unprovable.why}`,
    fix: `${unprovable.fix}, or choose load mode ${others.join(" or ")}.`,
  };
}
