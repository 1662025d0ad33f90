import { TerminalError } from "../core/errors.ts";
import { knowsRunMode } from "../core/load-modes.ts";
import type { BindingRow } from "../db/bindings.ts";
import { readCursorState } from "../db/cursor-states.ts";
import type { NewPlanEntity } from "../db/plans.ts";
import type { ComparedTarget, ComparingDestination } from "../destinations/comparison.ts";
import type { EntitySchema, Source } from "../providers/provider.ts";
import type { ActivityDeps } from "./deps.ts";
import { loadRequestOf, type PlanSettings, planRequestOf, resolveBinding } from "./entity-requests.ts";
import type { RunContext } from "./run-context.ts";

interface ComparisonPlanning extends PlanSettings {
  context: RunContext;
  source: Source;
  destination: ComparingDestination;
}

/**
 * An entity of a run that verifies or repairs: in windows, whatever the execution mode, since they are what is told of.
 * Claims and changes nothing at the destination, and settles no binding.
 * @throws TerminalError config_invalid, destination_schema_conflict
 */
export async function planComparedEntity(
  deps: ActivityDeps,
  planning: ComparisonPlanning,
  { schema, binding }: { schema: EntitySchema; binding: BindingRow },
): Promise<NewPlanEntity> {
  const { source, destination, context } = planning;
  const { runMode, syncId } = context.run;
  const { entityKey } = schema;
  const resolved = resolveBinding(binding, schema);
  if (!source.comparison || !knowsRunMode(resolved.loadMode, runMode)) {
    const why = source.comparison ? `load mode ${resolved.loadMode}` : "its connector";
    throw new TerminalError("config_invalid", `${entityKey}: ${why} knows no runMode ${runMode}. Use full_refresh.`);
  }
  const state = await readCursorState(deps.db, syncId, entityKey);
  const { target, ...end } = await destination.describeCompared({
    ...(await loadRequestOf(deps, planning, { schema, binding, resolved, cursor: state?.cursor ?? null })),
    reloads: runMode === "repair",
  });
  const request = planRequestOf(planning, { entityKey, resolved, target, cursor: null });
  const { hash, settled, ...plan } = await source.comparison.plan(
    { ...request, windows: true, cursorState: state?.cursor ?? null },
    end,
  );
  const compared: ComparedTarget = { ...target, comparison: { columns: end.columns, hash, settled } };
  return {
    ...{ entityKey, dependsOn: [], spec: plan.spec, target: compared, slices: plan.slices },
    ...{ upperBound: null, cursorVersion: state?.version ?? 0, evidence: plan.evidence },
    ...{ reasonCode: null, error: null },
  };
}
