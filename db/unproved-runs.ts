import { type Kysely, sql } from "kysely";
import type { ReasonCode } from "../core/result-reasons.ts";
import type { Database } from "./schema.ts";

/** After a longer break nobody has tried: no worker was there, or the control database was away. */
const LONGEST_BREAK_SECONDS = 300;

/**
 * Notes in `summary.proof` that the result of a run could not be proved just now, and since when that is so. It goes with the end of the run.
 * @returns seconds since the first failure of an unbroken row of tries; 0 for the first
 */
export async function noteUnproved(
  db: Kysely<Database>,
  runId: string,
  failure: { reasonCode: ReasonCode; message: string },
): Promise<number> {
  const noted = await sql<{ seconds: number }>`
    with now (instant) as (select to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')),
    noted as (
      update runs set updated_at = now(), summary = summary || jsonb_build_object('proof', jsonb_build_object(
        'failingSince', case when (summary #>> '{proof,lastTriedAt}')::timestamptz > now() - make_interval(secs => ${LONGEST_BREAK_SECONDS})
                             then summary #>> '{proof,failingSince}' else instant end,
        'lastTriedAt', instant, 'reasonCode', ${failure.reasonCode}::text, 'error', left(${failure.message}, 2000)))
      from now where id = ${runId} and completed_at is null
      returning summary #>> '{proof,failingSince}' as since
    )
    select extract(epoch from now() - since::timestamptz)::float8 as seconds from noted`.execute(db);
  return Math.max(0, noted.rows[0]?.seconds ?? 0);
}
