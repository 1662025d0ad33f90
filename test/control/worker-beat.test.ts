import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { beforeEach, describe, expect, it } from "vitest";
import { createBeat } from "../../control/worker-beat.ts";
import type { Db } from "../../db/client.ts";
import { writeActivityNotes } from "../../db/run-activities.ts";
import { readLiveStates } from "../../db/run-live.ts";
import { useControlDatabase } from "../support/postgres.ts";
import { admit, begin, insertSync } from "../support/runs.ts";

const BEAT_MS = 10_000;

describe("workers that beat", () => {
  let db: Db;
  let runId: string;
  let nowMs: number;
  let ids: { one: string; other: string };

  useControlDatabase((opened) => {
    db = opened;
  });
  beforeEach(async () => {
    await sql`delete from workers`.execute(db);
    nowMs = Date.now();
    ids = { one: randomUUID(), other: randomUUID() };
    const run = await admit(db, await insertSync(db));
    await begin(db, run.id);
    runId = run.id;
  });

  const beatOf = (id: string) =>
    createBeat({
      db,
      worker: { id, executorId: `host:${id}`, version: "1" },
      slots: () => ({ sluice: { slots: 1, used: 1 } }),
      reachesTemporal: async () => true,
      now: () => nowMs,
    });

  const slice = { activity: "slice", subject: "0" } as const;
  const holdWork = (id: string, attempt = 1) =>
    writeActivityNotes(
      db,
      { id, executorId: `host:${id}` },
      {
        notes: [
          {
            ...{ runId, ...slice, state: "working", attempt, scheduledAt: scheduledAt(attempt) },
            ...{ since: new Date().toISOString(), failure: null, waiting: null },
          },
        ],
        done: [],
      },
    );

  const scheduledAt = (attempt: number) => new Date(attempt * 60_000).toISOString();
  /** A try that is over, by whatever, as its worker notes it. */
  const endWork = (id: string, attempt: number) =>
    writeActivityNotes(
      db,
      { id, executorId: `host:${id}` },
      { notes: [], done: [{ runId, ...slice, scheduledAt: scheduledAt(attempt) }] },
    );

  /** As time does, for the rows too. */
  async function passMs(ms: number): Promise<void> {
    nowMs += ms;
    await sql`update workers set seen_at = seen_at - make_interval(secs => ${ms / 1000})`.execute(db);
  }

  async function lostEvents(): Promise<number> {
    const { rows } = await sql`select from run_events where run_id = ${runId} and kind = 'worker.lost'`.execute(db);
    return rows.length;
  }

  async function stateOfWork(): Promise<string | undefined> {
    const { rows } = await sql<{ state: string }>`select state from run_activities where run_id = ${runId}`.execute(db);
    return rows[0]?.state;
  }

  it("are gone, with nobody left to note it: the run says so, and does not pass for one at work", async () => {
    await beatOf(ids.one)();
    await holdWork(ids.one);
    const live = async () => (await readLiveStates(db, [{ id: runId, completedAt: null }])).get(runId);
    await sql`update runs set started_at = now() - interval '1 hour', created_at = now() - interval '1 hour', dispatched_at = null,
              backend_heartbeat_at = null where id = ${runId}`.execute(db);
    expect(await live()).toMatchObject({ phase: "loading" });
    await passMs(60_000);
    expect(await live()).toMatchObject({ phase: "waiting_for_slot", waiting: { reason: "no_worker" } });
  });

  it("note, once, whose work lies there when another is not heard of any more", async () => {
    const [one, other] = [beatOf(ids.one), beatOf(ids.other)];
    await other();
    await holdWork(ids.other);
    for (let beat = 0; beat < 6; beat++) {
      await one();
      await passMs(BEAT_MS);
    }
    expect([await lostEvents(), await stateOfWork()]).toEqual([1, "lost"]);
  });

  it("take nobody for gone after an outage of the control database, in which no row could be written", async () => {
    const [one, other] = [beatOf(ids.one), beatOf(ids.other)];
    for (let beat = 0; beat < 4; beat++) {
      await Promise.all([one(), other()]);
      await passMs(BEAT_MS);
    }
    await holdWork(ids.other);
    await passMs(60_000);
    await one();
    await passMs(BEAT_MS);
    await one();
    await other();
    await passMs(BEAT_MS);
    await one();
    expect([await lostEvents(), await stateOfWork()]).toEqual([0, "working"]);
  });

  it("take their work back when they were taken for gone and are not", async () => {
    const [one, other] = [beatOf(ids.one), beatOf(ids.other)];
    await other();
    await holdWork(ids.other);
    for (let beat = 0; beat < 6; beat++) {
      await one();
      await passMs(BEAT_MS);
    }
    await other();
    expect(await stateOfWork()).toBe("working");
  });

  it("do not touch what a later try has noted when they were paused meanwhile, and end an earlier one's", async () => {
    const holder = async () => {
      const { rows } = await sql<{
        workerId: string;
      }>`select worker_id from run_activities where run_id = ${runId}`.execute(db);
      return rows.map(({ workerId }) => workerId);
    };
    await holdWork(ids.other, 1);
    await holdWork(ids.one, 2);
    await holdWork(ids.other, 1);
    expect(await holder()).toEqual([ids.one]);
    await endWork(ids.other, 1);
    expect(await holder()).toEqual([ids.one]);
    await endWork(ids.other, 3);
    expect(await holder()).toEqual([]);
  });
});
