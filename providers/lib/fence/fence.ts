import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";

/** The parser needed more memory than its thread has. Only this input is at fault: the thread was one of its own. */
export class FenceMemoryError extends Error {
  override readonly name = "FenceMemoryError";
}

/** What a parser does, as a module that a thread loads: it exports `run`, a `FencedRun`. */
export interface FencedJob {
  module: URL;
  /** Copied into the thread, but for memory that is shared. */
  input: unknown;
}

/** @param post hands over a piece before the end; what is listed in `moved` is moved, not copied */
export type FencedRun = (input: never, post: (piece: unknown, moved: ArrayBuffer[]) => void) => unknown;

export interface FencedOptions {
  source: string;
  signal: AbortSignal;
  onPiece?: (piece: unknown) => void;
}

/** Runs parsers of what sources send in threads of their own, whose memory is bounded and which can be ended at any time. */
export interface Fence {
  /**
   * @param options.source whose input it is: sources take turns, however many jobs one of them has
   * @param options.signal ends the work at once, in the middle of a parse
   * @returns what the module's `run` returns
   * @throws FenceMemoryError, the signal's reason, or whatever `run` throws
   */
  run(job: FencedJob, options: FencedOptions): Promise<unknown>;
  close(): Promise<void>;
}

/** What a thread answers with. */
export type ThreadMessage = { piece: unknown } | { done: unknown } | { failed: Error };

/**
 * Two, so that what one source sends does not keep another one waiting. Of a machine's cores one is left to the loop.
 */
const MOST_THREADS = Math.max(1, Math.min(2, availableParallelism()));

/** A fault in the parsers' own bounds ends the thread, and not the worker. They need a fraction of it. */
const LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 };

/** Then a thread that has nothing to do ends: what it took goes back to the system. */
const IDLE_MS = 5_000;

interface Waiting {
  source: string;
  start(thread: Worker): void;
}

export function createFence({
  mostThreads = MOST_THREADS,
  limits = LIMITS,
  idleMs = IDLE_MS,
}: {
  mostThreads?: number;
  limits?: typeof LIMITS;
  idleMs?: number;
} = {}): Fence {
  const waiting = new Set<Waiting>();
  /** When each source had its last turn. Only of those that wait or came lately. */
  const turns = new Map<string, number>();
  let turn = 0;
  const idle = new Map<Worker, NodeJS.Timeout>();
  const threads = new Set<Worker>();

  function startThread(): Worker {
    // It reads no variable, and gets none.
    const thread = new Worker(new URL("./thread.ts", import.meta.url), { resourceLimits: limits, env: {} });
    threads.add(thread);
    thread.once("exit", () => {
      threads.delete(thread);
      clearTimeout(idle.get(thread));
      idle.delete(thread);
      next();
    });
    // Of one that has nothing to do; while it works somebody else listens, too.
    thread.on("error", () => undefined);
    thread.unref();
    return thread;
  }

  /** Of the source that has waited longest since its last turn. */
  function firstInTurn(): Waiting | null {
    let first: Waiting | null = null;
    const lastOf = ({ source }: Waiting): number => turns.get(source) ?? 0;
    for (const each of waiting) if (first === null || lastOf(each) < lastOf(first)) first = each;
    return first;
  }

  function next(): void {
    const first = firstInTurn();
    if (first === null) {
      if (idle.size === threads.size) turns.clear();
      return;
    }
    const [free] = idle.keys();
    if (free === undefined && threads.size >= mostThreads) return;
    waiting.delete(first);
    turn += 1;
    turns.set(first.source, turn);
    clearTimeout(free === undefined ? undefined : idle.get(free));
    if (free !== undefined) idle.delete(free);
    first.start(free ?? startThread());
  }

  function rest(thread: Worker): void {
    thread.unref();
    const timer = setTimeout(() => void thread.terminate(), idleMs);
    timer.unref();
    idle.set(thread, timer);
    next();
  }

  function work(thread: Worker, job: FencedJob, signal: AbortSignal, onPiece: (piece: unknown) => void) {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const settle = (end: () => void, isReusable: boolean): void => {
      signal.removeEventListener("abort", abort);
      thread.off("message", hear).off("error", fail).off("exit", exit);
      end();
      if (isReusable) rest(thread);
      else void thread.terminate();
    };
    const abort = () => settle(() => reject(signal.reason), false);
    const fail = (error: unknown) => settle(() => reject(isOutOfMemory(error) ? outOfMemory(error) : error), false);
    const exit = () => settle(() => reject(new Error("The thread of a parser ended before it had answered.")), false);
    const hear = (message: ThreadMessage): void => {
      if ("done" in message) settle(() => resolve(message.done), true);
      else if ("failed" in message) settle(() => reject(message.failed), true);
      else {
        try {
          onPiece(message.piece);
        } catch (error) {
          settle(() => reject(error), false);
        }
      }
    };
    signal.addEventListener("abort", abort, { once: true });
    thread.on("message", hear).on("error", fail).on("exit", exit);
    thread.ref();
    thread.postMessage({ module: job.module.href, input: job.input });
    return promise;
  }

  return {
    async run(job, { source, signal, onPiece = () => undefined }) {
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<Worker>();
      const place: Waiting = { source, start: resolve };
      const abort = () => {
        // Where its turn has come already, the work itself hears of it.
        if (waiting.delete(place)) reject(signal.reason);
      };
      signal.addEventListener("abort", abort, { once: true });
      waiting.add(place);
      next();
      const thread = await promise;
      signal.removeEventListener("abort", abort);
      if (signal.aborted) {
        rest(thread);
        throw signal.reason;
      }
      return await work(thread, job, signal, onPiece);
    },
    async close() {
      await Promise.all([...threads].map((thread) => thread.terminate()));
    },
  };
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
}

function outOfMemory(cause: unknown): FenceMemoryError {
  return new FenceMemoryError("The parser's thread has used up its memory.", { cause });
}
