import { type Kysely, sql } from "kysely";
import { reasonOf } from "../core/result-reasons.ts";
import type { Verdict } from "../core/verdict.ts";
import type { RunRow } from "./runs.ts";
import type { Database } from "./schema.ts";

type Executor = Kysely<Database>;

/** What the end of a run changes on its sync. */

/** `executionConfig.maxFailedChains` where the sync does not say. 0: they may fail for ever. */
const MAX_FAILED_CHAINS = 5;

/** Chains that are looked at; more in a row are told as that many. */
const MOST_CHAINS = 200;

/** A table that was found to be as its source was has not become newer by that, and what failed before is not mended. */
export async function updateSync(
  trx: Executor,
  { syncId, runMode, request }: RunRow,
  verdict: Pick<Verdict, "event" | "reasonCode" | "error">,
): Promise<void> {
  if (verdict.event === "acknowledge_cancel" || (verdict.event === "succeed" && runMode === "verify")) return;
  const needsUser = verdict.reasonCode !== null && reasonOf(verdict.reasonCode).resultClass === "user_action_required";
  if (verdict.event === "succeed") {
    // A run that succeeds is also the proof that a sync in error works again, if it was for all of the sync's entities.
    const asked = request.entities === undefined ? null : JSON.stringify(request.entities);
    await sql`
      update syncs set last_error = null, last_success_at = now(), status = case status when 'error' then 'active' else status end
      where id = ${syncId} and (${asked}::jsonb is null or to_jsonb(entities) <@ ${asked}::jsonb)`.execute(trx);
    return;
  }
  await sql`
    update syncs set last_error = left(${verdict.error}, 2000),
           status = case when ${needsUser} and status = 'active' then 'error' else status end
    where id = ${syncId}`.execute(trx);
}

/**
 * Counts the chains in a row that failed, and those that ended partial, up to the latest. Call it when a chain has ended: its last
 * attempt has, and none follows. How a chain ended is how its last attempt did. One that was cancelled or skipped is passed over; one
 * that succeeded ends both rows, and one that ended partial the row of failures, since it has loaded some entities. A `verify` loads
 * nothing and is no chain of either row. So many failures put an active sync into `error`.
 */
export async function countChains(trx: Executor, syncId: string): Promise<void> {
  await sql`
    with ended as (
      select status, row_number() over (order by completed_at desc, id) as n from (
        select r.status, r.completed_at, r.id
        from runs r join syncs s on s.id = r.sync_id
        where r.sync_id = ${syncId} and r.status in ('succeeded', 'partial', 'failed') and r.run_mode <> 'verify'
          and (s.chains_counted_from is null or r.completed_at >= s.chains_counted_from)
          and not exists (select from runs next where next.previous_attempt_run_id = r.id)
        order by r.completed_at desc, r.id limit ${MOST_CHAINS}) latest
    ),
    counted as (
      select count(*) filter (where status = 'failed' and n < coalesce(other_than_failed, n + 1)) as failed,
             count(*) filter (where status = 'partial' and n < coalesce(other_than_partial, n + 1)) as partial
      from ended cross join (
        select min(n) filter (where status <> 'failed') as other_than_failed,
               min(n) filter (where status <> 'partial') as other_than_partial from ended) breaks
    ),
    judged as (
      select failed, partial,
             coalesce((execution_config ->> 'maxFailedChains')::integer, ${MAX_FAILED_CHAINS}) between 1 and failed as too_many
      from counted cross join syncs where id = ${syncId}
    )
    update syncs set
      failed_chains = failed, partial_chains = partial,
      status = case when too_many and status = 'active' then 'error' else status end,
      last_error = case when too_many and status = 'active'
        then left(last_error, 1700) || E'\n' || failed || ${TOLD}::text
        else last_error end
    from judged where id = ${syncId}`.execute(trx);
}

const TOLD =
  " attempt chains in a row have failed, so the sync is in error (executionConfig.maxFailedChains). Correct the cause, then set its status to active or trigger a run that succeeds.";
