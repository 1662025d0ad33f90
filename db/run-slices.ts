import { type Kysely, type Selectable, sql, type UpdateObject } from "kysely";
import type { Verification } from "../core/digests.ts";
import type { ReasonCode } from "../core/result-reasons.ts";
import { inTransaction } from "./client.ts";
import type { RunSliceTable } from "./plan-tables.ts";
import { type RowCounts, tableCounts } from "./run-counts.ts";
import { summaryOfRun } from "./run-summary.ts";
import { refreshWaiting } from "./runs.ts";
import type { Database } from "./schema.ts";

type Executor = Kysely<Database>;

/** Progress of an attempt on its slices: what the API shows while it runs, and the proof when it has ended. */

export interface SliceKey {
  runId: string;
  sliceNo: number;
}

/** Counters since the last flush. */
export interface SliceProgress extends SliceKey, RowCounts {
  bytesRead: number;
  /** By entityKey, of a slice that writes to several tables. */
  tables?: Record<string, RowCounts>;
}

export interface SliceFailure {
  reasonCode: ReasonCode;
  message: string;
}

export function startSlice(db: Executor, key: SliceKey): Promise<void> {
  return changeSlice(db, key, {
    status: "running",
    tries: sql<number>`tries + 1`,
    waitReason: null,
    waitUntil: null,
    reasonCode: null,
    error: null,
    startedAt: sql<Date>`coalesce(started_at, now())`,
  });
}

/** The slice holds no slot until `waitUntil`. */
export function waitSlice(db: Executor, key: SliceKey, wait: { reasonCode: ReasonCode; until: Date }): Promise<void> {
  return changeSlice(db, key, { status: "waiting", waitReason: wait.reasonCode, waitUntil: wait.until });
}

/** This try failed, and there will be another. */
export function interruptSlice(db: Executor, key: SliceKey, failure: SliceFailure): Promise<void> {
  return changeSlice(db, key, failureOf(failure));
}

export function failSlice(db: Executor, key: SliceKey, failure: SliceFailure): Promise<void> {
  return changeSlice(db, key, { ...failureOf(failure), status: "failed", completedAt: sql<Date>`now()` });
}

export function endSlice(db: Executor, key: SliceKey): Promise<void> {
  return changeSlice(db, key, { status: "done", reasonCode: null, error: null, completedAt: sql<Date>`now()` });
}

/**
 * What a comparison has found in the slice's window.
 * @param keepDifference what an earlier try found stays, if it was a difference: by now it may be mended
 */
export function recordVerification(
  db: Executor,
  key: SliceKey,
  found: Verification,
  { keepDifference }: { keepDifference: boolean },
): Promise<void> {
  return changeSlice(db, key, {
    verification: sql<string>`
      case when ${keepDifference} and verification @> '{"equal": false}' then verification
           else ${JSON.stringify(found)}::jsonb end`,
  });
}

/** Windows that the run has found different, and left so. */
export async function listDifferences(
  db: Executor,
  runId: string,
): Promise<{ sliceNo: number; entityKey: string; label: string }[]> {
  return db
    .selectFrom("runSlices")
    .select(["sliceNo", "entityKey", "label"])
    .where("runId", "=", runId)
    .where("status", "=", "failed")
    .where(sql<boolean>`verification @> '{"equal": false}'`)
    .orderBy("sliceNo")
    .execute();
}

type SlicePatch = UpdateObject<Database, "runSlices", "runSlices">;

function failureOf({ reasonCode, message }: SliceFailure): SlicePatch {
  return { reasonCode, error: message.slice(0, 2000) };
}

/**
 * Changes a slice that is not done, of a run that has not ended, and with it the run's status. The run's row is locked first,
 * so that of slices that begin to wait at once the last one sees it.
 */
async function changeSlice(db: Executor, key: SliceKey, patch: SlicePatch): Promise<void> {
  await inTransaction(db, async (trx) => {
    if ((await lockOpenRuns(trx, [key.runId])).length === 0) return;
    await trx
      .updateTable("runSlices")
      .set({ ...patch, updatedAt: sql<Date>`now()` })
      .where("runId", "=", key.runId)
      .where("sliceNo", "=", key.sliceNo)
      .where("status", "!=", "done")
      .execute();
    await refreshWaiting(trx, key.runId);
  });
}

/** In the order of their ids, and before their slices, as everybody locks them. @returns those that have not ended */
async function lockOpenRuns(trx: Executor, runIds: string[]): Promise<{ id: string; stop: boolean }[]> {
  const { rows } = await sql<{ id: string; stop: boolean }>`
    select id, status = 'cancelling' as stop from runs
    where id = any(${runIds}::uuid[]) and completed_at is null
    order by id for no key update`.execute(trx);
  return rows;
}

/**
 * One batched write for all slices of a worker, with both clocks and the summaries of their runs.
 * @param alive runs whose activities are alive, with or without progress
 * @param onCommit told the transaction's id just before it commits: when the connection is lost there, only the database knows
 * whether it did (`hasCommitted`)
 * @returns those of `alive` that must stop: being cancelled, or already terminal
 */
export async function flushProgress(
  db: Executor,
  progress: SliceProgress[],
  alive: string[],
  executorId: string,
  onCommit: (transactionId: string) => void = () => undefined,
): Promise<string[]> {
  if (alive.length === 0) return [];
  return inTransaction(db, async (trx) => {
    const open = new Map((await lockOpenRuns(trx, alive)).map((run) => [run.id, run]));
    if (progress.length > 0) {
      await sql`
        update run_slices s
        set rows_read = s.rows_read + p."rowsRead", rows_written = s.rows_written + p."rowsWritten",
            rows_rejected = s.rows_rejected + p."rowsRejected", rows_deleted = s.rows_deleted + p."rowsDeleted",
            bytes_read = s.bytes_read + p."bytesRead",
            updated_at = now()
        from jsonb_to_recordset(${JSON.stringify(progress)}::jsonb)
          as p("runId" uuid, "sliceNo" integer, "rowsRead" bigint, "rowsWritten" bigint, "rowsRejected" bigint,
               "rowsDeleted" bigint, "bytesRead" bigint)
        where s.run_id = p."runId" and s.slice_no = p."sliceNo" and s.status <> 'done'
          and s.run_id = any(${[...open.keys()]}::uuid[])`.execute(trx);
      await addTableProgress(
        trx,
        progress.filter(({ runId }) => open.has(runId)),
      );
    }
    const moved = [...new Set(progress.map((each) => each.runId))];
    await sql`
      update runs set
        backend_heartbeat_at = now(), executor_id = ${executorId}, updated_at = now(),
        last_heartbeat_at = case when id = any(${moved}::uuid[]) then now() else last_heartbeat_at end,
        slices_done = (select count(*) from run_slices d where d.run_id = runs.id and d.status = 'done'),
        summary = (summary - 'waiting') || ${summaryOfRun()}
      where id = any(${[...open.keys()]}::uuid[])`.execute(trx);
    const { rows } = await sql<{ id: string }>`select pg_current_xact_id()::text as id`.execute(trx);
    if (rows[0]) onCommit(rows[0].id);
    return alive.filter((id) => open.get(id)?.stop ?? true);
  });
}

async function addTableProgress(trx: Executor, progress: SliceProgress[]): Promise<void> {
  const moved = progress.flatMap(({ runId, tables = null, ...slice }) =>
    tableCounts([{ ...slice, tables }]).map((counts) => ({ runId, ...counts })),
  );
  if (moved.length === 0) return;
  await sql`
    update run_slice_tables t
    set rows_read = t.rows_read + p."rowsRead", rows_written = t.rows_written + p."rowsWritten",
        rows_rejected = t.rows_rejected + p."rowsRejected", rows_deleted = t.rows_deleted + p."rowsDeleted"
    from jsonb_to_recordset(${JSON.stringify(moved)}::jsonb)
      as p("runId" uuid, "sliceNo" integer, "entityKey" text, "rowsRead" bigint, "rowsWritten" bigint,
           "rowsRejected" bigint, "rowsDeleted" bigint)
    join run_slices s on s.run_id = p."runId" and s.slice_no = p."sliceNo" and s.status <> 'done'
    where t.run_id = p."runId" and t.slice_no = p."sliceNo" and t.entity_key = p."entityKey"`.execute(trx);
}

/** @returns null while the transaction is still open; one that the server has forgotten did not commit in living memory */
export async function hasCommitted(db: Executor, transactionId: string): Promise<boolean | null> {
  const { rows } = await sql<{ status: string | null }>`
    select pg_xact_status(${transactionId}::xid8) as status`.execute(db);
  const status = rows[0]?.status ?? null;
  return status === "in progress" ? null : status === "committed";
}

export interface SliceRow extends Selectable<RunSliceTable> {
  /** By entityKey, of a slice that writes to several tables; null otherwise. */
  tables: Record<string, RowCounts> | null;
}

/** In the order of the plan. */
export async function listSlices(
  db: Executor,
  page: { runId: string; limit: number; offset: number },
): Promise<{ slices: SliceRow[]; total: number }> {
  const ofRun = db.selectFrom("runSlices").where("runId", "=", page.runId);
  const { total } = await ofRun.select((eb) => eb.fn.countAll<number>().as("total")).executeTakeFirstOrThrow();
  const tables = sql<SliceRow["tables"]>`(
    select jsonb_object_agg(entity_key, jsonb_build_object(
      'rowsRead', rows_read, 'rowsWritten', rows_written, 'rowsRejected', rows_rejected, 'rowsDeleted', rows_deleted))
    from run_slice_tables t where t.run_id = run_slices.run_id and t.slice_no = run_slices.slice_no)`;
  const slices = await ofRun
    .selectAll()
    .select(tables.as("tables"))
    .orderBy("sliceNo")
    .limit(page.limit)
    .offset(page.offset)
    .execute();
  return { slices, total };
}
