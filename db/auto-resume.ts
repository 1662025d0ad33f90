import { randomUUID } from "node:crypto";
import { type Kysely, sql } from "kysely";
import { mayAutoResume } from "../core/reason-rules.ts";
import { isReasonCode, type ReasonCode, reasonOf } from "../core/result-reasons.ts";
import type { Verdict } from "../core/verdict.ts";
import { openNextAttempt } from "./run-chains.ts";
import type { RunRow } from "./runs.ts";
import type { Database } from "./schema.ts";

type Executor = Kysely<Database>;

/**
 * Opens the next attempt where the chain may go on by itself. In the transaction that ends the run, after its counts and its summary.
 * @param resumeAt when the wait that ended the attempt is over; null where no wait did
 * @returns whether the next attempt is open
 */
export async function autoResume(
  trx: Executor,
  run: RunRow,
  { verdict, resumeAt }: { verdict: Verdict; resumeAt: string | null },
): Promise<boolean> {
  if (run.cancelRequestedAt !== null) return false;
  const status = verdict.event === "fail" ? "failed" : verdict.event === "end_partial" ? "partial" : "succeeded";
  if (!mayAutoResume(status, verdict.reasonCode, verdict.entityCodes, await onceIsUsed(trx, run))) return false;
  const soFar = await countAutoResumes(trx, run.attemptRootRunId);
  const resyncs = resumeAt === null && hasFeedExpired(verdict) && !(await hasResynced(trx, run.attemptRootRunId));
  const isFree = resumeAt !== null || resyncs;
  if (!isFree && Math.max(soFar.productive, soFar.empty) >= run.maxAutoResumeAttempts) return false;
  const backoff = resyncs ? 0 : backoffSeconds(soFar.empty);
  const delaySeconds = resumeAt === null ? backoff : Math.max(0, (Date.parse(resumeAt) - Date.now()) / 1000);
  const notBefore = new Date(Date.now() + delaySeconds * 1000).toISOString();
  const next = await openNextAttempt(trx, {
    id: randomUUID(),
    previous: run,
    runMode: run.runMode,
    triggeredBy: "auto_resume",
    actor: "system:auto_resume",
    delaySeconds,
    summary: {
      autoResume: {
        ...{ attempt: soFar.all + 1, notBefore },
        ...(resumeAt === null ? {} : { afterWait: true }),
        ...(resyncs ? { resync: true } : {}),
      },
    },
  });
  return next !== null;
}

function hasFeedExpired({ reasonCode, entityCodes }: Verdict): boolean {
  return reasonCode === "source_cursor_expired" || entityCodes.includes("source_cursor_expired");
}

/**
 * The attempt after a feed has expired begins at once and is nobody's fault, but only once in a chain: a source whose feeds expire as soon
 * as they are read gets the attempts that all failures get.
 */
async function hasResynced(trx: Executor, rootRunId: string): Promise<boolean> {
  const { rows } = await sql`
    select from runs where attempt_root_run_id = ${rootRunId} and summary #>> '{autoResume,resync}' is not null limit 1`.execute(
    trx,
  );
  return rows.length > 0;
}

/**
 * Automatic attempts of the chain so far. Productive ones committed rows, empty ones did not; one that follows a wait or an
 * expired feed, or that one of them ended, is neither: the source asked for it.
 */
export async function countAutoResumes(
  trx: Executor,
  rootRunId: string,
): Promise<{ all: number; productive: number; empty: number }> {
  const counted = await sql<{ all: number; productive: number; empty: number }>`
    select count(*) as all,
           count(*) filter (where counts and committed) as productive,
           count(*) filter (where counts and not committed) as empty
    from (
      select (summary -> 'autoResume') ?| array['afterWait', 'resync'] is not true
               and not exists (select from runs next where next.previous_attempt_run_id = runs.id
                               and (next.summary -> 'autoResume') ?| array['afterWait', 'resync']) as counts,
             exists (select from run_slices s where s.run_id = runs.id and (s.rows_read > 0 or s.rows_written > 0))
               as committed
      from runs where attempt_root_run_id = ${rootRunId} and triggered_by = 'auto_resume') attempt`.execute(trx);
  return counted.rows[0] ?? { all: 0, productive: 0, empty: 0 };
}

/** An earlier attempt of the chain ended with such a code, or one of its entities did. */
async function onceIsUsed(trx: Executor, run: RunRow): Promise<boolean> {
  const earlier = await sql<{ code: string }>`
    select result_reason_code as code from runs
    where attempt_root_run_id = ${run.attemptRootRunId} and id <> ${run.id} and result_reason_code is not null
    union
    select entity.value ->> 'reasonCode' from runs
    cross join jsonb_each(case when jsonb_typeof(summary -> 'entities') = 'object' then summary -> 'entities' else '{}' end) entity
    where attempt_root_run_id = ${run.attemptRootRunId} and id <> ${run.id}
      and entity.value ->> 'status' = 'failed' and entity.value ->> 'reasonCode' is not null`.execute(trx);
  return earlier.rows.some(({ code }) => isReasonCode(code) && isOnce(code));
}

function isOnce(code: ReasonCode): boolean {
  return reasonOf(code).autoResume === "once";
}

/** 5, 10, 20, ... at most 300 seconds, with up to a quarter of jitter. */
function backoffSeconds(emptyAttempts: number): number {
  return Math.min(300, 5 * 2 ** emptyAttempts) * (1 + Math.random() / 4);
}
