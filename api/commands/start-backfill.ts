import type { ValidationIssue } from "../../core/errors.ts";
import { knowsRunMode } from "../../core/load-modes.ts";
import { placesIn } from "../../core/places.ts";
import { type BindingRow, listBindings } from "../../db/bindings.ts";
import type { RunRow } from "../../db/runs.ts";
import type { ApiDeps, Caller } from "../deps.ts";
import { refused } from "../errors.ts";
import type { StartBackfillBody } from "../schemas/backfills.ts";
import { startRun } from "./trigger-sync.ts";

/**
 * A run over a window of the cursor that leaves the cursor state alone.
 * @param request.id of the new run; the same again for the same request, which finds what was made then
 * @throws AppError validation_failed, and what `startRun` throws
 */
export function startBackfill(
  deps: Pick<ApiDeps, "db" | "control">,
  request: { id: string; syncId: string; body: StartBackfillBody; caller: Caller },
): Promise<RunRow> {
  const { id, syncId, body, caller } = request;
  return startRun(deps, { id, syncId, caller, action: "run.backfill" }, async (trx, sync) => {
    const bindings = await listBindings(trx, [syncId]);
    const issues = backfillIssues(body, sync.entities, bindings);
    if (issues.length > 0) throw refused(issues);
    return { runMode: "backfill", triggeredBy: "backfill", request: body };
  });
}

/** What is known already; the rest is found when the run is planned, and fails the entity. */
function backfillIssues(
  { entities: named }: StartBackfillBody,
  entities: string[],
  bindings: BindingRow[],
): ValidationIssue[] {
  const bindingOf = new Map(bindings.map((binding) => [binding.entityKey, binding]));
  return (named ?? entities).flatMap((entityKey, index) => {
    const loc = named === undefined ? ["body", "entities"] : ["body", "entities", index];
    const binding = bindingOf.get(entityKey);
    const why = !placesIn(entities).has(entityKey)
      ? "is not among the sync's entities"
      : binding && whyWithoutBackfill(binding);
    if (!why) return [];
    const msg = `'${entityKey}' ${why}${named === undefined ? "; name the others in entities" : ""}`;
    return [{ loc, msg, type: "value_error" }];
  });
}

/** Null where nothing is known to stand in the way. */
function whyWithoutBackfill({ loadMode, cursorField, given, frozenAt }: BindingRow): string | null {
  if (loadMode !== null && !knowsRunMode(loadMode, "backfill")) return `has no backfill: its load mode is ${loadMode}`;
  const hasNoCursor = given.cursorField === null || (frozenAt !== null && cursorField === null);
  return hasNoCursor ? "has no cursor, so that no window of it can be read" : null;
}
