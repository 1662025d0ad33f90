import { setImmediate } from "node:timers/promises";
import { entityRulesOf } from "../core/entity-rules.ts";
import type { Db } from "../db/client.ts";
import { type PlannedSlice, readPlannedSlice, readPlannedTarget } from "../db/planned-slices.ts";
import type { RunRow } from "../db/runs.ts";
import type { ClaimRequest, LoadTarget, SliceTable } from "../destinations/destination.ts";
import type { EntityReadSpec } from "../providers/provider.ts";
import type { RunContext } from "./run-context.ts";
import type { ActivityScope } from "./scope.ts";

export interface SliceContext extends PlannedSlice<EntityReadSpec, LoadTarget> {}

/** One slice of the run's plan, with how its entity is read and where it goes. */
export async function loadSlice(db: Db, run: RunRow, sliceNo: number): Promise<SliceContext> {
  return readPlannedSlice<EntityReadSpec, LoadTarget>(db, run.planId, sliceNo);
}

export async function loadTarget(
  db: Db,
  run: RunRow,
  entityKey: string,
): Promise<{ planId: string; target: LoadTarget }> {
  return readPlannedTarget<LoadTarget>(db, run.planId, entityKey);
}

export function claimRequestOf(
  { run, sync, execution }: RunContext,
  { target, planId, sliceNo, entityKey, stage, window, members }: SliceContext,
  { signal, redactor }: Pick<ActivityScope, "signal" | "redactor">,
): ClaimRequest {
  const chain = { rootRunId: run.attemptRootRunId, attempt: run.attemptNumber };
  const redact = (text: string): Promise<string> => redactor.redactInTurns(text, setImmediate);
  const rulesFor = (key: string): Pick<SliceTable, "maxRejectedRows" | "guards"> => {
    const own = entityRulesOf(sync.destinationConfig, key);
    const guards = run.request.liftGuards ? null : own.guards;
    return { maxRejectedRows: own.maxRejectedRows ?? execution.maxRejectedRows, guards };
  };
  const others: SliceTable[] = members.map((member) => ({
    ...{ entityKey: member.entityKey, target: member.target, childOf: member.childOf ?? undefined },
    ...rulesFor(member.entityKey),
  }));
  return {
    ...{ target, chain, planId, sliceNo, entityKey, window, runId: run.id, stage, redact, signal },
    ...rulesFor(entityKey),
    ...(others.length === 0 ? {} : { members: others }),
  };
}
