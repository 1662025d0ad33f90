import type { Logger } from "pino";
import type { Db } from "../db/client.ts";
import type { RowCounts } from "../db/run-counts.ts";
import { flushProgress, hasCommitted, type SliceKey, type SliceProgress } from "../db/run-slices.ts";

const FLUSH_INTERVAL_MS = 2_000;

export type Moved = Partial<Omit<SliceProgress, keyof SliceKey | "tables">> & {
  /** By entityKey, of a slice that writes to several tables. */
  tables?: Record<string, RowCounts>;
};

/** One activity's counters. `stop` aborts when its run is being cancelled or has ended, even while Temporal is silent. */
export interface Tracked {
  stop: AbortSignal;
  add(moved: Moved): void;
  /** Something was seen to go on, with nothing to count. */
  touch(): void;
  /** Milliseconds since rows or bytes moved last, or since the last touch. It stands still while the control database is away. */
  idleMs(): number;
  /** Writes what is left. @throws DatabaseUnavailableError; what was not written is kept */
  flush(): Promise<void>;
  /** Forgets the activity as soon as what is left is written. */
  end(): void;
}

export interface Progress {
  /** @param key without `sliceNo`: alive, but nothing to count */
  track(key: { runId: string; sliceNo?: number }): Tracked;
  close(): Promise<void>;
}

/**
 * Progress of all activities of a worker, in one batched write every 2 s: off the hot path.
 * @param options.noteMoved hears at once, and once, of all that moves
 */
export function createProgress(options: {
  db: Db;
  executorId: string;
  log: Logger;
  noteMoved?: (moved: Moved) => void;
}): Progress {
  const tracked = new Set<Entry>();
  /** Written, perhaps: the connection was lost while it was committed. */
  let unsettled: { transactionId: string; taken: Taken[] } | null = null;

  /** What was not written after all counts again. @returns false while nobody can tell */
  const settle = async (): Promise<boolean> => {
    if (unsettled === null) return true;
    const committed = await hasCommitted(options.db, unsettled.transactionId);
    if (committed === null) return false;
    if (!committed) giveBack(unsettled.taken);
    unsettled = null;
    return true;
  };

  const flush = async (): Promise<void> => {
    let taken: Taken[] = [];
    let transactionId: string | null = null;
    try {
      if (!(await settle())) return;
      taken = [...tracked].map((entry) => ({ entry, moved: entry.take() }));
      const progress = taken.flatMap(({ moved }) => (moved ? [moved] : []));
      const alive = [...new Set(taken.map(({ entry }) => entry.runId))];
      const stopped = new Set(
        await flushProgress(options.db, progress, alive, options.executorId, (id) => {
          transactionId = id;
        }),
      );
      for (const { entry } of taken) {
        if (stopped.has(entry.runId)) entry.abort();
        if (entry.ended) tracked.delete(entry);
      }
    } catch (cause) {
      if (transactionId === null) giveBack(taken);
      else unsettled = { transactionId, taken };
      options.log.warn({ err: cause }, "progress could not be written; it is kept for the next time");
      throw cause;
    }
  };
  let flushing = Promise.resolve();
  const flushInTurn = (): Promise<void> => {
    const turn = flushing.then(flush);
    flushing = turn.catch(() => undefined);
    return turn;
  };
  let isWritten = true;
  let isWriting = false;
  const timer = setInterval(() => {
    // The control database is away, or does not answer: nobody who waits for it is idle by fault of the work.
    if (!isWritten) for (const entry of tracked) entry.touch();
    if (isWriting) return;
    isWriting = true;
    isWritten = false;
    void flushInTurn()
      .then(
        () => {
          isWritten = true;
        },
        () => undefined,
      )
      .finally(() => {
        isWriting = false;
      });
  }, FLUSH_INTERVAL_MS);

  return {
    track(key) {
      const entry = createEntry(key);
      tracked.add(entry);
      return {
        stop: entry.stop,
        add(moved) {
          options.noteMoved?.(moved);
          entry.add(moved);
        },
        touch: entry.touch,
        idleMs: entry.idleMs,
        flush: flushInTurn,
        end() {
          entry.ended = true;
        },
      };
    },
    async close() {
      clearInterval(timer);
      // It is logged, and the ledger of the destination knows what counts.
      await flushInTurn().catch(() => undefined);
    },
  };
}

type Entry = ReturnType<typeof createEntry>;

interface Taken {
  entry: Entry;
  moved: SliceProgress | null;
}

/** It did not move just now, so the clock of what moves stays as it is. */
function giveBack(taken: Taken[]): void {
  for (const { entry, moved } of taken) if (moved) entry.count(moved);
}

const NOTHING = { rowsRead: 0, rowsWritten: 0, rowsRejected: 0, rowsDeleted: 0, bytesRead: 0 };

function createEntry(key: { runId: string; sliceNo?: number }) {
  const controller = new AbortController();
  let counters = { ...NOTHING };
  let tables: Record<string, RowCounts> = {};
  let movedAt = Date.now();
  const count = (moved: Moved): void => {
    counters.rowsRead += moved.rowsRead ?? 0;
    counters.rowsWritten += moved.rowsWritten ?? 0;
    counters.rowsRejected += moved.rowsRejected ?? 0;
    counters.rowsDeleted += moved.rowsDeleted ?? 0;
    counters.bytesRead += moved.bytesRead ?? 0;
    for (const [entityKey, counts] of Object.entries(moved.tables ?? {})) {
      tables[entityKey] = addCounts(tables[entityKey], counts);
    }
  };
  return {
    runId: key.runId,
    /** Forgotten as soon as what is left is written. */
    ended: false,
    stop: controller.signal,
    abort: () => controller.abort(new Error(`run ${key.runId} is being cancelled or has ended`)),
    idleMs: () => Date.now() - movedAt,
    touch: () => {
      movedAt = Date.now();
    },
    count,
    add(moved: Moved): void {
      count(moved);
      movedAt = Date.now();
    },
    /** What came since the last time; null when nothing did. */
    take(): SliceProgress | null {
      const moved = counters;
      if (key.sliceNo === undefined || Object.values(moved).every((count) => count === 0)) return null;
      const ofTables = Object.keys(tables).length === 0 ? {} : { tables };
      counters = { ...NOTHING };
      tables = {};
      return { runId: key.runId, sliceNo: key.sliceNo, ...moved, ...ofTables };
    },
  };
}

function addCounts(before: RowCounts | undefined, counts: RowCounts): RowCounts {
  if (before === undefined) return counts;
  return {
    rowsRead: before.rowsRead + counts.rowsRead,
    rowsWritten: before.rowsWritten + counts.rowsWritten,
    rowsRejected: before.rowsRejected + counts.rowsRejected,
    rowsDeleted: before.rowsDeleted + counts.rowsDeleted,
  };
}
