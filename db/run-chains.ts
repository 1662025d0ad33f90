import { type Kysely, sql } from "kysely";
import { AppError } from "../core/errors.ts";
import { isTerminal } from "../core/run-lifecycle.ts";
import type { RunRequest } from "../core/run-request.ts";
import type { RunMode, TriggeredBy } from "../core/vocabulary.ts";
import { inTransaction } from "./client.ts";
import { findActiveRun, getRun, lockChainOf, type RunRow, requestCancel } from "./runs.ts";
import type { Database } from "./schema.ts";

/** Attempt chains: who follows whom. An attempt has at most one successor (`runs_one_next_attempt`). */

type Executor = Kysely<Database>;

export interface NextAttempt {
  id: string;
  previous: RunRow;
  runMode: RunMode;
  /** Over what the previous attempt was asked for, of which another mode keeps the entities alone. */
  changes?: RunRequest | undefined;
  triggeredBy: Extract<TriggeredBy, "retry" | "auto_resume">;
  actor: string;
  /** Seconds from now before which it is not dispatched. */
  delaySeconds: number;
  summary: Record<string, unknown>;
}

/**
 * A person's retry: resume the chain, or begin a new plan in it with another run mode.
 * @param request.id of the next attempt
 * @throws AppError not_found, run_not_terminal, run_not_retryable, run_already_followed, run_active; each names the run in the way
 */
export async function retryRun(
  db: Executor,
  request: { id: string; runId: string; runMode: RunMode | null; changes?: RunRequest; actor: string },
): Promise<RunRow> {
  return inTransaction(db, async (trx) => {
    const previous = await lockChainOf(trx, request.runId);
    // The same request, answered by somebody else in the meantime.
    if (previous.nextAttemptRunId === request.id) return getRun(trx, request.id);
    if (!isTerminal(previous.status)) {
      throw new AppError(
        "run_not_terminal",
        `Run ${previous.id} is still ${previous.status}. Wait for it or cancel it.`,
        {
          extra: { activeRunId: previous.id },
        },
      );
    }
    if (previous.nextAttemptRunId !== null) {
      throw new AppError(
        "run_already_followed",
        `Run ${previous.id} was already retried as ${previous.nextAttemptRunId}.`,
        {
          extra: { nextAttemptRunId: previous.nextAttemptRunId },
        },
      );
    }
    if (previous.status === "succeeded" || previous.status === "skipped") {
      throw new AppError(
        "run_not_retryable",
        `Run ${previous.id} ended as ${previous.status}. Trigger the sync for a new run.`,
      );
    }
    const next = await openNextAttempt(trx, {
      id: request.id,
      previous,
      runMode: request.runMode ?? previous.runMode,
      changes: request.changes,
      triggeredBy: "retry",
      actor: request.actor,
      delaySeconds: 0,
      summary: {},
    });
    if (next) return next;
    const active = await findActiveRun(trx, previous.syncId);
    throw new AppError("run_active", `Another run of this sync is active${active ? `: ${active.id}` : ""}.`, {
      extra: { activeRunId: active?.id ?? null },
    });
  });
}

/** In the transaction that holds the chain's lock. @returns null when another run of the sync is active */
export async function openNextAttempt(trx: Executor, next: NextAttempt): Promise<RunRow | null> {
  const { id } = next;
  const inserted = await sql<{ id: string }>`
    insert into runs (id, sync_id, status, run_mode, triggered_by, trigger_ref, created_by, execution_backend,
                      execution_mode, execution_config, attempt_number, attempt_root_run_id, previous_attempt_run_id,
                      max_auto_resume_attempts, not_before, dispatch_after, summary, request)
    select ${id}, p.sync_id, 'pending', ${next.runMode}, ${next.triggeredBy}, ${`run:${next.previous.id}`}, ${next.actor},
           p.execution_backend, p.execution_mode, p.execution_config, p.attempt_number + 1, p.attempt_root_run_id, p.id,
           p.max_auto_resume_attempts,
           case when ${next.delaySeconds}::float8 > 0 then now() + make_interval(secs => ${next.delaySeconds}) end,
           now() + make_interval(secs => ${next.delaySeconds}), ${JSON.stringify(next.summary)}::jsonb,
           case when p.run_mode = ${next.runMode} then p.request
                else jsonb_strip_nulls(jsonb_build_object('entities', p.request -> 'entities')) end
             || ${JSON.stringify(next.changes ?? {})}::jsonb
    from runs p join syncs s on s.id = p.sync_id and s.deleted_at is null and s.status <> 'archived'
    where p.id = ${next.previous.id}
    on conflict (sync_id) where status in ('pending', 'running', 'waiting', 'cancelling') do nothing
    returning id`.execute(trx);
  return inserted.rows.length === 0 ? null : getRun(trx, id);
}

/** A run before it was asked to stop, and after. */
export interface AskedRun {
  before: RunRow;
  after: RunRow;
}

/** Archive and delete: the active run and the queued one are asked to stop. @returns runs whose cancel must reach Temporal */
export async function cancelRunsOfSync(
  db: Executor,
  request: { syncId: string; actor: string; reason: string },
): Promise<AskedRun[]> {
  const open = await db
    .selectFrom("runs")
    .select("id")
    .where("syncId", "=", request.syncId)
    .where("completedAt", "is", null)
    // The queued one first, or it would be promoted when the active one ends.
    .orderBy(sql`status = 'queued'`, "desc")
    .execute();
  const asked: AskedRun[] = [];
  for (const { id } of open) {
    try {
      const before = await lockChainOf(db, id);
      const after = await requestCancel(db, { ...request, runId: id, reasonCode: "cancelled_sync_inactive" });
      asked.push({ before, after });
    } catch (error) {
      // It ended by itself meanwhile, which is as good.
      if (!(error instanceof AppError && error.code === "run_terminal")) throw error;
    }
  }
  return asked;
}
