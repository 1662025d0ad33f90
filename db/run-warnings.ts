import { type Kysely, sql } from "kysely";
import type { RunEventKind } from "../core/run-events.ts";
import { inTransaction } from "./client.ts";
import { recordEvent } from "./run-events.ts";
import type { Database } from "./schema.ts";

export interface RunWarning {
  entityKey: string;
  message: string;
}

/** What a run has found that people should know: a warning in its summary and an event of the kind each, once. Idempotent. */
export async function recordWarnings(
  db: Kysely<Database>,
  { runId, kind }: { runId: string; kind: RunEventKind },
  warnings: readonly RunWarning[],
): Promise<void> {
  if (warnings.length === 0) return;
  await inTransaction(db, async (trx) => {
    const { rows } = await sql<{ warnings: RunWarning[] }>`
      select coalesce(summary -> 'warnings', '[]') as warnings from runs
      where id = ${runId} and completed_at is null for no key update`.execute(trx);
    const [run] = rows;
    if (run === undefined) return;
    const isKnown = ({ entityKey, message }: RunWarning): boolean =>
      run.warnings.some((each) => each.entityKey === entityKey && each.message === message);
    const found = warnings.filter((warning) => !isKnown(warning));
    if (found.length === 0) return;
    await sql`
      update runs set updated_at = now(),
        summary = summary || jsonb_build_object('warnings', ${JSON.stringify([...run.warnings, ...found])}::jsonb)
      where id = ${runId}`.execute(trx);
    for (const warning of found) await recordEvent(trx, runId, kind, { ...warning });
  });
}
