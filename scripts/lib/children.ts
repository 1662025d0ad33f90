import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const READY_POLL_MS = 100;
const MIN_RESTART_MS = 500;
const MAX_RESTART_MS = 10_000;
/** A child that lived this long starts again without a longer wait. */
const HEALTHY_MS = 30_000;
const KEPT_LINES = 20;

/** What whoever starts a child wants of it. */
export interface ChildHooks {
  onLine: (line: string) => void;
  /** It died, and what is done about it. */
  onDeath?: ((message: string) => void) | undefined;
  /** Called with the pid of every start, and with null after every end, before anything else happens. */
  onPid?: ((pid: number | null, stopSignal: NodeJS.Signals) => void) | undefined;
  /** Gives up on a start that is not ready yet. */
  signal?: AbortSignal | undefined;
  /** The longest wait before it is started again; 10 s when absent. */
  mostRestartMs?: number | undefined;
}

export interface ChildSpec extends ChildHooks {
  name: string;
  command: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  /** Whom it runs as; the caller's own user when absent. */
  user?: { uid: number; gid: number };
  stopSignal: NodeJS.Signals;
  /** Sent when `stopSignal` did not end it within `graceMs`; SIGKILL follows. */
  killSignal?: NodeJS.Signals;
  graceMs: number;
  /** Asked again and again after a start; one that rejects says that it never will be. */
  isReady: () => Promise<boolean>;
  readyTimeoutMs: number;
}

export interface SupervisedChild {
  readonly name: string;
  readonly pid: number | null;
  /** Resolves when it is ready. From then on a child that dies is started again, later and later if it keeps dying. */
  start(): Promise<void>;
  /** Ends it and waits for that; idempotent. `now` skips the grace. */
  stop(options?: { now?: boolean }): Promise<void>;
}

interface Incarnation {
  process: ChildProcess;
  startedAt: number;
  /** How it ended, in words. */
  ended: Promise<string>;
  lastLines: string[];
}

/** Keeps one child process alive until `stop`. */
export function superviseChild(spec: ChildSpec): SupervisedChild {
  const stopped = new AbortController();
  let current: Incarnation | null = null;
  let supervision: Promise<void> = Promise.resolve();

  function launch(): Incarnation {
    const child = launchChild(spec);
    current = child;
    spec.onPid?.(child.process.pid ?? null, spec.stopSignal);
    return child;
  }

  async function keepAlive(first: Incarnation): Promise<void> {
    let child = first;
    for (let deaths = 0; ; ) {
      const how = await child.ended;
      current = null;
      spec.onPid?.(null, spec.stopSignal);
      if (stopped.signal.aborted) return;
      deaths = Date.now() - child.startedAt > HEALTHY_MS ? 0 : deaths + 1;
      const delayMs = Math.min(MIN_RESTART_MS * 2 ** deaths, spec.mostRestartMs ?? MAX_RESTART_MS);
      spec.onDeath?.(`${spec.name} ${how}; starting it again in ${delayMs / 1000} s`);
      await pause(delayMs, stopped.signal);
      if (stopped.signal.aborted) return;
      child = launch();
    }
  }

  return {
    name: spec.name,
    get pid() {
      return current?.process.pid ?? null;
    },
    async start() {
      const child = launch();
      const outcome = await Promise.race([child.ended, untilReady(spec, child)]);
      if (outcome !== READY) {
        await endChild(spec, child, true);
        current = null;
        spec.onPid?.(null, spec.stopSignal);
        throw new Error(`${spec.name} did not start: ${[outcome, ...child.lastLines].join("\n  ")}`);
      }
      supervision = keepAlive(child);
    },
    async stop(options = {}) {
      stopped.abort();
      if (current !== null) await endChild(spec, current, options.now ?? false);
      await supervision;
    },
  };
}

function launchChild(spec: ChildSpec): Incarnation {
  const child = spawn(spec.command, spec.args, {
    env: spec.env ?? process.env,
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own: the terminal's Ctrl-C reaches only the supervisor, which ends the children in order.
    detached: true,
    ...spec.user,
  });
  const lastLines: string[] = [];
  for (const output of [child.stdout, child.stderr]) {
    createInterface({ input: output }).on("line", (line) => {
      lastLines.push(line);
      if (lastLines.length > KEPT_LINES) lastLines.shift();
      spec.onLine(line);
    });
  }
  // The last resort: however the supervisor ends, short of SIGKILL, it takes its children along.
  const killAtExit = () => child.kill(spec.killSignal ?? "SIGKILL");
  process.once("exit", killAtExit);
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal === null ? `exited with ${code}` : `ended by ${signal}`));
  }).finally(() => process.off("exit", killAtExit));
  return { process: child, startedAt: Date.now(), ended, lastLines };
}

const READY = Symbol("ready");

/** `READY`, or why not. */
async function untilReady(spec: ChildSpec, child: Incarnation): Promise<typeof READY | string> {
  const deadline = Date.now() + spec.readyTimeoutMs;
  while (Date.now() < deadline && child.process.exitCode === null && child.process.signalCode === null) {
    if (spec.signal?.aborted) return "asked to stop";
    try {
      if (await spec.isReady()) return READY;
    } catch (error) {
      return String(error);
    }
    await sleep(READY_POLL_MS);
  }
  return `not ready within ${spec.readyTimeoutMs / 1000} s`;
}

async function endChild(spec: ChildSpec, child: Incarnation, now: boolean): Promise<void> {
  const signals: { signal: NodeJS.Signals; waitMs: number }[] = [
    ...(now ? [] : [{ signal: spec.stopSignal, waitMs: spec.graceMs }]),
    ...(spec.killSignal === undefined ? [] : [{ signal: spec.killSignal, waitMs: 6_000 }]),
    { signal: "SIGKILL", waitMs: 5_000 },
  ];
  for (const { signal, waitMs } of signals) {
    child.process.kill(signal);
    const over = new AbortController();
    const ended = await Promise.race([child.ended.then(() => true), pause(waitMs, over.signal).then(() => false)]);
    over.abort();
    if (ended) return;
  }
}

/** Ends early, and leaves no timer behind, when `signal` is aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch((error) => {
    if (!signal.aborted) throw error;
  });
}
