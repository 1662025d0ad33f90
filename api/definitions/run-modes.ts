import { isComparison } from "../../core/digests.ts";
import type { ValidationIssue } from "../../core/errors.ts";
import { knowsRunMode } from "../../core/load-modes.ts";
import { placesIn } from "../../core/places.ts";
import type { RunMode } from "../../core/vocabulary.ts";
import { type BindingRow, listBindings } from "../../db/bindings.ts";
import type { Db } from "../../db/client.ts";
import type { SyncRow } from "../../db/syncs.ts";
import type { ApiDeps } from "../deps.ts";
import { invalidValue, refused } from "../errors.ts";

/** @param named in `entities` of a request's body */
export function unknownEntities(named: readonly string[], known: readonly string[]): ValidationIssue[] {
  return named.flatMap((entityKey, index) =>
    placesIn(known).has(entityKey) ? [] : [entityIssue(index, `'${entityKey}' is not among the sync's entities`)],
  );
}

/**
 * A comparison of which nothing could come is refused, and so is one that names an entity which cannot be compared. Where the
 * run is for all entities of the sync, it skips such an entity and says so.
 * @param asked.entities as named by the caller; undefined: all of the sync's
 * @throws AppError validation_failed
 */
export async function requireComparable(
  { findProvider }: Pick<ApiDeps, "findProvider">,
  trx: Db,
  sync: SyncRow,
  asked: { runMode: RunMode; entities: string[] | undefined },
): Promise<void> {
  const { runMode, entities: named } = asked;
  if (!isComparison(runMode)) return;
  const refuse = (why: string) => invalidValue(["body", "runMode"], `'${runMode}' is not possible: ${why}`);
  if (!findProvider(sync.providerKey)?.comparable) {
    throw refuse(`a ${sync.providerKey} source cannot be compared where it lies; use full_refresh`);
  }
  const bindings = await listBindings(trx, [sync.id]);
  const bindingOf = new Map(bindings.map((binding) => [binding.entityKey, binding]));
  const loadModesOf = (entityKeys: readonly string[]) =>
    entityKeys.map((entityKey) => bindingOf.get(entityKey)?.loadMode ?? null);
  const allows = (loadMode: BindingRow["loadMode"]) => loadMode === null || knowsRunMode(loadMode, runMode);
  if (named !== undefined) {
    const issues = loadModesOf(named).flatMap((loadMode, index) =>
      allows(loadMode)
        ? []
        : [entityIssue(index, `'${named[index]}' knows no ${runMode}: its load mode is ${loadMode}; use full_refresh`)],
    );
    if (issues.length > 0) throw refused(issues);
    return;
  }
  const loadModes = loadModesOf(sync.entities);
  if (loadModes.some(allows)) return;
  throw refuse(
    `no entity of the sync knows it, with load mode ${[...new Set(loadModes)].join(", ")}; use full_refresh`,
  );
}

function entityIssue(index: number, msg: string): ValidationIssue {
  return { loc: ["body", "entities", index], msg, type: "value_error" };
}
