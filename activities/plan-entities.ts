import { Context } from "@temporalio/activity";
import { TransientError } from "../core/errors.ts";
import { reasonOf } from "../core/result-reasons.ts";
import { inDependencyOrder } from "../core/slices.ts";
import { recordPlanningProgress } from "../db/planning-progress.ts";
import type { NewPlanEntity } from "../db/plans.ts";
import type { EntitySchema } from "../providers/provider.ts";
import type { ActivityDeps } from "./deps.ts";
import { beginAgainAfterOutage, outlastOutage } from "./outlast-outage.ts";
import { type EntityPlanning, planEntity } from "./plan-entity.ts";
import type { Tracked } from "./progress.ts";
import { mapSideBySide } from "./side-by-side.ts";

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
  const planned = await mapSideBySide(wanted, width, async (binding) => {
    const { entityKey } = binding;
    const schema = found.get(entityKey) ?? null;
    // An outage costs the entities that are being planned, not those that are.
    const entity = await beginAgainAfterOutage(() =>
      planEntity(deps, planning, { entityKey, schema, binding, hasComeAgain }),
    );
    tracked.add({});
    await progress.add();
    return entity;
  });
  await progress.note();
  return inDependencyOrder(planned);
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
    async add(): Promise<void> {
      planned++;
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
