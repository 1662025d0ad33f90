import { setImmediate } from "node:timers/promises";
import { entityRulesOf } from "../core/entity-rules.ts";
import type { Window } from "../core/slices.ts";
import type { Db } from "../db/client.ts";
import type { RunRow } from "../db/runs.ts";
import type { ClaimRequest, LoadTarget } from "../destinations/destination.ts";
import type { EntityReadSpec } from "../providers/provider.ts";
import type { RunContext } from "./run-context.ts";
import type { ActivityScope } from "./scope.ts";

export interface SliceContext {
  planId: string;
  sliceNo: number;
  entityKey: string;
  label: string;
  stage: 0 | 1;
  window: Window;
  spec: EntityReadSpec;
  target: LoadTarget;
}

/** One slice of the run's plan, with how its entity is read and where it goes. */
export async function loadSlice(db: Db, run: RunRow, sliceNo: number): Promise<SliceContext> {
  return db
    .selectFrom("planSlices as s")
    .innerJoin("planEntities as e", (join) =>
      join.onRef("e.planId", "=", "s.planId").onRef("e.entityKey", "=", "s.entityKey"),
    )
    .select(["s.planId", "s.sliceNo", "s.entityKey", "s.label", "s.stage", "s.window", "e.spec", "e.target"])
    .where("s.planId", "=", run.planId)
    .where("s.sliceNo", "=", sliceNo)
    .$castTo<SliceContext>()
    .executeTakeFirstOrThrow();
}

export async function loadTarget(
  db: Db,
  run: RunRow,
  entityKey: string,
): Promise<{ planId: string; target: LoadTarget }> {
  return db
    .selectFrom("planEntities")
    .select(["planId", "target"])
    .where("planId", "=", run.planId)
    .where("entityKey", "=", entityKey)
    .$castTo<{ planId: string; target: LoadTarget }>()
    .executeTakeFirstOrThrow();
}

export function claimRequestOf(
  { run, sync, execution }: RunContext,
  { target, planId, sliceNo, entityKey, stage, window }: SliceContext,
  { signal, redactor }: Pick<ActivityScope, "signal" | "redactor">,
): ClaimRequest {
  const chain = { rootRunId: run.attemptRootRunId, attempt: run.attemptNumber };
  const redact = (text: string): Promise<string> => redactor.redactInTurns(text, setImmediate);
  const own = entityRulesOf(sync.destinationConfig, entityKey);
  const maxRejectedRows = own.maxRejectedRows ?? execution.maxRejectedRows;
  return { target, chain, planId, sliceNo, entityKey, window, runId: run.id, stage, maxRejectedRows, redact, signal };
}
