import { type Kysely, sql } from "kysely";
import type { RunRow } from "./runs.ts";
import type { Database } from "./schema.ts";

type Executor = Kysely<Database>;

/** What a workflow's start needs to know of a run: ids and search attributes. */
export type DispatchableRun = Pick<RunRow, "id" | "syncId" | "attemptNumber" | "runMode" | "triggeredBy"> & {
  slug: string;
  syncName: string;
  providerKey: string;
};

/**
 * Leases pending runs that are due: nobody else tries them for `leaseSeconds`. Commits at once; the start comes after.
 * @param runId only this one, when given
 */
export async function leaseDispatchable(
  db: Executor,
  options: { limit: number; leaseSeconds: number; runId?: string },
): Promise<DispatchableRun[]> {
  const only = options.runId === undefined ? sql`true` : sql`r.id = ${options.runId}`;
  const leased = await sql<DispatchableRun>`
    update runs set dispatch_after = now() + make_interval(secs => ${options.leaseSeconds})
    from syncs s
    where s.id = runs.sync_id and runs.id in (
      select r.id from runs r
      where r.status = 'pending' and r.dispatched_at is null and r.dispatch_after <= now() and ${only}
      order by r.dispatch_after limit ${options.limit} for update skip locked)
    returning runs.id, runs.sync_id, runs.attempt_number, runs.run_mode, runs.triggered_by, s.slug, s.name as sync_name, s.provider_key`.execute(
    db,
  );
  return leased.rows;
}

export async function markDispatched(
  db: Executor,
  runId: string,
  backend: { ref: string; url: string | null },
): Promise<void> {
  await db
    .updateTable("runs")
    .set((eb) => ({
      dispatchedAt: sql<Date>`coalesce(dispatched_at, now())`,
      backendRunRef: eb.fn.coalesce("backendRunRef", eb.val(backend.ref)),
      backendRunUrl: eb.fn.coalesce("backendRunUrl", eb.val(backend.url)),
      updatedAt: sql<Date>`now()`,
    }))
    .where("id", "=", runId)
    .execute();
}

/** Runs whose workflow does not know of the cancel: at work, or just ended, when their workflow may still wait for it. Oldest first. */
export async function findUndeliveredCancels(db: Executor, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom("runs")
    .select("id")
    .where("cancelRequestedAt", "is not", null)
    .where("cancelDeliveredAt", "is", null)
    .where("dispatchedAt", "is not", null)
    .where((eb) =>
      eb.or([eb("completedAt", "is", null), eb("completedAt", ">", sql<Date>`now() - interval '30 seconds'`)]),
    )
    .orderBy("cancelRequestedAt")
    .limit(limit)
    .execute();
  return rows.map((run) => run.id);
}

export async function markCancelDelivered(db: Executor, runId: string): Promise<void> {
  await db
    .updateTable("runs")
    .set({ cancelDeliveredAt: sql<Date>`coalesce(cancel_delivered_at, now())` })
    .where("id", "=", runId)
    .execute();
}
