import { randomUUID } from "node:crypto";
import type { Db } from "../../db/client.ts";
import { admitRun, beginRun, getRun, type RunRow } from "../../db/runs.ts";

/** A sync with nothing behind it, for tests of the run tables alone. @returns its id */
export async function insertSync(db: Db): Promise<string> {
  const connectionId = randomUUID();
  const syncId = randomUUID();
  await db
    .insertInto("connections")
    .values({
      id: connectionId,
      name: "source",
      provider: "postgres",
      config: "{}",
      secrets: "{}",
      taskQueue: "sluice",
      status: "unchecked",
      checks: "[]",
      createdBy: "test",
      updatedBy: "test",
    })
    .execute();
  await db
    .insertInto("syncs")
    .values({
      id: syncId,
      name: "sync",
      slug: `sync-${syncId}`,
      taskSlug: `sync-${syncId}`,
      connectionId,
      providerKey: "postgres",
      status: "active",
      triggerMode: "manual",
      entities: ["public.orders"],
      sourceConfig: "{}",
      destinationConfig: "{}",
      executionBackend: "native",
      executionMode: "sequential",
      executionConfig: "{}",
      createdBy: "test",
      updatedBy: "test",
    })
    .execute();
  return syncId;
}

export async function admit(db: Db, syncId: string): Promise<RunRow> {
  const admitted = await admitRun(db, {
    id: randomUUID(),
    syncId,
    runMode: "incremental",
    triggeredBy: "manual",
    triggerRef: null,
    actor: "user:test",
  });
  if (!("run" in admitted)) throw new Error(`run ${admitted.activeRunId} is active`);
  return admitted.run;
}

export async function begin(db: Db, runId: string): Promise<RunRow> {
  await beginRun(db, runId, { ref: `sync-run/${runId}/first`, url: null });
  return getRun(db, runId);
}
