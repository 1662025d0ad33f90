import { type EntityEvidence, isComplete } from "../core/entity-verdict.ts";
import { TransientError } from "../core/errors.ts";
import { movesCursor } from "../core/load-modes.ts";
import { raceAbort } from "../core/race-abort.ts";
import { isTerminal } from "../core/run-lifecycle.ts";
import { judgeRun, type Verdict } from "../core/verdict.ts";
import type { FinishInput, RunOutcome, SyncRunResult } from "../core/workflow-contract.ts";
import { type Plan, readPlan } from "../db/plans.ts";
import { forgetRunRequests } from "../db/request-leftovers.ts";
import { closeRun, type EntityClosing } from "../db/run-closing.ts";
import { listDifferences } from "../db/run-slices.ts";
import { getRun, type RunRow } from "../db/runs.ts";
import { readSync } from "../db/syncs.ts";
import type { LedgerSlice, RejectedRow } from "../destinations/destination.ts";
import type { ActivityDeps } from "./deps.ts";
import { fenceBehind } from "./fence.ts";
import { findLostEntities } from "./lost-positions.ts";
import { requireRun } from "./require-run.ts";
import { openDestination } from "./run-context.ts";
import { contiguousCursor, gatherEvidence, reachedCursor, tailOf } from "./run-evidence.ts";
import { outcomeWithoutProof } from "./unproved.ts";

/**
 * Ends a run with what the ledger proves. First the fence: from there on the attempt commits nothing, so what the ledger
 * says is final. Then, in one transaction of the control database: slices, cursor states, status, next attempt.
 * A run whose result cannot be proved ends as failed. It is fenced later, and before any next attempt writes.
 * Idempotent; a terminal row is answered as it is.
 */
export function createFinishRun(deps: ActivityDeps) {
  return async ({ runId, outcome }: FinishInput): Promise<SyncRunResult> => {
    const run = await requireRun(deps.db, runId);
    if (!isTerminal(run.status)) await settle(deps, run, outcome);
    await forgetRunRequests(deps.db, runId);
    const { status, resultReasonCode, error } = await getRun(deps.db, runId);
    return { status, resultReasonCode, error };
  };
}

async function settle(deps: ActivityDeps, run: RunRow, outcome: RunOutcome): Promise<void> {
  const plan = run.planId === null ? null : await readPlan(deps.db, run.planId);
  try {
    await close(deps, run, { plan, outcome, proof: await proveInTime(deps, run, plan) });
  } catch (error) {
    const ending = await outcomeWithoutProof(deps, run, { outcome, error });
    await close(deps, run, { plan, outcome: ending, proof: null });
  }
}

async function close(
  deps: ActivityDeps,
  run: RunRow,
  { plan, outcome, proof }: { plan: Plan | null; outcome: RunOutcome; proof: Proof | null },
): Promise<void> {
  const { ledger, finished, rejects } = proof ?? NOTHING_KNOWN;
  const differences = await listDifferences(deps.db, run.id);
  const asked = run.request.entities ?? (await readSync(deps.db, run.syncId)).entities;
  const evidence = gatherEvidence({ plan, asked, ledger, finished, rejects, differences, outcome, run });
  // Without a proof not even a plan of no slices has succeeded.
  const verdict: Verdict = judgeRun({ ...evidence, planned: evidence.planned && proof !== null });
  const reached = (entity: EntityEvidence): Pick<EntityClosing, "cursor" | "tail"> => {
    const { entityKey } = entity;
    const stays = { cursor: null, tail: {} };
    // Of an entity that lost all its rows nothing was loaded, so the next run reads it again.
    if (proof === null || !movesCursor(run.runMode)) return stays;
    // The tables of a group are read from one place, so their cursors move together: when all of them are complete.
    const group = evidence.entities.filter(
      (each) => (each.carriedBy ?? each.entityKey) === (entity.carriedBy ?? entityKey),
    );
    if (group.some((each) => proof.lost.has(each.entityKey) || each.allRejected)) return stays;
    if (!group.every(isComplete)) {
      return { cursor: contiguousCursor(plan, ledger, { entityKey, runMode: run.runMode }), tail: {} };
    }
    const planned = plan?.entities.find((each) => each.entityKey === entityKey);
    return { cursor: reachedCursor(planned, ledger), tail: tailOf(planned?.evidence ?? {}) };
  };
  const entities: EntityClosing[] = evidence.entities.map((entity) => {
    const failure = outcome.entityFailures.find((each) => each.entityKey === entity.entityKey) ?? null;
    const expired = (failure ?? entity.planFailure)?.reasonCode === "source_cursor_expired";
    // Other runs read beside the cursor.
    const expiresCursor = expired && run.runMode === "incremental";
    return { entityKey: entity.entityKey, ...reached(entity), failure, expiresCursor };
  });
  const closing = { run, plan, ledger, rejects, verdict, entities, fenced: proof !== null, outcome };
  await closeRun(deps.db, closing, deps.failpoint);
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

/** The activity has 2 minutes: what it hears of the destination has to be noted within them. */
const PROOF_TIMEOUT_SECONDS = 90;

/** @throws TransientError destination_timeout when the destination does not answer; what it was asked ends by deadlines of its own */
async function proveInTime(deps: ActivityDeps, run: RunRow, plan: Plan | null): Promise<Proof> {
  const message = `The destination did not answer within ${PROOF_TIMEOUT_SECONDS} s.`;
  const late = new TransientError("destination_timeout", message, {
    fix: "Check the destination database and the network to it.",
  });
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(late), PROOF_TIMEOUT_SECONDS * 1000);
  try {
    return await raceAbort(fenceAndRead(deps, run, plan), controller.signal);
  } finally {
    clearTimeout(timer);
  }
}

/** The fence first: what the ledger says from there on is final. */
async function fenceAndRead(deps: ActivityDeps, run: RunRow, plan: Plan | null): Promise<Proof> {
  const destination = await openDestination(deps, await readSync(deps.db, run.syncId), plan?.frozen ?? null);
  await destination.ensureLedger();
  await destination.fence(fenceBehind(run));
  if (plan === null) return NOTHING_KNOWN;
  return {
    ledger: await destination.readLedger(plan.id),
    finished: await destination.readFinished(plan.id),
    rejects: await destination.readRejects({ planId: plan.id, ...REJECTS_TO_KEEP }),
    lost: await findLostEntities(deps, plan.id, destination),
  };
}
