import { Context } from "@temporalio/activity";
import { isComparison } from "../core/digests.ts";
import { TransientError } from "../core/errors.ts";
import { reasonOf } from "../core/result-reasons.ts";
import { mapSideBySide } from "../core/side-by-side.ts";
import { inDependencyOrder } from "../core/slices.ts";
import type { BindingRow } from "../db/bindings.ts";
import { recordPlanningProgress } from "../db/planning-progress.ts";
import type { NewPlanEntity } from "../db/plans.ts";
import type { EntitySchema } from "../providers/provider.ts";
import type { ActivityDeps } from "./deps.ts";
import { type EntityGroup, groupBindings } from "./entity-groups.ts";
import { beginAgainAfterOutage, outlastOutage } from "./outlast-outage.ts";
import { type EntityPlanning, planEntity } from "./plan-entity.ts";
import { planGroup } from "./plan-group.ts";
import type { Tracked } from "./progress.ts";

/** Between two notes of how far the planning is. */
const NOTE_INTERVAL_MS = 1_000;
/** What may pass, and stands in the way of all, is waited for within the run this often. */
const TRIES_OF_ALL = 3;

/**
 * Plans entities side by side, as many at once as the source takes and the run may use, and notes how far it is.
 * @returns in the order in which `sequential` runs them
 */
export async function planEntities(
  deps: ActivityDeps,
  planning: EntityPlanning,
  { entityKeys, found, tracked }: { entityKeys: string[]; found: Map<string, EntitySchema>; tracked: Tracked },
): Promise<NewPlanEntity[]> {
  const { run, execution, bindings } = planning.context;
  const asked = new Set(entityKeys);
  const wanted = bindings.filter((binding) => asked.has(binding.entityKey));
  const progress = createProgressNotes(deps, run.id, wanted.length);
  await progress.note();
  const hasComeAgain = Context.current().info.attempt >= TRIES_OF_ALL;
  const width = Math.min(execution.maxConcurrency, planning.source.plansAtOnce ?? 1);
  // Nothing is compared by groups: a source that can be compared has each table by itself.
  const groups = isComparison(run.runMode) ? wanted.map(ownGroup) : groupBindings(wanted, found);
  const planned = await mapSideBySide(groups, width, async (group) => {
    // An outage costs the entities that are being planned, not those that are.
    const entities = await beginAgainAfterOutage(() => planTogether(deps, planning, { group, found, hasComeAgain }));
    tracked.add({});
    await progress.add(group.bindings.length);
    return entities;
  });
  await progress.note();
  return inDependencyOrder(planned.flat());
}

function ownGroup(binding: BindingRow): EntityGroup {
  return { leadKey: binding.entityKey, bindings: [binding] };
}

/** An entity that is neither read with another nor by another's answers is planned by itself. */
async function planTogether(
  deps: ActivityDeps,
  planning: EntityPlanning,
  of: { group: EntityGroup; found: Map<string, EntitySchema>; hasComeAgain: boolean },
): Promise<NewPlanEntity[]> {
  const { leadKey, bindings } = of.group;
  const [binding] = bindings;
  if (bindings.length > 1 || binding?.entityKey !== leadKey) return planGroup(deps, planning, of);
  const { found, hasComeAgain } = of;
  const schema = found.get(leadKey) ?? null;
  return [await planEntity(deps, planning, { entityKey: leadKey, schema, binding, hasComeAgain })];
}

function createProgressNotes({ db }: Pick<ActivityDeps, "db">, runId: string, total: number) {
  let planned = 0;
  let notedAt = 0;
  const note = async (): Promise<void> => {
    notedAt = Date.now();
    await outlastOutage(() => recordPlanningProgress(db, runId, { planned, total }));
  };
  return {
    note,
    async add(entities: number): Promise<void> {
      planned += entities;
      if (Date.now() - notedAt >= NOTE_INTERVAL_MS) await note();
    },
  };
}

/**
 * A plan of which nothing can be done would end the run, although the next moment may bring all of it.
 * @throws TransientError where not one entity can be planned now, and it may pass
 */
export function requireSomePlanned(planned: NewPlanEntity[]): void {
  const [first] = planned;
  if (first === undefined || Context.current().info.attempt >= TRIES_OF_ALL) return;
  // A feed that has expired stays so until the next attempt reads everything.
  const mayPass = ({ reasonCode }: NewPlanEntity): boolean =>
    reasonCode !== null &&
    reasonCode !== "source_cursor_expired" &&
    reasonOf(reasonCode).resultClass === "transient_failure";
  if (!planned.every(mayPass) || first.reasonCode === null) return;
  throw new TransientError(first.reasonCode, `${first.entityKey}: ${first.error}`);
}
