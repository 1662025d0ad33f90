import type { Kysely } from "kysely";
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
): Promise<Pick<RunRow, "id" | "attemptRootRunId" | "attemptNumber" | "planId">[]> {
  return db
    .selectFrom("runs")
    .select(["id", "attemptRootRunId", "attemptNumber", "planId"])
    .where("syncId", "=", syncId)
    .where("completedAt", "is not", null)
    .where("fencedAt", "is", null)
    .execute();
}
