import type { Logger } from "pino";
import type { Db } from "../db/client.ts";
import { flushProgress, type SliceKey, type SliceProgress } from "../db/run-slices.ts";

const FLUSH_INTERVAL_MS = 2_000;

type Moved = Partial<Omit<SliceProgress, keyof SliceKey>>;

/** One activity's counters. `stop` aborts when its run is being cancelled or has ended, even while Temporal is silent. */
export interface Tracked {
  stop: AbortSignal;
  add(moved: Moved): void;
  /** Milliseconds since rows or bytes moved last. */
  idleMs(): number;
  /** Writes what is left and forgets the activity. */
  end(): Promise<void>;
}

export interface Progress {
  /** @param key without `sliceNo`: alive, but nothing to count */
  track(key: { runId: string; sliceNo?: number }): Tracked;
  close(): Promise<void>;
}

/** Progress of all activities of a worker, in one batched write every 2 s: off the hot path. */
export function createProgress(options: { db: Db; executorId: string; log: Logger }): Progress {
  const tracked = new Set<Entry>();
  const flush = async (): Promise<void> => {
    const taken = [...tracked].map((entry) => ({ entry, moved: entry.take() }));
    const progress = taken.flatMap(({ moved }) => (moved ? [moved] : []));
    const alive = [...new Set(taken.map(({ entry }) => entry.runId))];
    try {
      const stopped = new Set(await flushProgress(options.db, progress, alive, options.executorId));
      for (const { entry } of taken) if (stopped.has(entry.runId)) entry.abort();
    } catch (cause) {
      for (const { entry, moved } of taken) if (moved) entry.add(moved);
      options.log.warn({ err: cause }, "progress could not be written; it is kept for the next time");
    }
  };
  let flushing = Promise.resolve();
  const flushInTurn = (): Promise<void> => {
    flushing = flushing.then(flush);
    return flushing;
  };
  const timer = setInterval(() => void flushInTurn(), FLUSH_INTERVAL_MS);

  return {
    track(key) {
      const entry = createEntry(key);
      tracked.add(entry);
      return {
        stop: entry.stop,
        add: entry.add,
        idleMs: entry.idleMs,
        async end() {
          await flushInTurn();
          tracked.delete(entry);
        },
      };
    },
    async close() {
      clearInterval(timer);
      await flushInTurn();
    },
  };
}

type Entry = ReturnType<typeof createEntry>;

const NOTHING = { rowsRead: 0, rowsWritten: 0, rowsRejected: 0, bytesRead: 0 };

function createEntry(key: { runId: string; sliceNo?: number }) {
  const controller = new AbortController();
  let counters = { ...NOTHING };
  let movedAt = Date.now();
  return {
    runId: key.runId,
    stop: controller.signal,
    abort: () => controller.abort(new Error(`run ${key.runId} is being cancelled or has ended`)),
    idleMs: () => Date.now() - movedAt,
    add(moved: Moved): void {
      counters.rowsRead += moved.rowsRead ?? 0;
      counters.rowsWritten += moved.rowsWritten ?? 0;
      counters.rowsRejected += moved.rowsRejected ?? 0;
      counters.bytesRead += moved.bytesRead ?? 0;
      movedAt = Date.now();
    },
    /** What came since the last time; null when nothing did. */
    take(): SliceProgress | null {
      const moved = counters;
      if (key.sliceNo === undefined || Object.values(moved).every((count) => count === 0)) return null;
      counters = { ...NOTHING };
      return { runId: key.runId, sliceNo: key.sliceNo, ...moved };
    },
  };
}
