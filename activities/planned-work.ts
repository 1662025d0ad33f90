import type { EntityWork } from "../core/slices.ts";
import type { Plan, PlanEntityRow } from "../db/plans.ts";
import { hasFinish } from "../destinations/load-target.ts";
import { loadTargetOf } from "./planned-target.ts";

/**
 * What is left to do of a plan. A group is one piece of work: it is that of the entity which carries its slices.
 * @param of.failed entities that have failed in this run: nothing more is done for them
 */
export function workOf(
  plan: Plan,
  of: { finished: string[]; failed: string[]; isOpen(slice: { sliceNo: number }): boolean },
): EntityWork[] {
  const planned = plan.entities.filter(({ reasonCode }) => reasonCode === null);
  const carrierOf = new Map(planned.map(({ entityKey, leadKey }) => [entityKey, leadKey ?? entityKey]));
  const membersOf = Map.groupBy(planned, ({ entityKey }) => carrierOf.get(entityKey));
  return planned
    .filter(({ entityKey, leadKey }) => leadKey === null && !of.failed.includes(entityKey))
    .map(({ entityKey }) => {
      const members = membersOf.get(entityKey) ?? [];
      return {
        entityKey,
        dependsOn: dependenciesOf(members, carrierOf),
        swap: members.some((member) => hasFinishLeft(member, of.finished)),
        slices: plan.slices
          .filter((slice) => slice.entityKey === entityKey && of.isOpen(slice))
          .map(({ sliceNo, stage, label }) => ({ sliceNo, stage, label })),
      };
    });
}

/** What the entities of a group depend on outside of it, by who carries the slices there. */
function dependenciesOf(members: readonly PlanEntityRow[], carrierOf: ReadonlyMap<string, string>): string[] {
  const own = members.map(({ entityKey }) => entityKey);
  const others = members.flatMap(({ dependsOn }) => dependsOn).filter((key) => !own.includes(key));
  return [...new Set(others.map((key) => carrierOf.get(key) ?? key))];
}

function hasFinishLeft(entity: PlanEntityRow, finished: string[]): boolean {
  const target = loadTargetOf(entity);
  return target !== null && hasFinish(target) && !finished.includes(entity.entityKey);
}
