import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { beforeEach, describe, expect, it } from "vitest";
import { queueOf } from "../../core/queues.ts";
import type { Db } from "../../db/client.ts";
import { noteLostWorkers, writeActivityNotes } from "../../db/run-activities.ts";
import { readLiveStates } from "../../db/run-live.ts";
import { getRun, setRunWait } from "../../db/runs.ts";
import { beatWorker } from "../../db/workers.ts";
import { useControlDatabase } from "../support/postgres.ts";
import { admit, begin, insertSync } from "../support/runs.ts";

const QUEUE = queueOf("plans");

/** What a run that stands still says it waits for, while another run has the only slot. */
describe("the wait of a run", () => {
  let db: Db;
  let runId: string;

  useControlDatabase((opened) => {
    db = opened;
  });
  beforeEach(async () => {
    await sql`delete from workers`.execute(db);
    runId = (await begin(db, (await admit(db, await insertSync(db))).id)).id;
    await beat(randomUUID(), 1);
    await sql`
      update runs set created_at = now() - interval '1 hour', started_at = null, dispatched_at = null, backend_heartbeat_at = null
      where id = ${runId}`.execute(db);
  });

  const beat = (id: string, used: number) =>
    beatWorker(db, {
      ...{ id, executorId: `host:${id}`, version: "1", contract: 1, temporalAwaySince: null },
      queues: { [QUEUE]: { slots: 1, used } },
    });
  const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000);

  async function waitOf(): Promise<unknown> {
    const live = (await readLiveStates(db, [await getRun(db, runId)])).get(runId);
    return live?.waiting;
  }

  it("is the source's own until that is over, and then the slot", async () => {
    await setRunWait(db, runId, { reasonCode: "source_rate_limited", until: inSeconds(60) });
    expect(await waitOf()).toBeUndefined();
    await setRunWait(db, runId, null);
    const over = inSeconds(-60);
    await setRunWait(db, runId, { reasonCode: "source_rate_limited", until: over });
    expect(await waitOf()).toMatchObject({
      ...{ reason: "no_free_slot", queue: QUEUE, since: over.toISOString(), ahead: 0 },
    });
  });

  it("is the lost worker until its heartbeat timeout is over, and then the slot", async () => {
    const lost = { id: randomUUID(), executorId: "host:lost" };
    const note = { runId, activity: "plan", subject: "", state: "working", attempt: 1 } as const;
    const began = inSeconds(-600).toISOString();
    await writeActivityNotes(db, lost, {
      notes: [{ ...note, since: began, scheduledAt: began, failure: null, waiting: null }],
      done: [],
    });
    await beat(lost.id, 1);
    await sql`update workers set seen_at = now() - interval '40 seconds' where id = ${lost.id}`.execute(db);
    await noteLostWorkers(db);
    expect(await waitOf()).toMatchObject({ reason: "worker_lost" });
    await sql`update workers set seen_at = now() - interval '10 minutes' where id = ${lost.id}`.execute(db);
    expect(await waitOf()).toMatchObject({ reason: "no_free_slot", queue: QUEUE });
  });
});
