import { type Kysely, type Selectable, sql, type UpdateObject } from "kysely";
import { judgeUnplanned } from "../core/entity-verdict.ts";
import { AppError } from "../core/errors.ts";
import { resultClassOf } from "../core/reason-rules.ts";
import type { ReasonCode } from "../core/result-reasons.ts";
import {
  ACTIVE_RUN_STATUSES,
  isTerminal,
  RUN_TRANSITIONS,
  type RunEvent,
  type RunStatus,
  sourcesOf,
} from "../core/run-lifecycle.ts";
import type { RunRequest } from "../core/run-request.ts";
import type { RunMode, TriggeredBy } from "../core/vocabulary.ts";
import { inTransaction } from "./client.ts";
import { entitiesOfEndedRun, summaryOfRun, waitOfRun } from "./run-summary.ts";
import type { Database, RunTable } from "./schema.ts";

/** The only file that writes `runs.status`, always by compare-and-set on the table of transitions. */

/** A run as it is stored, with its successor in the chain. */
export type RunRow = Selectable<RunTable> & { nextAttemptRunId: string | null };

type Executor = Kysely<Database>;

export interface NewRun {
  /** Whoever repeats a request with the same id gets the run that there is. */
  id: string;
  syncId: string;
  runMode: RunMode;
  triggeredBy: TriggeredBy;
  triggerRef: string | null;
  /** `key:<name>`, `user:<sub>` or `system:<part>`. */
  actor: string;
  /** Absent: nothing beyond the mode. */
  request?: RunRequest;
}

/** The first attempt of a chain, with the sync's execution settings copied from its row. */
export async function admitRun(db: Executor, request: NewRun): Promise<{ run: RunRow } | { activeRunId: string }> {
  const { id } = request;
  // Whoever is active may end between our insert and our look, so try again; each turn means another run began and ended.
  for (let turn = 0; turn < 20; turn++) {
    const inserted = await sql<{ id: string }>`
      insert into runs (id, sync_id, status, run_mode, triggered_by, trigger_ref, created_by, execution_backend,
                        execution_mode, execution_config, attempt_number, attempt_root_run_id, max_auto_resume_attempts,
                        request)
      select ${id}, s.id, 'pending', ${request.runMode}, ${request.triggeredBy}, ${request.triggerRef}, ${request.actor},
             s.execution_backend, s.execution_mode, s.execution_config, 1, ${id},
             coalesce((s.execution_config ->> 'maxAutoResumeAttempts')::integer, 3),
             ${JSON.stringify(request.request ?? {})}::jsonb
      from syncs s where s.id = ${request.syncId} and s.deleted_at is null
      on conflict do nothing
      returning id`.execute(db);
    if (inserted.rows.length > 0) return { run: await getRun(db, id) };
    const made = await findRun(db, id);
    if (made) return { run: made };
    const active = await findActiveRun(db, request.syncId);
    if (active) return { activeRunId: active.id };
    if (!(await syncExists(db, request.syncId)))
      throw new AppError("not_found", `Sync ${request.syncId} does not exist.`);
  }
  throw new AppError(
    "database_unavailable",
    "The run could not be admitted: runs of this sync keep starting. Try again.",
  );
}

export async function findRun(db: Executor, runId: string): Promise<RunRow | null> {
  const run = await selectRuns(db).where("runs.id", "=", runId).executeTakeFirst();
  return run ?? null;
}

/** @throws AppError not_found */
export async function getRun(db: Executor, runId: string): Promise<RunRow> {
  const run = await findRun(db, runId);
  if (!run) throw new AppError("not_found", `Run ${runId} does not exist.`);
  return run;
}

export async function findActiveRun(db: Executor, syncId: string): Promise<RunRow | null> {
  const run = await selectRuns(db)
    .where("runs.syncId", "=", syncId)
    .where("runs.status", "in", ACTIVE_RUN_STATUSES)
    .executeTakeFirst();
  return run ?? null;
}

/** pending -> running. Idempotent for the execution that began it: a running row keeps its start. */
export async function beginRun(
  db: Executor,
  runId: string,
  backend: { ref: string; url: string | null },
): Promise<boolean> {
  const moved = await moveRun(db, runId, "begin", {
    startedAt: sql<Date>`now()`,
    dispatchedAt: sql<Date>`coalesce(dispatched_at, now())`,
    backendRunRef: backend.ref,
    backendRunUrl: backend.url,
    backendHeartbeatAt: sql<Date>`now()`,
    lastHeartbeatAt: sql<Date>`now()`,
    backendStatus: sql<string>`'{"state": "running"}'::jsonb`,
  });
  return moved !== null;
}

/** The run waits as a whole, where there is no slice yet that could; null: it goes on. */
export async function setRunWait(
  db: Executor,
  runId: string,
  wait: { reasonCode: ReasonCode; until: Date } | null,
): Promise<void> {
  await inTransaction(db, async (trx) => {
    await sql`
      update runs set wait_reason = ${wait?.reasonCode ?? null}, wait_until = ${wait?.until ?? null}, updated_at = now()
      where id = ${runId} and completed_at is null
        and (wait_reason, wait_until) is distinct from (${wait?.reasonCode ?? null}, ${wait?.until ?? null}::timestamptz)`.execute(
      trx,
    );
    await refreshWaiting(trx, runId);
  });
}

/**
 * Status `waiting`, with its summary, exactly while the run as a whole or every started, unfinished slice waits. Safe to call
 * at any time.
 */
export async function refreshWaiting(db: Executor, runId: string): Promise<void> {
  const waits = sql<boolean>`(
    (runs.wait_until is not null or exists (select from run_slices w where w.run_id = runs.id and w.status = 'waiting'))
    and not exists (select from run_slices b where b.run_id = runs.id and b.status = 'running'))`;
  const waiting = sql<string>`summary || jsonb_build_object('waiting', ${waitOfRun()})`;
  await moveRun(db, runId, "wait", { summary: waiting }, waits);
  await moveRun(db, runId, "resume", { summary: sql<string>`summary - 'waiting'` }, sql<boolean>`not ${waits}`);
}

/**
 * Records who asked, once: a repeated call answers the same row. pending and queued end here, running and waiting go to
 * cancelling (the caller then delivers the cancel to Temporal).
 * @throws AppError not_found, run_terminal (with `nextAttemptRunId`)
 */
export async function requestCancel(
  db: Executor,
  request: { runId: string; actor: string; reason: string | null; reasonCode?: ReasonCode },
): Promise<RunRow> {
  return inTransaction(db, async (trx) => {
    const before = await lockChainOf(trx, request.runId);
    if (isTerminal(before.status)) {
      throw new AppError("run_terminal", `Run ${before.id} has already ended as ${before.status}.`, {
        extra: { nextAttemptRunId: before.nextAttemptRunId },
      });
    }
    if (before.cancelRequestedAt !== null) return before;
    const ends = before.status === "pending" || before.status === "queued";
    const reasonCode = request.reasonCode ?? "cancelled_by_user";
    const entities = ends ? await entitiesOf(trx, before) : [];
    const stopped = entities.map((entityKey) =>
      judgeUnplanned(entityKey, { status: "stopped", reasonCode, error: null }),
    );
    await moveRun(trx, before.id, "request_cancel", {
      cancelRequestedAt: sql<Date>`now()`,
      cancelRequestedBy: request.actor,
      cancelReason: request.reason,
      summary: sql<string>`summary || jsonb_build_object('cancel', jsonb_build_object('requestedAt', now(), 'reasonCode', ${reasonCode}::text))
        || ${ends ? sql`${summaryOfRun()} || ${entitiesOfEndedRun(stopped)}` : sql`'{}'`}`,
      ...(ends ? { ...ended(reasonCode, null), fencedAt: sql<Date>`now()` } : {}),
    });
    if (ends) await promoteQueued(trx, before.syncId);
    return getRun(trx, before.id);
  });
}

/** What the run was for. */
async function entitiesOf(db: Executor, { syncId, request }: RunRow): Promise<string[]> {
  if (request.entities !== undefined) return request.entities;
  const sync = await db.selectFrom("syncs").select("entities").where("id", "=", syncId).executeTakeFirst();
  return sync?.entities ?? [];
}

export interface RunEnd {
  runId: string;
  event: Extract<RunEvent, "succeed" | "end_partial" | "fail" | "acknowledge_cancel" | "skip">;
  reasonCode: ReasonCode | null;
  error: string | null;
  slicesTotal: number | null;
  slicesDone: number;
  /** Merged over the summary that is there. */
  summary: Record<string, unknown>;
  /** The destination already refuses later writes of this attempt. */
  fenced: boolean;
}

/** @returns false when the row had ended before: nothing is written then */
export async function endRun(trx: Executor, end: RunEnd): Promise<boolean> {
  const moved = await moveRun(trx, end.runId, end.event, {
    ...ended(end.reasonCode, end.error),
    slicesTotal: end.slicesTotal,
    slicesDone: end.slicesDone,
    summary: sql<string>`(summary - '{waiting,proof}'::text[]) || ${JSON.stringify(end.summary)}::jsonb`,
    fencedAt: end.fenced ? sql`now()` : null,
    backendStatus: sql<string>`backend_status || '{"state": "closed"}'::jsonb`,
  });
  return moved !== null;
}

/** A cancel that came from Temporal itself: running -> cancelling, recorded as asked for by `actor`. */
export async function markCancelling(trx: Executor, runId: string, actor: string, reason: string): Promise<void> {
  await moveRun(trx, runId, "request_cancel", {
    cancelRequestedAt: sql<Date>`coalesce(cancel_requested_at, now())`,
    cancelRequestedBy: sql<string>`coalesce(cancel_requested_by, ${actor})`,
    cancelReason: sql<string>`coalesce(cancel_reason, ${reason})`,
    cancelDeliveredAt: sql<Date>`coalesce(cancel_delivered_at, now())`,
  });
}

/** The queued run of a sync, if there is one, becomes pending. Call it in the transaction that ends the active run. */
export async function promoteQueued(trx: Executor, syncId: string): Promise<void> {
  const queued = await trx
    .selectFrom("runs")
    .select("id")
    .where("syncId", "=", syncId)
    .where("status", "=", "queued")
    .executeTakeFirst();
  if (queued) await moveRun(trx, queued.id, "promote", { dispatchAfter: sql`now()` });
}

/**
 * Locks the chain's root row, which next attempt, retry and cancel all do first, and then the run's own, which comes before
 * its slices for everybody; then reads the run. Leaves the keys alone: an event refers to the run's.
 * @throws AppError not_found
 */
export async function lockChainOf(trx: Executor, runId: string): Promise<RunRow> {
  await sql`
    select from runs
    where id in (${runId}, (select attempt_root_run_id from runs where id = ${runId}))
    order by attempt_number for no key update`.execute(trx);
  return getRun(trx, runId);
}

type RunPatch = UpdateObject<Database, "runs", "runs">;

/** @returns the id when the row was in a status that `event` leaves, else null */
async function moveRun(
  db: Executor,
  runId: string,
  event: RunEvent,
  patch: RunPatch,
  guard = sql<boolean>`true`,
): Promise<string | null> {
  const edges = Object.entries(RUN_TRANSITIONS[event]);
  const to = sql<RunStatus>`case status ${sql.join(
    edges.map(([from, next]) => sql`when ${from} then ${next}`),
    sql` `,
  )} end`;
  const moved = await db
    .updateTable("runs")
    .set({ ...patch, status: to, updatedAt: sql<Date>`now()` })
    .where("id", "=", runId)
    .where("status", "in", sourcesOf(event))
    .where(guard)
    .returning("id")
    .executeTakeFirst();
  return moved?.id ?? null;
}

function ended(reasonCode: ReasonCode | null, error: string | null): RunPatch {
  return {
    completedAt: sql<Date>`now()`,
    resultClass: resultClassOf(reasonCode),
    resultReasonCode: reasonCode,
    error: error === null ? null : error.slice(0, 2000),
  };
}

/** With the successor of each in its chain. */
export function selectRuns(db: Executor) {
  return db
    .selectFrom("runs")
    .selectAll("runs")
    .select((eb) =>
      eb
        .selectFrom("runs as next")
        .select("next.id")
        .whereRef("next.previousAttemptRunId", "=", "runs.id")
        .as("nextAttemptRunId"),
    );
}

async function syncExists(db: Executor, syncId: string): Promise<boolean> {
  const row = await db
    .selectFrom("syncs")
    .select("id")
    .where("id", "=", syncId)
    .where("deletedAt", "is", null)
    .executeTakeFirst();
  return row !== undefined;
}
