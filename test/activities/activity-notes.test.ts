import { randomUUID } from "node:crypto";
import { Context } from "@temporalio/activity";
import { ApplicationFailure } from "@temporalio/common";
import { MockActivityEnvironment } from "@temporalio/testing";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ActivityNotes, createActivityNotes } from "../../activities/activity-notes.ts";
import { TransientError } from "../../core/errors.ts";
import type { Db } from "../../db/client.ts";
import type { ActivityKey } from "../../db/run-activities.ts";
import { readLiveStates } from "../../db/run-live.ts";
import { useControlDatabase } from "../support/postgres.ts";
import { admit, begin, insertSync } from "../support/runs.ts";

/** Several things happen to a piece of work between two writes: the row says what is so, and no note keeps others from being written. */
describe("notes of activities", () => {
  let db: Db;
  let runId: string;
  let opened: ActivityNotes[];
  let warnings: string[];

  useControlDatabase((pool) => {
    db = pool;
  });
  beforeEach(async () => {
    const run = await admit(db, await insertSync(db));
    await begin(db, run.id);
    runId = run.id;
    opened = [];
    warnings = [];
  });
  afterEach(async () => {
    await Promise.all(opened.map((notes) => notes.close()));
    expect(warnings).toEqual([]);
  });

  function createNotes(): ActivityNotes {
    const log = pino({ level: "warn" }, { write: (line: string) => void warnings.push(line) });
    const notes = createActivityNotes({ db, worker: { id: randomUUID(), executorId: "test" }, log });
    opened.push(notes);
    return notes;
  }

  const slice = (subject: string): ActivityKey => ({ runId, activity: "slice", subject });

  /** A try of `key` that goes on until it is ended. */
  function beginTry(notes: ActivityNotes, key: ActivityKey, attempt = 1) {
    const ending = Promise.withResolvers<void>();
    const context = Promise.withResolvers<Context>();
    const environment = new MockActivityEnvironment({ attempt, currentAttemptScheduledTimestampMs: attempt * 1_000 });
    const running = environment
      .run(() =>
        notes.during(key, async () => {
          context.resolve(Context.current());
          await ending.promise;
        }),
      )
      .catch(() => undefined);
    return {
      context: context.promise,
      async end(error?: Error) {
        if (error) ending.reject(error);
        else ending.resolve();
        await running;
      },
    };
  }

  const unreachable = () => ApplicationFailure.create({ type: "source_unavailable", message: "not there" });

  const written = () =>
    db
      .selectFrom("runActivities")
      .select(["subject", "state", "attempt", "lastFailure"])
      .where("runId", "=", runId)
      .orderBy("subject")
      .execute();

  it("a try that fails and the next, which begins at once", async () => {
    const notes = createNotes();
    const first = beginTry(notes, slice("0"));
    const other = beginTry(notes, slice("1"));
    await first.end(unreachable());
    const second = beginTry(notes, slice("0"), 2);
    await notes.write();
    expect(await written()).toEqual([
      { subject: "0", state: "working", attempt: 2, lastFailure: "not there" },
      { subject: "1", state: "working", attempt: 1, lastFailure: null },
    ]);
    await second.end();
    await other.end();
    await notes.write();
    expect(await written()).toEqual([]);
  });

  it("work that is done and begins again, such as a plan that had to wait", async () => {
    const notes = createNotes();
    const first = beginTry(notes, { ...slice(""), activity: "plan" });
    await notes.write();
    await first.end();
    const again = beginTry(notes, { ...slice(""), activity: "plan" });
    await notes.write();
    expect(await written()).toEqual([{ subject: "", state: "working", attempt: 1, lastFailure: null }]);
    await again.end(unreachable());
    await notes.write();
    expect(await written()).toMatchObject([{ state: "retrying", lastFailure: "not there" }]);
  });

  it("a proof that is tried again: the run still proves, and says what is in its way", async () => {
    const notes = createNotes();
    const proof = beginTry(notes, { ...slice(""), activity: "prove" });
    await proof.end(new TransientError("destination_unavailable", "It is away.", { fix: "Bring it back." }));
    await notes.write();
    const live = await readLiveStates(db, [{ id: runId, completedAt: null }]);
    expect(live.get(runId)).toMatchObject({ phase: "proving", lastFailure: "It is away. Bring it back." });
  });

  it("a try that was given up on, and ends while the next is at work", async () => {
    const notes = createNotes();
    const given = beginTry(notes, slice("0"));
    await notes.write();
    const next = beginTry(notes, slice("0"), 2);
    notes.blocked(await given.context, "session 1");
    await notes.write();
    await given.end(unreachable());
    await notes.write();
    expect(await written()).toMatchObject([{ state: "working", attempt: 2 }]);
    await next.end();
    await notes.write();
    expect(await written()).toEqual([]);
  });

  it("a try that was given up on, and ends when another worker has the work", async () => {
    const [one, other] = [createNotes(), createNotes()];
    const given = beginTry(one, slice("0"));
    await one.write();
    const next = beginTry(other, slice("0"), 2);
    await other.write();
    await given.end(unreachable());
    await one.write();
    expect(await written()).toMatchObject([{ state: "working", attempt: 2 }]);
    await next.end();
    await other.write();
    expect(await written()).toEqual([]);
  });
});
