import { type Kysely, sql } from "kysely";
import { inTransaction } from "./client.ts";
import { recordEvent } from "./run-events.ts";
import type { Database } from "./schema.ts";

export interface RunWarning {
  entityKey: string;
  message: string;
}

/** What a run has found changed about its tables: a warning in its summary and an event each, once. Idempotent. */
export async function recordTableChanges(
  db: Kysely<Database>,
  runId: string,
  changes: readonly RunWarning[],
): Promise<void> {
  if (changes.length === 0) return;
  await inTransaction(db, async (trx) => {
    const { rows } = await sql<{ warnings: RunWarning[] }>`
      select coalesce(summary -> 'warnings', '[]') as warnings from runs
      where id = ${runId} and completed_at is null for no key update`.execute(trx);
    const [run] = rows;
    if (run === undefined) return;
    const isKnown = ({ entityKey, message }: RunWarning): boolean =>
      run.warnings.some((each) => each.entityKey === entityKey && each.message === message);
    const found = changes.filter((change) => !isKnown(change));
    if (found.length === 0) return;
    await sql`
      update runs set updated_at = now(),
        summary = summary || jsonb_build_object('warnings', ${JSON.stringify([...run.warnings, ...found])}::jsonb)
      where id = ${runId}`.execute(trx);
    for (const change of found) await recordEvent(trx, runId, "destination.table_changed", { ...change });
  });
}
