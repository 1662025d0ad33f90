import { TerminalError } from "../core/errors.ts";
import { knowsRunMode } from "../core/load-modes.ts";
import type { BindingRow } from "../db/bindings.ts";
import { readCursorState } from "../db/cursor-states.ts";
import type { NewPlanEntity } from "../db/plans.ts";
import type { ComparedTarget, ComparingDestination } from "../destinations/compare/comparison.ts";
import { storeTarget } from "../destinations/stored-target.ts";
import type { EntitySchema, Source } from "../providers/provider.ts";
import type { ActivityDeps } from "./deps.ts";
import { loadRequestOf, type PlanSettings, planRequestOf, resolveBinding, tailFor } from "./entity-requests.ts";
import type { RunContext } from "./run-context.ts";

interface ComparisonPlanning extends PlanSettings {
  context: RunContext;
  source: Source;
  destination: ComparingDestination;
}

/**
 * An entity of a run that verifies or repairs: in windows, whatever the execution mode, since they are what is told of.
 * Claims and changes nothing at the destination, and settles no binding.
 * @throws TerminalError config_invalid, destination_schema_conflict; skipped_not_comparable where source and table may differ by design
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
  const { loadMode } = resolved;
  if (!source.comparison) {
    throw new TerminalError("config_invalid", `The connector of ${entityKey} cannot compare rows.`, {
      fix: "Run the sync with runMode full_refresh.",
    });
  }
  if (schema.files) {
    throw new TerminalError(
      "skipped_not_comparable",
      `${entityKey} is not compared: it is made of files, and its source cannot count the rows in them.`,
      { fix: "Load it with runMode full_refresh." },
    );
  }
  if (!knowsRunMode(loadMode, "verify")) {
    throw new TerminalError(
      "skipped_not_comparable",
      `${entityKey} is not compared: with load mode ${loadMode} its table keeps rows that the source no longer has.`,
      { fix: "Load it with runMode full_refresh." },
    );
  }
  const repairable = knowsRunMode(loadMode, "repair");
  const state = await readCursorState(deps.db, syncId, entityKey);
  const { target, ...end } = await destination.describeCompared({
    ...(await loadRequestOf(deps, planning, { schema, binding, resolved, cursor: state?.cursor ?? null })),
    reloads: runMode === "repair" && repairable,
  });
  const request = planRequestOf(planning, { schema, binding, resolved, target, state: null });
  const { hash, settled, ...plan } = await source.comparison.plan(
    { ...request, windows: true, cursorState: state?.cursor ?? null, tail: tailFor(state, resolved, target) },
    end,
  );
  if (plan.slices.some(({ window }) => window.by === "part")) {
    throw new Error(`${entityKey} is to be compared in parts, whose rows cannot be told apart at the destination.`);
  }
  const compared: ComparedTarget = { ...target, repairable, comparison: { columns: end.columns, hash, settled } };
  return {
    ...{ entityKey, dependsOn: [], spec: plan.spec, target: storeTarget(compared), slices: plan.slices },
    ...{ upperBound: null, cursorVersion: state?.version ?? 0, evidence: plan.evidence },
    ...{ reasonCode: null, error: null },
  };
}
