import { sql } from "kysely";
import type { EntityResult } from "../core/entity-verdict.ts";

/** What `runs.summary` says, as expressions over a row of `runs`. */

/** Of a run that waits, as jsonb: why, until when, and the entity that goes on first; none where the run waits as a whole. */
export function waitOfRun() {
  return sql<string>`(
    select jsonb_build_object('reason', reason, 'since', since, 'until', until, 'resumeAt', until, 'entityKey', entity_key) from (
      select runs.wait_reason, runs.backend_heartbeat_at, runs.wait_until, null where runs.wait_until is not null
      union all
      select wait_reason, updated_at, wait_until, entity_key from run_slices where run_id = runs.id and status = 'waiting'
    ) w (reason, since, until, entity_key) order by until limit 1)`;
}

/** What the entity's target asks for at the end may still fail. Only a swap is noted here; the end of the run knows of the others. */
const hasFinishLeft = sql<boolean>`(
  coalesce(e.target ->> 'finish', case when (e.target ->> 'swap')::boolean then 'swap' end) is not null and e.swapped_at is null)`;

/** Not one row of the entity was loaded, in the whole chain: the end of the run finds out whether it has failed by that. */
const isAllRejected = sql<boolean>`(
  sum(s.rejected + s.base_rejected) > 0 and sum(s.rejected + s.base_rejected) >= sum(s.read + s.base_read)
  and sum(s.written + s.base_written) = 0)`;

/** The slices of `runs` with each entity that they load. Those that write to several tables count for each of them. */
const slicesByEntity = sql`(
  select s.entity_key as carrier_key, t.entity_key as table_key, s.status, s.reason_code, s.error,
         coalesce(t.rows_read, s.rows_read) as read, coalesce(t.rows_written, s.rows_written) as written,
         coalesce(t.rows_rejected, s.rows_rejected) as rejected, coalesce(t.rows_deleted, s.rows_deleted) as deleted,
         coalesce(t.base_rows_read, s.base_rows_read, 0) as base_read,
         coalesce(t.base_rows_written, s.base_rows_written, 0) as base_written,
         coalesce(t.base_rows_rejected, s.base_rows_rejected, 0) as base_rejected
  from run_slices s left join run_slice_tables t on t.run_id = s.run_id and t.slice_no = s.slice_no
  where s.run_id = runs.id)`;

/** What the attempt has moved of each entity that has slices. */
export function movedByEntity() {
  return sql`(
    select coalesce(table_key, carrier_key) as entity_key, sum(written) as rows, sum(rejected) as rejected, sum(deleted) as deleted
    from ${slicesByEntity} s group by 1)`;
}

/** Counters, slices and entities of `runs`, as jsonb; `waiting` only while the status says so. While the run works. */
export function summaryOfRun() {
  return sql<string>`(
    with entity as (
      select e.entity_key,
             coalesce(sum(s.written), 0) as rows, coalesce(sum(s.deleted), 0) as deleted,
             case when starts_with(e.reason_code, 'skipped_') then 'skipped'
                  when e.reason_code is not null or bool_or(s.status = 'failed') then 'failed'
                  when bool_and(s.status = 'done') is not false and not ${hasFinishLeft}
                       and ${isAllRejected} is not true then 'done'
                  when bool_or(s.status = 'running') then 'running'
                  when bool_or(s.status = 'waiting') then 'waiting'
                  when bool_or(s.status = 'done') or bool_and(s.status = 'done') is null then 'running'
                  else 'pending' end as status,
             coalesce(e.reason_code, min(s.reason_code)) as reason_code,
             coalesce(e.error, min(s.error)) as error
      from plan_entities e
      left join ${slicesByEntity} s on s.carrier_key = coalesce(e.lead_key, e.entity_key)
        and (s.table_key is null or s.table_key = e.entity_key)
      where e.plan_id = runs.plan_id
      group by e.plan_id, e.entity_key
    )
    select jsonb_build_object(
      'rowsRead', coalesce(sum(rows_read), 0), 'rowsWritten', coalesce(sum(rows_written), 0),
      'rowsRejected', coalesce(sum(rows_rejected), 0), 'rowsDeleted', coalesce(sum(rows_deleted), 0), 'bytesRead', coalesce(sum(bytes_read), 0),
      'slices', jsonb_build_object('total', count(*), 'done', count(*) filter (where status = 'done'),
                                   'failed', count(*) filter (where status = 'failed')),
      'entities', (select coalesce(jsonb_object_agg(entity_key, jsonb_strip_nulls(jsonb_build_object(
          'status', entity.status, 'rows', rows, 'rowsDeleted', nullif(deleted, 0), 'reasonCode', reason_code, 'error', error))), '{}') from entity))
      || case when runs.status = 'waiting' then jsonb_build_object('waiting', ${waitOfRun()}) else '{}' end
    from run_slices where run_id = runs.id)`;
}

/**
 * The entities of `runs` as they ended, as jsonb. `rows` are those that the attempt has written where people see them: all of the
 * chain's where the attempt has brought them to light.
 * @param results of all entities that the run was for
 */
export function entitiesOfEndedRun(results: readonly EntityResult[]) {
  return sql<string>`(
    select jsonb_build_object('entities', coalesce(jsonb_object_agg("entityKey", jsonb_strip_nulls(jsonb_build_object(
      'status', status, 'rows', case when hidden then 0 else coalesce("rowsShown", rows, 0) end, 'rowsRejected', nullif(rejected, 0), 'rowsDeleted', nullif(deleted, 0),
      'reasonCode', "reasonCode", 'error', left(error, 2000)))), '{}'))
    from jsonb_to_recordset(${JSON.stringify(results)}::jsonb)
      as result ("entityKey" text, status text, "reasonCode" text, error text, hidden boolean, "rowsShown" bigint)
    left join ${movedByEntity()} moved on moved.entity_key = "entityKey")`;
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
