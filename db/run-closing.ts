import { type Kysely, sql } from "kysely";
import type { CursorTail } from "../core/digests.ts";
import type { Failpoint } from "../core/failpoints.ts";
import type { Verdict } from "../core/verdict.ts";
import type { RunOutcome } from "../core/workflow-contract.ts";
import { autoResume } from "./auto-resume.ts";
import { inTransaction } from "./client.ts";
import { advanceCursor, expireCursor } from "./cursor-states.ts";
import type { Plan } from "./plans.ts";
import { insertRejectedRows, type NewRejectedRow } from "./rejected-rows.ts";
import { type CountedSlice, copyCounts } from "./run-counts.ts";
import { entitiesOfEndedRun, summaryOfRun, verificationOfRun } from "./run-summary.ts";
import { endRun, lockChainOf, markCancelling, promoteQueued, type RunRow } from "./runs.ts";
import type { Database } from "./schema.ts";
import { countChains, updateSync } from "./sync-outcomes.ts";

type Executor = Kysely<Database>;

export interface EntityClosing {
  entityKey: string;
  /** Where the cursor state moves to; null where it stays. */
  cursor: string | null;
  /** What the plan saw from the cursor on; `{}` where nothing is known. */
  tail: CursorTail;
  failure: { reasonCode: string; message: string } | null;
  /** The source does not accept the cursor any more. */
  expiresCursor: boolean;
}

type LedgerEntry = CountedSlice & { done: boolean };

export interface RunClosing {
  run: RunRow;
  plan: Plan | null;
  ledger: LedgerEntry[];
  /** To be looked at; of many the first. */
  rejects: NewRejectedRow[];
  verdict: Verdict;
  entities: EntityClosing[];
  /** The destination refuses this attempt from now on. */
  fenced: boolean;
  outcome: RunOutcome;
}

/** Everything that the end of a run changes, in one transaction: all of it or nothing. A run that has ended stays as it is. */
export async function closeRun(db: Executor, closing: RunClosing, failpoint?: Failpoint): Promise<void> {
  const { plan, verdict } = closing;
  await inTransaction(db, async (trx) => {
    // The sync's row before the chain's, as everybody else locks them.
    await sql`select from syncs where id = ${closing.run.syncId} for no key update`.execute(trx);
    const run = await lockChainOf(trx, closing.run.id);
    if (verdict.event === "acknowledge_cancel") {
      await markCancelling(trx, run.id, "system:temporal", "cancelled in Temporal");
    }
    await copyLedger(trx, closing);
    const ended = await endRun(trx, {
      runId: run.id,
      event: verdict.event,
      reasonCode: verdict.reasonCode,
      error: verdict.error,
      slicesTotal: plan?.slices.length ?? null,
      slicesDone: closing.ledger.filter((slice) => slice.done).length,
      summary: {},
      fenced: closing.fenced,
    });
    if (!ended) return;
    await insertRejectedRows(trx, run.id, closing.rejects);
    await writeSummary(trx, closing);
    await failpoint?.("cursor.before");
    for (const { entityKey, cursor, tail, expiresCursor } of closing.entities) {
      const entity = plan?.entities.find((each) => each.entityKey === entityKey);
      const { syncId, id: runId } = run;
      if (entity && expiresCursor) await expireCursor(trx, { syncId, entityKey, fromVersion: entity.cursorVersion });
      if (!plan || !entity || cursor === null) continue;
      await advanceCursor(trx, {
        syncId,
        entityKey,
        cursor,
        tail,
        fromVersion: entity.cursorVersion,
        planId: plan.id,
        runId,
      });
    }
    await failpoint?.("cursor.after");
    await updateSync(trx, run, verdict);
    const resumed = await autoResume(trx, run, { verdict, resumeAt: closing.outcome.resumeAt });
    if (!resumed) {
      await countChains(trx, run.syncId);
      await promoteQueued(trx, run.syncId);
    }
    await failpoint?.("close.before");
  });
  await failpoint?.("close.after");
}

async function copyLedger(trx: Executor, { run, ledger, entities }: RunClosing): Promise<void> {
  await copyCounts(trx, run.id, ledger);
  const done = ledger.filter((slice) => slice.done).map(({ sliceNo }) => sliceNo);
  await sql`
    update run_slices
    set status = 'done', completed_at = coalesce(completed_at, now()), reason_code = null, error = null, updated_at = now()
    where run_id = ${run.id} and slice_no = any(${done}::integer[]) and status <> 'done'`.execute(trx);
  const failures = entities.flatMap(({ entityKey, failure }) => (failure ? [{ entityKey, ...failure }] : []));
  await sql`
    update run_slices s
    set status = 'failed', reason_code = coalesce(s.reason_code, f."reasonCode"), error = coalesce(s.error, left(f.message, 2000)),
        completed_at = now(), updated_at = now()
    from jsonb_to_recordset(${JSON.stringify(failures)}::jsonb) as f("entityKey" text, "reasonCode" text, message text)
    where s.run_id = ${run.id} and s.entity_key = f."entityKey" and s.status in ('running', 'waiting', 'failed')`.execute(
    trx,
  );
  // Nobody works on a slice of a run that has ended.
  await sql`
    update run_slices set status = 'planned', wait_reason = null, wait_until = null, updated_at = now()
    where run_id = ${run.id} and status in ('running', 'waiting')`.execute(trx);
}

/** After the status, since the summary tells the status's own side of things; a receipt where the run was cancelled. */
async function writeSummary(trx: Executor, { run, verdict, fenced }: RunClosing): Promise<void> {
  const receipt = sql`jsonb_build_object('cancel', coalesce(summary -> 'cancel', '{}') || jsonb_build_object(
    'observedAt', now(), 'fenced', ${fenced}::boolean,
    'lastCommittedBatch', (select coalesce(jsonb_object_agg(slice_no, rows_written), '{}') from run_slices
                           where run_id = runs.id and rows_written > 0)))`;
  await sql`
    update runs set summary = (summary - 'waiting') || ${summaryOfRun()} || ${entitiesOfEndedRun(verdict.entities)} || ${verificationOfRun()}
      || ${verdict.event === "acknowledge_cancel" ? receipt : sql`'{}'`}
    where id = ${run.id}`.execute(trx);
}
