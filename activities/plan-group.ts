import { isDeepStrictEqual } from "node:util";
import { TerminalError } from "../core/errors.ts";
import { type BindingRow, settleBinding } from "../db/bindings.ts";
import { readCursorState } from "../db/cursor-states.ts";
import type { NewPlanEntity } from "../db/plans.ts";
import type { PreviewRequest } from "../destinations/destination.ts";
import type { LoadTarget } from "../destinations/load-target.ts";
import { storeTarget } from "../destinations/stored-target.ts";
import type { EntityPlan, EntityReadSpec, EntitySchema, PlanRequest } from "../providers/provider.ts";
import { checkPlan } from "./check-plan.ts";
import { holdColumnNames } from "./column-names.ts";
import type { ActivityDeps } from "./deps.ts";
import { type EntityGroup, requireLead } from "./entity-groups.ts";
import { loadRequestOf, type PlanSettings, readBy, resolveBinding } from "./entity-requests.ts";
import { plannedTail, tellResync, usableState } from "./feed-start.ts";
import { type GroupTable, groupRequestOf, type PlacedTable } from "./group-requests.ts";
import { meetingDefects } from "./meeting-defects.ts";
import { type EntityPlanning, missingEntity, requireOwnFault, unplannable } from "./plan-entity.ts";
import { readsAll } from "./reads-all.ts";

/**
 * Plans a parent and its children: one plan of the source's, whose slices load all of them. What stands in the way of one table is recorded
 * with that entity, and the others go on without it. A parent that cannot be loaded is still read for its children.
 * @throws TransientError as `planEntity`
 */
export async function planGroup(
  deps: ActivityDeps,
  planning: EntityPlanning,
  of: { group: EntityGroup; found: ReadonlyMap<string, EntitySchema>; hasComeAgain: boolean },
): Promise<NewPlanEntity[]> {
  const { group, found, hasComeAgain } = of;
  const failed: NewPlanEntity[] = [];
  /** @returns null where `work` has met what is the entity's own fault */
  const attempt = async <T>(entityKey: string, work: () => Promise<T>): Promise<T | null> => {
    try {
      return await meetingDefects(entityKey, work());
    } catch (error) {
      requireOwnFault(deps, planning, { entityKey, hasComeAgain }, error);
      failed.push(await unplannable(deps, planning, entityKey, error));
      return null;
    }
  };

  try {
    const lead = requireLead(group, found);
    const tables = await settleTables(deps, planning, { lead, group, found, attempt });
    const start = startOf(planning, lead, tables);
    const placed: PlacedTable[] = [];
    for (const table of tables) {
      const target = await attempt(table.schema.entityKey, () => placeTable(deps, planning, { lead, start, table }));
      if (target !== null) placed.push({ ...table, target });
    }
    if (placed.length === 0) return failed;
    const request = groupRequestOf(planning, { lead, start, placed });
    const plan = await meetingDefects(lead.entityKey, planning.source.plan(request));
    for (const { target } of placed) checkPlan(lead.entityKey, target, plan);
    return [...entitiesOfPlan(planning, { lead, placed, plan, request }), ...failed];
  } catch (error) {
    requireOwnFault(deps, planning, { entityKey: group.leadKey, hasComeAgain }, error);
    const known = new Set(failed.map(({ entityKey }) => entityKey));
    const others = group.bindings.filter(({ entityKey }) => !known.has(entityKey));
    const fail = ({ entityKey }: BindingRow) => unplannable(deps, planning, entityKey, error);
    return [...(await Promise.all(others.map(fail))), ...failed];
  }
}

/** Those whose binding fits what the source has. */
async function settleTables(
  deps: ActivityDeps,
  planning: EntityPlanning,
  of: {
    lead: EntitySchema;
    group: EntityGroup;
    found: ReadonlyMap<string, EntitySchema>;
    attempt<T>(entityKey: string, work: () => Promise<T>): Promise<T | null>;
  },
): Promise<GroupTable[]> {
  const tables: GroupTable[] = [];
  for (const binding of of.group.bindings) {
    const table = await of.attempt(binding.entityKey, async () => {
      const settled = resolveTable(binding, of.found);
      await holdColumnNames(deps, binding, settled.schema);
      const state = await readCursorState(deps.db, planning.context.sync.id, binding.entityKey);
      return { ...settled, state: usableState(state, of.lead, planning.feedOrigin) };
    });
    if (table !== null) tables.push(table);
  }
  if (new Set(tables.map(({ state }) => state?.cursor ?? null)).size < 2) return tables;
  // Where the cursors differ everything is read again. A table that cannot be loaded anyway is no reason for that.
  const loadable: GroupTable[] = [];
  for (const table of tables) {
    const request = async () => tableRequestOf(deps, planning, { lead: of.lead, start: null, table });
    const preview = await of.attempt(table.schema.entityKey, async () =>
      planning.destination.previewEntity(await request()),
    );
    if (preview !== null) loadable.push(table);
  }
  return loadable;
}

/** @throws TerminalError as `resolveBinding`; config_invalid for a load mode that goes by the windows of an entity's own cursor */
export function resolveTable(binding: BindingRow, found: ReadonlyMap<string, EntitySchema>): Omit<GroupTable, "state"> {
  const schema = found.get(binding.entityKey);
  if (schema === undefined) throw missingEntity(binding);
  if (schema.failure) throw schema.failure;
  const resolved = resolveBinding(binding, schema);
  if (resolved.loadMode === "delete_insert") {
    throw new TerminalError(
      "config_invalid",
      `${schema.entityKey} is read together with other entities, and load mode delete_insert replaces windows of one table.`,
      { fix: "Choose loadMode upsert or replace in the table binding." },
    );
  }
  const isParent = [...found.values()].some(({ childOf }) => childOf === schema.entityKey);
  if (isParent && !isDeepStrictEqual(resolved.keyColumns, schema.primaryKeyColumns)) {
    throw new TerminalError(
      "config_invalid",
      `${schema.entityKey} has children, which find it by its key (${schema.primaryKeyColumns.join(", ")}), and the table binding names another key.`,
      { fix: "Take primaryKeyColumns out of the table binding." },
    );
  }
  return { schema, binding, resolved };
}

/**
 * Where the group is read from. Its tables have been loaded up to the same place, or all of it is read: a child that was added to the
 * sync, or was left out of a run, would miss what the others have.
 */
export function sharedStart(tables: readonly Pick<GroupTable, "state">[]): string | null {
  const cursors = new Set(tables.map(({ state }) => state?.cursor ?? null));
  const [first = null] = cursors;
  return cursors.size === 1 ? first : null;
}

/** Null also where a table needs all there is: then all of them get it, and what is not there is gone from all of them. */
export function startOf(
  { context: { run } }: Pick<EntityPlanning, "context"> | PlanSettings,
  lead: EntitySchema,
  tables: readonly GroupTable[],
): string | null {
  const cursor = sharedStart(tables);
  const needsAll = tables.some(({ resolved, binding }) =>
    readsAll(run, readBy(lead, resolved), { schema: lead, binding, cursor }),
  );
  return needsAll ? null : cursor;
}

/** What is asked of the destination for one table of a group. */
export async function tableRequestOf(
  deps: Pick<ActivityDeps, "db">,
  settings: Parameters<typeof loadRequestOf>[1],
  of: { lead: EntitySchema; start: string | null; table: Omit<GroupTable, "state"> },
): Promise<PreviewRequest> {
  const { lead, start, table } = of;
  return loadRequestOf(deps, settings, { ...table, cursor: start, lead });
}

async function placeTable(
  deps: ActivityDeps,
  planning: EntityPlanning,
  of: { lead: EntitySchema; start: string | null; table: GroupTable },
): Promise<LoadTarget> {
  const { run } = planning.context;
  const { binding, resolved } = of.table;
  const target = await planning.destination.prepareEntity({
    ...(await tableRequestOf(deps, planning, of)),
    chain: { rootRunId: run.attemptRootRunId, attempt: run.attemptNumber },
    ...{ planId: planning.planId, signal: planning.signal, onWork: planning.onWork },
    confirmedPlan: run.request.confirmedPlan ?? null,
  });
  await settleBinding(deps.db, binding.id, {
    loadMode: resolved.loadMode,
    primaryKeyColumns: resolved.keyColumns,
    cursorField: target.cursorField,
  });
  return target;
}

/** The first one carries the slices: the parent, or where that is not loaded the first child. */
function entitiesOfPlan(
  { feedOrigin }: Pick<EntityPlanning, "feedOrigin">,
  of: { lead: EntitySchema; placed: readonly PlacedTable[]; plan: EntityPlan; request: PlanRequest },
): NewPlanEntity[] {
  const { lead, placed, plan, request } = of;
  const [carrier] = placed;
  // What lies at the cursor is not kept: whether the tables of the next run do the same with it is hard to tell.
  const { tail: _, ...untailed } = plan;
  if (carrier === undefined) return [];
  const { members = [], ...own } = plan.spec;
  const specs = new Map(members.map((spec) => [spec.entityKey, spec]));
  const isStored = carrier.schema.entityKey === lead.entityKey;
  if (isStored) specs.set(lead.entityKey, own);
  return placed.map((table) => {
    const { entityKey, dependsOn, childOf = null } = table.schema;
    const carries = table === carrier;
    return {
      ...{ entityKey, dependsOn, childOf, target: storeTarget(table.target) },
      leadKey: carries ? null : carrier.schema.entityKey,
      spec: requireSpec(specs, entityKey),
      readSpec: carries ? plan.spec : null,
      upperBound: plan.upperBound,
      cursorVersion: table.state?.version ?? 0,
      evidence: {
        ...plan.evidence,
        ...plannedTail(untailed, lead, { loadedAs: "", feedOrigin }),
        ...(request.resync ? { resync: tellResync(table.schema, table.state) } : {}),
        // Its cursor does not go back while the windows before it are read again.
        ...(request.cursorState === null && table.state?.cursor != null ? { startsOver: true } : {}),
        ...(table.state?.cursor === null ? { cursorResetBy: table.state.createdBy } : {}),
      },
      ...{ reasonCode: null, error: null },
      slices: carries ? plan.slices : [],
    };
  });
}

function requireSpec(specs: ReadonlyMap<string, EntityReadSpec>, entityKey: string): EntityReadSpec {
  const spec = specs.get(entityKey);
  if (spec === undefined) throw new Error(`The connector's plan has no spec of ${entityKey}, which it was asked for.`);
  return spec;
}
