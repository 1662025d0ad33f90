import { type Kysely, type Selectable, sql, type UpdateObject } from "kysely";
import type { Verification } from "../core/digests.ts";
import type { ReasonCode } from "../core/result-reasons.ts";
import { inTransaction } from "./client.ts";
import type { RunSliceTable } from "./plan-tables.ts";
import { refreshWaiting, waitOfRun } from "./runs.ts";
import type { Database } from "./schema.ts";

type Executor = Kysely<Database>;

/** Progress of an attempt on its slices: what the API shows while it runs, and the proof when it has ended. */

export interface SliceKey {
  runId: string;
  sliceNo: number;
}

/** Counters since the last flush. */
export interface SliceProgress extends SliceKey {
  rowsRead: number;
  rowsWritten: number;
  rowsRejected: number;
  bytesRead: number;
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
 * @returns those of `alive` that must stop: being cancelled, or already terminal
 */
export async function flushProgress(
  db: Executor,
  progress: SliceProgress[],
  alive: string[],
  executorId: string,
): Promise<string[]> {
  if (alive.length === 0) return [];
  return inTransaction(db, async (trx) => {
    const open = new Map((await lockOpenRuns(trx, alive)).map((run) => [run.id, run]));
    if (progress.length > 0) {
      await sql`
        update run_slices s
        set rows_read = s.rows_read + p."rowsRead", rows_written = s.rows_written + p."rowsWritten",
            rows_rejected = s.rows_rejected + p."rowsRejected", bytes_read = s.bytes_read + p."bytesRead",
            updated_at = now()
        from jsonb_to_recordset(${JSON.stringify(progress)}::jsonb)
          as p("runId" uuid, "sliceNo" integer, "rowsRead" bigint, "rowsWritten" bigint, "rowsRejected" bigint,
               "bytesRead" bigint)
        where s.run_id = p."runId" and s.slice_no = p."sliceNo" and s.status <> 'done'
          and s.run_id = any(${[...open.keys()]}::uuid[])`.execute(trx);
    }
    const moved = [...new Set(progress.map((each) => each.runId))];
    await sql`
      update runs set
        backend_heartbeat_at = now(), executor_id = ${executorId}, updated_at = now(),
        last_heartbeat_at = case when id = any(${moved}::uuid[]) then now() else last_heartbeat_at end,
        slices_done = (select count(*) from run_slices d where d.run_id = runs.id and d.status = 'done'),
        summary = (summary - 'waiting') || ${summaryOfRun()}
      where id = any(${[...open.keys()]}::uuid[])`.execute(trx);
    return alive.filter((id) => open.get(id)?.stop ?? true);
  });
}

export type SliceRow = Selectable<RunSliceTable>;

/** In the order of the plan. */
export async function listSlices(
  db: Executor,
  page: { runId: string; limit: number; offset: number },
): Promise<{ slices: SliceRow[]; total: number }> {
  const ofRun = db.selectFrom("runSlices").where("runId", "=", page.runId);
  const { total } = await ofRun.select((eb) => eb.fn.countAll<number>().as("total")).executeTakeFirstOrThrow();
  const slices = await ofRun.selectAll().orderBy("sliceNo").limit(page.limit).offset(page.offset).execute();
  return { slices, total };
}

/** Counters, slices and entities of `runs`, as jsonb; `waiting` only while the status says so. */
export function summaryOfRun() {
  return sql<string>`(
    with entity as (
      select e.entity_key,
             coalesce(sum(s.rows_written), 0) as rows,
             case when e.reason_code is not null or bool_or(s.status = 'failed') then 'failed'
                  when bool_and(s.status = 'done') is not false then 'done'
                  when bool_or(s.status = 'running') then 'running'
                  when bool_or(s.status = 'waiting') then 'waiting'
                  when bool_or(s.status = 'done') then 'running'
                  else 'pending' end as status,
             coalesce(e.reason_code, min(s.reason_code)) as reason_code,
             coalesce(e.error, min(s.error)) as error
      from plan_entities e left join run_slices s on s.run_id = runs.id and s.entity_key = e.entity_key
      where e.plan_id = runs.plan_id
      group by e.plan_id, e.entity_key
    )
    select jsonb_build_object(
      'rowsRead', coalesce(sum(rows_read), 0), 'rowsWritten', coalesce(sum(rows_written), 0),
      'rowsRejected', coalesce(sum(rows_rejected), 0), 'bytesRead', coalesce(sum(bytes_read), 0),
      'slices', jsonb_build_object('total', count(*), 'done', count(*) filter (where status = 'done'),
                                   'failed', count(*) filter (where status = 'failed')),
      'entities', (select coalesce(jsonb_object_agg(entity_key, jsonb_strip_nulls(jsonb_build_object(
          'status', entity.status, 'rows', rows, 'reasonCode', reason_code, 'error', error))), '{}') from entity))
      || case when runs.status = 'waiting' then jsonb_build_object('waiting', ${waitOfRun()}) else '{}' end
    from run_slices where run_id = runs.id)`;
}

/** What the run has compared, by entity, as jsonb; empty for runs that compare nothing. */
export function verificationOfRun() {
  return sql<string>`(
    select case when count(*) = 0 then '{}' else jsonb_build_object('verification', jsonb_build_object(
      'entities', jsonb_object_agg(entity_key, jsonb_build_object(
        'windows', windows, 'differing', differing, 'sourceRows', source_rows, 'destinationRows', destination_rows)))) end
    from (
      select entity_key, count(*) as windows, count(*) filter (where not (verification -> 'equal')::boolean) as differing,
             sum((verification -> 'sourceRows')::bigint) as source_rows,
             sum((verification -> 'destinationRows')::bigint) as destination_rows
      from run_slices where run_id = runs.id and verification is not null group by entity_key) compared)`;
}
