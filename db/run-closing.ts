import { randomUUID } from "node:crypto";
import { type Kysely, sql } from "kysely";
import { mayAutoResume } from "../core/reason-rules.ts";
import { reasonOf } from "../core/result-reasons.ts";
import type { Verdict } from "../core/verdict.ts";
import type { RunOutcome } from "../core/workflow-contract.ts";
import { inTransaction } from "./client.ts";
import { advanceCursor } from "./cursor-states.ts";
import type { Plan } from "./plans.ts";
import { insertRejectedRows, type NewRejectedRow } from "./rejected-rows.ts";
import { countAutoResumes, openNextAttempt } from "./run-chains.ts";
import { summaryOfRun, verificationOfRun } from "./run-slices.ts";
import { endRun, lockChainOf, markCancelling, promoteQueued, type RunRow } from "./runs.ts";
import type { Database } from "./schema.ts";

type Executor = Kysely<Database>;

export interface EntityClosing {
  entityKey: string;
  /** Where the cursor state moves to; null where it stays. */
  cursor: string | null;
  failure: { reasonCode: string; message: string } | null;
}

/** A slice as the destination's ledger has it. */
interface LedgerEntry {
  sliceNo: number;
  done: boolean;
  attempt: number;
  rowsRead: number;
  rowsWritten: number;
  rowsRejected: number;
  finish: { attempt: number; rowsWritten: number } | null;
}

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
export async function closeRun(db: Executor, closing: RunClosing): Promise<void> {
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
    for (const { entityKey, cursor } of closing.entities) {
      const entity = plan?.entities.find((each) => each.entityKey === entityKey);
      if (!plan || !entity || cursor === null) continue;
      const { syncId, id: runId } = run;
      await advanceCursor(trx, {
        syncId,
        entityKey,
        cursor,
        fromVersion: entity.cursorVersion,
        planId: plan.id,
        runId,
      });
    }
    await updateSync(trx, run, verdict);
    const resumed = await autoResume(trx, run, closing);
    if (!resumed) await promoteQueued(trx, run.syncId);
  });
}

/** The ledger is right where the two differ: progress is written on the side and may be behind. */
async function copyLedger(trx: Executor, { run, ledger, entities }: RunClosing): Promise<void> {
  await sql`
    update run_slices s
    set status = case when l.done then 'done' else s.status end,
        completed_at = case when l.done then coalesce(s.completed_at, now()) end,
        rows_read = case when not s.inherited and l.attempt = ${run.attemptNumber} then greatest(s.rows_read, l."rowsRead") else s.rows_read end,
        rows_written = case when not s.inherited and l.attempt = ${run.attemptNumber} then greatest(s.rows_written, l."rowsWritten")
                            when l."finishAttempt" = ${run.attemptNumber} then greatest(s.rows_written, l."rowsFinished")
                            else s.rows_written end,
        rows_rejected = case when not s.inherited and l.attempt = ${run.attemptNumber} then greatest(s.rows_rejected, l."rowsRejected") else s.rows_rejected end,
        reason_code = case when l.done then null else s.reason_code end,
        error = case when l.done then null else s.error end,
        updated_at = now()
    from jsonb_to_recordset(${JSON.stringify(ledger.map(({ finish, ...slice }) => ({ ...slice, finishAttempt: finish?.attempt, rowsFinished: finish?.rowsWritten })))}::jsonb)
      as l("sliceNo" integer, done boolean, attempt integer, "rowsRead" bigint, "rowsWritten" bigint, "rowsRejected" bigint,
           "finishAttempt" integer, "rowsFinished" bigint)
    where s.run_id = ${run.id} and s.slice_no = l."sliceNo"`.execute(trx);
  const failures = entities.flatMap(({ entityKey, failure }) => (failure ? [{ entityKey, ...failure }] : []));
  await sql`
    update run_slices s
    set status = 'failed', reason_code = coalesce(s.reason_code, f."reasonCode"), error = coalesce(s.error, left(f.message, 2000)),
        completed_at = now(), updated_at = now()
    from jsonb_to_recordset(${JSON.stringify(failures)}::jsonb) as f("entityKey" text, "reasonCode" text, message text)
    where s.run_id = ${run.id} and s.entity_key = f."entityKey" and s.status in ('running', 'waiting', 'failed')`.execute(
    trx,
  );
}

/** After the status, since the summary tells the status's own side of things; a receipt where the run was cancelled. */
async function writeSummary(trx: Executor, { run, verdict, fenced }: RunClosing): Promise<void> {
  const receipt = sql`jsonb_build_object('cancel', coalesce(summary -> 'cancel', '{}') || jsonb_build_object(
    'observedAt', now(), 'fenced', ${fenced}::boolean,
    'lastCommittedBatch', (select coalesce(jsonb_object_agg(slice_no, rows_written), '{}') from run_slices
                           where run_id = runs.id and rows_written > 0)))`;
  await sql`
    update runs set summary = (summary - 'waiting') || ${summaryOfRun()} || ${verificationOfRun()}
      || ${verdict.event === "acknowledge_cancel" ? receipt : sql`'{}'`}
    where id = ${run.id}`.execute(trx);
}

/** A table that was found to be as its source was has not become newer by that, and what failed before is not mended. */
async function updateSync(trx: Executor, { syncId, runMode }: RunRow, verdict: Verdict): Promise<void> {
  if (verdict.event === "acknowledge_cancel" || (verdict.event === "succeed" && runMode === "verify")) return;
  const needsUser = verdict.reasonCode !== null && reasonOf(verdict.reasonCode).resultClass === "user_action_required";
  if (verdict.event === "succeed") {
    // A run that succeeds is also the proof that a sync in error works again.
    await sql`
      update syncs set last_error = null, last_success_at = now(), status = case status when 'error' then 'active' else status end
      where id = ${syncId}`.execute(trx);
    return;
  }
  await sql`
    update syncs set last_error = left(${verdict.error}, 2000),
           status = case when ${needsUser} and status = 'active' then 'error' else status end
    where id = ${syncId}`.execute(trx);
}

/** @returns whether the next attempt is open */
async function autoResume(trx: Executor, run: RunRow, { verdict, outcome }: RunClosing): Promise<boolean> {
  if (run.cancelRequestedAt !== null) return false;
  const status = verdict.event === "fail" ? "failed" : verdict.event === "end_partial" ? "partial" : "succeeded";
  if (!mayAutoResume(status, verdict.reasonCode, verdict.entityCodes, await onceIsUsed(trx, run))) return false;
  const soFar = await countAutoResumes(trx, run.attemptRootRunId);
  if (outcome.resumeAt === null && Math.max(soFar.productive, soFar.empty) >= run.maxAutoResumeAttempts) return false;
  const delaySeconds =
    outcome.resumeAt === null
      ? backoffSeconds(soFar.empty)
      : Math.max(0, (Date.parse(outcome.resumeAt) - Date.now()) / 1000);
  const notBefore = new Date(Date.now() + delaySeconds * 1000).toISOString();
  const next = await openNextAttempt(trx, {
    id: randomUUID(),
    previous: run,
    runMode: run.runMode,
    triggeredBy: "auto_resume",
    actor: "system:auto_resume",
    delaySeconds,
    summary: { autoResume: { attempt: soFar.productive + soFar.empty + 1, notBefore } },
  });
  return next !== null;
}

async function onceIsUsed(trx: Executor, run: RunRow): Promise<boolean> {
  const earlier = await trx
    .selectFrom("runs")
    .select("resultReasonCode")
    .where("attemptRootRunId", "=", run.attemptRootRunId)
    .where("id", "!=", run.id)
    .execute();
  return earlier.some(
    ({ resultReasonCode }) => resultReasonCode !== null && reasonOf(resultReasonCode).autoResume === "once",
  );
}

/** 5, 10, 20, ... at most 300 seconds, with up to a quarter of jitter. */
function backoffSeconds(emptyAttempts: number): number {
  return Math.min(300, 5 * 2 ** emptyAttempts) * (1 + Math.random() / 4);
}
