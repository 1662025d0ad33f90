import { type Kysely, sql } from "kysely";
import type { Database } from "./schema.ts";

export interface PlanningProgress {
  /** Entities that are planned, those that cannot be included. */
  planned: number;
  total: number;
}

/** In `summary.planning`, where people see that a run moves before it has slices. Counts as progress. */
export async function recordPlanningProgress(
  db: Kysely<Database>,
  runId: string,
  { planned, total }: PlanningProgress,
): Promise<void> {
  await sql`
    update runs set last_heartbeat_at = now(), updated_at = now(),
      summary = summary || jsonb_build_object('planning', jsonb_build_object('planned', ${planned}::int, 'total', ${total}::int))
    where id = ${runId} and completed_at is null`.execute(db);
}
