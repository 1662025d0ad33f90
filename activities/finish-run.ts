import { movesCursor } from "../core/load-modes.ts";
import { isTerminal } from "../core/run-lifecycle.ts";
import { type EntityEvidence, isComplete, judgeRun, type Verdict } from "../core/verdict.ts";
import type { FinishInput, RunOutcome, SyncRunResult } from "../core/workflow-contract.ts";
import { type Plan, readPlan } from "../db/plans.ts";
import { closeRun, type EntityClosing } from "../db/run-closing.ts";
import { listDifferences } from "../db/run-slices.ts";
import { getRun, type RunRow } from "../db/runs.ts";
import { readSync } from "../db/syncs.ts";
import type { LedgerSlice, RejectedRow } from "../destinations/destination.ts";
import type { ActivityDeps } from "./deps.ts";
import { describeError } from "./failures.ts";
import { fenceBehind } from "./fence.ts";
import { findLostEntities } from "./lost-positions.ts";
import { requireRun } from "./require-run.ts";
import { openDestination } from "./run-context.ts";
import { contiguousCursor, gatherEvidence } from "./run-evidence.ts";

/**
 * Ends a run with what the ledger proves. First the fence: from there on the attempt commits nothing, so what the ledger
 * says is final. Then, in one transaction of the control database: slices, cursor states, status, next attempt.
 * Idempotent; a terminal row is answered as it is.
 */
export function createFinishRun(deps: ActivityDeps) {
  return async ({ runId, outcome }: FinishInput): Promise<SyncRunResult> => {
    const run = await requireRun(deps.db, runId);
    if (!isTerminal(run.status)) await settle(deps, run, outcome);
    const { status, resultReasonCode } = await getRun(deps.db, runId);
    return { status, resultReasonCode };
  };
}

async function settle(deps: ActivityDeps, run: RunRow, outcome: RunOutcome): Promise<void> {
  const plan = run.planId === null ? null : await readPlan(deps.db, run.planId);
  const proof = await fenceAndRead(deps, run, plan, outcome);
  const { ledger, finished, rejects } = proof ?? NOTHING_KNOWN;
  const differences = await listDifferences(deps.db, run.id);
  const evidence = gatherEvidence({ plan, ledger, finished, differences, outcome, run });
  const verdict: Verdict = judgeRun(evidence);
  const reached = (entity: EntityEvidence): string | null =>
    isComplete(entity)
      ? (plan?.entities.find((each) => each.entityKey === entity.entityKey)?.upperBound ?? null)
      : contiguousCursor(plan, ledger, { entityKey: entity.entityKey, runMode: run.runMode });
  const entities: EntityClosing[] = evidence.entities.map((entity) => ({
    entityKey: entity.entityKey,
    cursor: proof === null || !movesCursor(run.runMode) || proof.lost.has(entity.entityKey) ? null : reached(entity),
    failure: outcome.entityFailures.find((failure) => failure.entityKey === entity.entityKey) ?? null,
  }));
  await closeRun(deps.db, { run, plan, ledger, rejects, verdict, entities, fenced: proof !== null, outcome });
}

interface Proof {
  ledger: LedgerSlice[];
  finished: string[];
  rejects: RejectedRow[];
  /** Entities that the destination has lost the start of: their cursors stay, and the next plan reads them anew. */
  lost: Set<string>;
}

const NOTHING_KNOWN: Proof = { ledger: [], finished: [], rejects: [], lost: new Set() };

/** What people look at; the destination has all of them. */
const REJECTS_TO_KEEP = { limit: 1000, recordBytes: 8 * 1024 };

/**
 * @returns null when the destination can't be reached and the run has failed or is cancelled anyway: it is fenced later,
 * and before any next attempt writes
 */
async function fenceAndRead(
  deps: ActivityDeps,
  run: RunRow,
  plan: Plan | null,
  outcome: RunOutcome,
): Promise<Proof | null> {
  try {
    const destination = await openDestination(deps, await readSync(deps.db, run.syncId));
    await destination.ensureLedger();
    await destination.fence(fenceBehind(run));
    if (plan === null) return NOTHING_KNOWN;
    return {
      ledger: await destination.readLedger(plan.id),
      finished: await destination.readFinished(plan.id),
      rejects: await destination.readRejects({ planId: plan.id, ...REJECTS_TO_KEEP }),
      lost: await findLostEntities(deps, plan.id, destination),
    };
  } catch (error) {
    const mayHaveSucceeded = !outcome.cancelled && outcome.failure === null && outcome.entityFailures.length === 0;
    if (mayHaveSucceeded) throw error;
    deps.log.warn(
      { err: error, runId: run.id, reason: describeError(error).reasonCode },
      "the destination could not be fenced yet",
    );
    return null;
  }
}
