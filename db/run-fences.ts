import { type Kysely, sql } from "kysely";
import type { RunRow } from "./runs.ts";
import type { Database } from "./schema.ts";

type Executor = Kysely<Database>;

/** Ended runs whose destination may still take their writes, because it was away when they ended. */

export async function findUnfenced(db: Executor, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom("runs")
    .select("id")
    .where("completedAt", "is not", null)
    .where("fencedAt", "is", null)
    .orderBy("completedAt")
    .limit(limit)
    .execute();
  return rows.map((run) => run.id);
}

export async function findUnfencedOfSync(
  db: Executor,
  syncId: string,
): Promise<Pick<RunRow, "id" | "attemptRootRunId" | "attemptNumber">[]> {
  return db
    .selectFrom("runs")
    .select(["id", "attemptRootRunId", "attemptNumber"])
    .where("syncId", "=", syncId)
    .where("completedAt", "is not", null)
    .where("fencedAt", "is", null)
    .execute();
}

/** A cancelled run's receipt says so too. */
export async function markFenced(db: Executor, runId: string): Promise<void> {
  await db
    .updateTable("runs")
    .set({
      fencedAt: sql<Date>`coalesce(fenced_at, now())`,
      summary: sql<string>`case when summary ? 'cancel' then jsonb_set(summary, '{cancel,fenced}', 'true') else summary end`,
    })
    .where("id", "=", runId)
    .execute();
}
