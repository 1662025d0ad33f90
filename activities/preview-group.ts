import type { EntityLoadPreview, EntityPlanPreview } from "../core/plan-preview.ts";
import { readCursorState } from "../db/cursor-states.ts";
import type { Destination, EntityPreview } from "../destinations/destination.ts";
import type { EntityPlan, EntitySchema, PlanRequest, Source } from "../providers/provider.ts";
import type { ActivityDeps } from "./deps.ts";
import { describeLoad } from "./describe-load.ts";
import { type EntityGroup, requireLead } from "./entity-groups.ts";
import type { PlanSettings } from "./entity-requests.ts";
import { usableState } from "./feed-start.ts";
import { type GroupTable, groupRequestOf, type PlacedTable } from "./group-requests.ts";
import { resolveTable, startOf, tableRequestOf } from "./plan-group.ts";

export type Attempted<T> = { done: T } | Pick<EntityPlanPreview, "failure">;
/** What stands in the way of an entity is told of it. */
export type Attempt = <T>(entityKey: string, work: () => Promise<T>) => Promise<Attempted<T>>;

export function toPreview(entityKey: string, planning: Attempted<EntityLoadPreview>): EntityPlanPreview {
  return "done" in planning
    ? { entityKey, load: planning.done, failure: null }
    : { entityKey, load: null, failure: planning.failure };
}

/** What a run would do for a parent and its children, as `planGroup` would plan them. */
export async function previewGroup(
  deps: Pick<ActivityDeps, "db">,
  settings: PlanSettings,
  of: {
    source: Source;
    destination: Destination;
    group: EntityGroup;
    found: ReadonlyMap<string, EntitySchema>;
    attempt: Attempt;
  },
): Promise<EntityPlanPreview[]> {
  const { group, found, source, destination, attempt } = of;
  const told: EntityPlanPreview[] = [];
  const keep = <T>(entityKey: string, attempted: Attempted<T>): T[] => {
    if ("done" in attempted) return [attempted.done];
    told.push({ entityKey, load: null, failure: attempted.failure });
    return [];
  };
  const planned = await attempt(group.leadKey, async () => {
    const lead = requireLead(group, found);
    const tables: GroupTable[] = [];
    for (const binding of group.bindings) {
      const { entityKey } = binding;
      const settled = attempt(entityKey, async () => ({
        ...resolveTable(binding, found),
        state: usableState(
          await readCursorState(deps.db, settings.context.sync.id, entityKey),
          lead,
          settings.feedOrigin,
        ),
      }));
      tables.push(...keep(entityKey, await settled));
    }
    const start = startOf(settings, lead, tables);
    const placed: (PlacedTable & { loading: EntityPreview })[] = [];
    for (const table of tables) {
      const preview = await attempt(table.schema.entityKey, async () =>
        destination.previewEntity(await tableRequestOf(deps, settings, { lead, start, table })),
      );
      placed.push(
        ...keep(table.schema.entityKey, preview).map((loading) => ({ ...table, loading, target: loading.target })),
      );
    }
    if (placed.length === 0) return [];
    const request = groupRequestOf(settings, { lead, start, placed });
    const plan = await source.plan(request);
    return placed.map(({ schema, resolved, loading }) => ({
      ...{ entityKey: schema.entityKey, failure: null },
      load: { ...describeScan(request, plan), ...describeLoad(resolved, loading, plan) },
    }));
  });
  if ("done" in planned) return [...planned.done, ...told];
  const known = new Set(told.map(({ entityKey }) => entityKey));
  const others = group.bindings.filter(({ entityKey }) => !known.has(entityKey));
  return [...others.map(({ entityKey }) => ({ entityKey, load: null, failure: planned.failure })), ...told];
}

function describeScan(request: PlanRequest, plan: EntityPlan): Pick<EntityLoadPreview, "scan" | "cursor"> {
  const scan = request.between === null ? request.scan : "backfill";
  return { scan, cursor: { from: request.cursorState, to: plan.upperBound } };
}
