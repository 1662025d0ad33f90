import { type Kysely, sql } from "kysely";

/** Events tell how many rows have gone: the functions of before, with one more number. Additive. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create or replace function record_run_events() returns trigger language plpgsql as $$
    begin
      insert into run_events (run_id, kind, data)
      select new.id, kind, jsonb_strip_nulls(data)
      from (values
        (tg_op = 'INSERT', 'run.admitted', jsonb_build_object(
          'status', new.status, 'runMode', new.run_mode, 'triggeredBy', new.triggered_by, 'triggerRef', new.trigger_ref,
          'attemptNumber', new.attempt_number, 'previousAttemptRunId', new.previous_attempt_run_id,
          'notBefore', new.not_before)),
        (old.status = 'queued' and new.status = 'pending', 'run.promoted', '{}'),
        (old.dispatched_at is null and new.dispatched_at is not null, 'run.dispatched',
          jsonb_build_object('backendRunRef', new.backend_run_ref)),
        (old.status = 'pending' and new.status = 'running', 'run.begun',
          jsonb_build_object('backendRunRef', new.backend_run_ref)),
        (new.plan_id is distinct from old.plan_id, 'run.planned', (
          select jsonb_build_object(
            'planId', new.plan_id, 'replanned', coalesce(new.summary -> 'replanned', 'false'),
            'entities', count(*), 'entitiesFailed', count(reason_code), 'slicesTotal', new.slices_total,
            'slicesInherited', (select count(*) from run_slices where run_id = new.id and inherited))
          from plan_entities where plan_id = new.plan_id)),
        (old.status = 'running' and new.status = 'waiting', 'run.waiting', (
          select jsonb_build_object('reasonCode', reason, 'resumeAt', until, 'entityKey', entity_key) from (
            select new.wait_reason, new.wait_until, null where new.wait_until is not null
            union all
            select wait_reason, wait_until, entity_key from run_slices where run_id = new.id and status = 'waiting'
          ) w (reason, until, entity_key) order by until limit 1)),
        (old.status = 'waiting' and new.status = 'running', 'run.resumed', '{}'),
        (old.cancel_requested_at is null and new.cancel_requested_at is not null, 'run.cancel_requested',
          jsonb_build_object('requestedBy', new.cancel_requested_by)),
        (old.cancel_delivered_at is null and new.cancel_delivered_at is not null, 'run.cancel_delivered', '{}'),
        (old.completed_at is null and new.completed_at is not null, 'run.ended', (
          select jsonb_build_object(
            'status', new.status, 'resultClass', new.result_class, 'resultReasonCode', new.result_reason_code,
            'error', new.error, 'slicesTotal', new.slices_total, 'slicesDone', new.slices_done,
            'rowsRead', coalesce(sum(rows_read), 0), 'rowsWritten', coalesce(sum(rows_written), 0),
            'rowsRejected', coalesce(sum(rows_rejected), 0), 'rowsDeleted', coalesce(sum(rows_deleted), 0))
          from run_slices where run_id = new.id))
      ) as event (happened, kind, data)
      where happened;
      return null;
    end $$`.execute(db);
  await sql`
    create or replace function record_slice_event() returns trigger language plpgsql as $$
    begin
      insert into run_events (run_id, kind, data)
      select new.run_id, kind, jsonb_strip_nulls(data || jsonb_build_object(
        'sliceNo', new.slice_no, 'entityKey', new.entity_key, 'label', new.label))
      from (values
        (new.status = 'running' and (new.status <> old.status or new.tries <> old.tries), 'slice.started',
          jsonb_build_object('tries', new.tries)),
        (new.status = 'running' and new.tries = old.tries and new.reason_code is distinct from old.reason_code
           and new.reason_code is not null, 'slice.interrupted',
          jsonb_build_object('reasonCode', new.reason_code, 'error', new.error)),
        (new.status = 'waiting', 'slice.waiting',
          jsonb_build_object('waitReason', new.wait_reason, 'waitUntil', new.wait_until)),
        (new.status <> old.status and new.status in ('done', 'failed'), 'slice.' || new.status, jsonb_build_object(
          'reasonCode', new.reason_code, 'error', new.error, 'rowsRead', new.rows_read, 'rowsWritten', new.rows_written,
          'rowsRejected', new.rows_rejected, 'rowsDeleted', new.rows_deleted, 'bytesRead', new.bytes_read))
      ) as event (happened, kind, data)
      where happened;
      return null;
    end $$`.execute(db);
}
