import { setImmediate } from "node:timers/promises";
import { entityRulesOf } from "../core/entity-rules.ts";
import { LOAD_MODE_RULES } from "../core/load-modes.ts";
import type { Db } from "../db/client.ts";
import {
  type PlannedMember,
  type PlannedSlice,
  readMembers,
  readPlannedSlice,
  readPlannedTarget,
} from "../db/planned-slices.ts";
import type { RunRow } from "../db/runs.ts";
import type { SliceRequest, SliceTable } from "../destinations/destination.ts";
import { isCompleteScan, type LoadTarget } from "../destinations/load-target.ts";
import { type PlannedTarget, readStored, readStoredLoad, type StoredTarget } from "../destinations/stored-target.ts";
import type { EntityReadSpec } from "../providers/provider.ts";
import type { RunContext } from "./run-context.ts";
import type { ActivityScope } from "./scope.ts";

export interface SliceContext<Target extends PlannedTarget = PlannedTarget>
  extends Omit<PlannedSlice, "spec" | "readSpec" | "target" | "members"> {
  spec: EntityReadSpec;
  readSpec: EntityReadSpec | null;
  target: Target;
  members: PlannedMember<LoadTarget>[];
}

/** One slice of the run's plan, with how its entity is read and where it goes. */
export async function loadSlice(db: Db, run: RunRow, sliceNo: number): Promise<SliceContext> {
  const slice = await readPlannedSlice<EntityReadSpec, StoredTarget>(db, run.planId, sliceNo);
  const members = slice.members.map((member) => ({ ...member, target: readStoredLoad(member.target) }));
  return { ...slice, target: readStored(slice.target), members };
}

export async function loadTarget(
  db: Db,
  run: RunRow,
  entityKey: string,
): Promise<{ planId: string; target: LoadTarget }> {
  const { planId, target } = await readPlannedTarget<StoredTarget>(db, run.planId, entityKey);
  return { planId, target: readStoredLoad(target) };
}

/** The other entities that the slices of this one load. */
export async function loadMembers(
  db: Db,
  { planId }: RunRow,
  entityKey: string,
): Promise<{ entityKey: string; target: LoadTarget }[]> {
  if (planId === null) return [];
  const members = await readMembers<StoredTarget>(db, planId, entityKey);
  return members.map((member) => ({ entityKey: member.entityKey, target: readStoredLoad(member.target) }));
}

export function claimRequestOf<Target extends PlannedTarget>(
  { run, sync, execution }: RunContext,
  { target, planId, sliceNo, entityKey, stage, window, members, childOf, spec, readSpec }: SliceContext<Target>,
  { signal, redactor }: Pick<ActivityScope, "signal" | "redactor">,
): SliceRequest & { target: Target } {
  const chain = { rootRunId: run.attemptRootRunId, attempt: run.attemptNumber };
  const redact = (text: string): Promise<string> => redactor.redactInTurns(text, setImmediate);
  const rulesFor = (key: string): Pick<SliceTable, "maxRejectedRows" | "guards"> => {
    const own = entityRulesOf(sync.destinationConfig, key);
    const guards = run.request.liftGuards ? null : own.guards;
    return { maxRejectedRows: own.maxRejectedRows ?? execution.maxRejectedRows, guards };
  };
  const keys = parentKeysOf(readSpec ?? spec);
  const parentOf = (parent: string | null): Pick<SliceTable, "childOf" | "parentKeyCount"> =>
    parent === null ? {} : { childOf: parent, parentKeyCount: keys.get(parent)?.length };
  const others: SliceTable[] = members.map((member) => ({
    ...{ entityKey: member.entityKey, target: member.target },
    ...{ ...parentOf(member.childOf), ...rulesFor(member.entityKey) },
  }));
  return {
    ...{ target, chain, planId, sliceNo, entityKey, window, runId: run.id, stage, redact, signal },
    ...{ ...parentOf(childOf), ...rulesFor(entityKey) },
    ...(others.length === 0 ? {} : { members: others }),
  };
}

/** The key columns of everything that the slice reads, by entity. */
function parentKeysOf({ members = [], ...own }: EntityReadSpec): Map<string, string[]> {
  return new Map([own, ...members].map(({ entityKey, keyColumns }) => [entityKey, keyColumns]));
}

/** For one of the tables at least, what the slice reads is taken for all that the source has, or has in a window. */
export function isReadWhole({ target, members }: Pick<SliceContext<LoadTarget>, "target" | "members">): boolean {
  return [target, ...members.map((member) => member.target)].some(
    (each) =>
      isCompleteScan(each) ||
      each.kind === "replace_windows" ||
      (each.kind === "first_load" && LOAD_MODE_RULES[each.loadMode].needsProof),
  );
}
