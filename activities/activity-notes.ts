import { Context } from "@temporalio/activity";
import { ActivityFailure, ApplicationFailure, TemporalFailure } from "@temporalio/common";
import type { Logger } from "pino";
import { isProviderError } from "../core/errors.ts";
import { type Db, inTransaction } from "../db/client.ts";
import { isDatabaseUnavailable } from "../db/pg-errors.ts";
import {
  type ActivityKey,
  type ActivityNote,
  type ActivityTry,
  noteStoppedWorker,
  writeActivityNotes,
} from "../db/run-activities.ts";
import { describeError, WORKER_STOPPED } from "./failures.ts";

const WRITE_INTERVAL_MS = 2_000;
/** A lock is asked for again and again; so long between two looks that see it waited for, it is the same wait. */
const SAME_WAIT_MS = 5_000;

/**
 * Which work a worker holds, in which try, and why the last one failed: kept in the control database for whoever looks at the run. One
 * batched write every 2 s, so work that is shorter leaves no trace. A write that fails is made up for by the next.
 */
export interface ActivityNotes {
  /** Runs `work`, noted as `key`. The note stays where it fails and is tried again. */
  during<T>(key: ActivityKey, work: () => Promise<T>): Promise<T>;
  /** The activity that `context` is of waits for a lock, or, with null, does not. */
  blocked(context: Context, blockedBy: string | null): void;
  /** At once; otherwise it happens every 2 s. */
  write(): Promise<void>;
  close(): Promise<void>;
}

interface Entry {
  note: ActivityNote;
  blockedAtMs: number;
  changed: boolean;
  written: boolean;
}

/** How a try ended. */
interface Ending {
  key: ActivityTry;
  /** Null: the work is done, or not tried again. */
  retrying: ActivityNote | null;
}

export function createActivityNotes(options: {
  db: Db;
  worker: { id: string; executorId: string };
  log: Logger;
}): ActivityNotes {
  const { db, worker, log } = options;
  const open = new Map<Context, Entry>();
  // A row can be written once in a batch. So of a piece of work there is either its newest try or how that one ended.
  const newest = new Map<string, Entry>();
  let endings = new Map<string, Ending>();
  let handedBack: ActivityKey[] = [];

  const write = async (): Promise<void> => {
    const changed = [...newest.values()].filter((entry) => entry.changed);
    const taken = { endings, handedBack };
    endings = new Map();
    handedBack = [];
    const ended = [...taken.endings.values()];
    const notes = [...changed.map(({ note }) => note), ...ended.flatMap(({ retrying }) => retrying ?? [])];
    const done = ended.filter(({ retrying }) => retrying === null).map(({ key }) => key);
    if (notes.length + done.length + taken.handedBack.length === 0) return;
    for (const entry of changed) entry.changed = false;
    try {
      await inTransaction(db, async (trx) => {
        await writeActivityNotes(trx, worker, { notes, done });
        if (taken.handedBack.length > 0) await noteStoppedWorker(trx, worker.executorId, taken.handedBack);
      });
      for (const entry of changed) entry.written = true;
    } catch (cause) {
      for (const entry of changed) entry.changed = true;
      for (const [id, ending] of taken.endings) {
        const entry = newest.get(id);
        if (entry) follow(entry, ending);
        else if (!endings.has(id)) endings.set(id, ending);
      }
      handedBack.unshift(...taken.handedBack);
      log.warn({ err: cause }, "what the activities do could not be noted; it is noted the next time");
    }
  };
  let writing = Promise.resolve();
  const writeInTurn = (): Promise<void> => {
    writing = writing.then(write);
    return writing;
  };
  const timer = setInterval(() => void writeInTurn(), WRITE_INTERVAL_MS);

  return {
    async during(key, work) {
      const context = Context.current();
      const { attempt, retryPolicy, currentAttemptScheduledTimestampMs } = context.info;
      const ofTry: ActivityTry = { ...key, scheduledAt: new Date(currentAttemptScheduledTimestampMs).toISOString() };
      const note: ActivityNote = { ...ofTry, state: "working", attempt, since: now(), failure: null, waiting: null };
      const entry: Entry = { note, blockedAtMs: 0, changed: true, written: attempt > 1 };
      const id = JSON.stringify([key.runId, key.activity, key.subject]);
      const before = endings.get(id);
      if (before) follow(entry, before);
      endings.delete(id);
      open.set(context, entry);
      newest.set(id, entry);

      /** Of a try that another has followed in this worker, nothing is told. */
      const end = (retrying: ActivityNote | null, isHandedBack: boolean): void => {
        open.delete(context);
        if (newest.get(id) !== entry) return;
        newest.delete(id);
        if (retrying !== null || entry.written || !entry.changed) endings.set(id, { key: ofTry, retrying });
        if (isHandedBack) handedBack.push(key);
      };
      try {
        const result = await work();
        end(null, isHandedOver(result));
        return result;
      } catch (error) {
        const isLast = attempt >= (retryPolicy?.maximumAttempts || Number.POSITIVE_INFINITY);
        const failure = isLast ? null : failureOf(error);
        const retrying: ActivityNote | null =
          failure === null ? null : { ...note, state: "retrying", since: now(), failure, waiting: null };
        end(retrying, failure?.reasonCode === WORKER_STOPPED);
        throw error;
      }
    },
    blocked(context, blockedBy) {
      const entry = open.get(context);
      if (entry === undefined) return;
      const { waiting } = entry.note;
      if (blockedBy !== null) entry.blockedAtMs = Date.now();
      else if (waiting === null || Date.now() - entry.blockedAtMs < SAME_WAIT_MS) return;
      if (blockedBy !== null && waiting?.detail === blockedBy) return;
      entry.note.waiting =
        blockedBy === null ? null : { reason: "lock", since: waiting?.since ?? now(), detail: blockedBy };
      entry.changed = true;
    },
    write: writeInTurn,
    async close() {
      clearInterval(timer);
      await writeInTurn();
    },
  };
}

/** `entry` is the try after the one that ended: its row says why that one failed. */
function follow(entry: Entry, { retrying }: Ending): void {
  entry.written = true;
  if (retrying === null) return;
  entry.note.failure ??= retrying.failure;
  entry.changed = true;
}

/** Its worker is stopped, and the work begins again with another. */
function isHandedOver(result: unknown): boolean {
  return (
    typeof result === "object" && result !== null && "reasonCode" in result && result.reasonCode === WORKER_STOPPED
  );
}

/** Of a try that is followed by another; null where the work is given up, cancelled or somebody else's. */
function failureOf(error: unknown): ActivityNote["failure"] {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) {
    return cause.nonRetryable ? null : { reasonCode: cause.type ?? "internal_error", message: cause.message };
  }
  // A cancel, or an outage of the control database, which is told as such.
  if (cause instanceof TemporalFailure || (!isProviderError(cause) && isDatabaseUnavailable(cause))) return null;
  return describeError(cause);
}

function now(): string {
  return new Date().toISOString();
}
