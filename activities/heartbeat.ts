import { Context } from "@temporalio/activity";
import { PROBE_TIMEOUT_MS } from "../core/backend-watch.ts";
import { type ProviderError, TransientError } from "../core/errors.ts";
import { type OnWork, type Pulse, strongestPulse } from "../core/pulse.ts";
import type { Tracked } from "./progress.ts";

/** The throttle is 1 s: a cancel reaches an activity only with a heartbeat. */
const BEAT_INTERVAL_MS = 1_000;

/** As long as that, steps count as alive that all have deadlines of their own: a lock timeout, a statement timeout, one for connecting. */
const BOUNDED_MS = 120_000;

/** What an activity has to be looked at meanwhile. */
export interface Vigil {
  /** At another end, until the answer is called. */
  watch: OnWork;
  /** Alive while `work` goes on, for at most two minutes: short steps with deadlines of their own, which nobody can look at. */
  bounded<T>(work: () => Promise<T>): Promise<T>;
}

/**
 * The one rule of what is alive. Rows, bytes and pages that move, and a statement that a probe sees at work, are alive and go on. What
 * waits within a deadline of its own, for a lock or for the first byte of an answer, is alive too, but only for `progressTimeoutSeconds`.
 * All else is silent: no beat, and Temporal gives the work to another after the heartbeat timeout.
 * @param onStall told at most once of `stalled_no_progress`, or of `late`
 * @param onBlocked told again and again, while nothing moves, whom a lock is waited for; null: nobody
 * @param late what it fails with after `seconds`, however alive it is
 */
export async function withHeartbeat<T>(
  options: {
    tracked: Pick<Tracked, "idleMs" | "touch">;
    progressTimeoutSeconds: number;
    onStall: (stall: ProviderError) => void;
    onBlocked: (blockedBy: string | null) => void;
    late?: { seconds: number; error: ProviderError };
  },
  work: (vigil: Vigil) => Promise<T>,
): Promise<T> {
  const context = Context.current();
  const { tracked, progressTimeoutSeconds, onStall, onBlocked, late } = options;
  const startedAt = Date.now();
  const looks = new Set<() => Promise<Pulse>>();
  const bounds = new Set<{ until: number }>();

  const movesNow = () => tracked.idleMs() <= BEAT_INTERVAL_MS * 1.5;

  async function look(): Promise<Pulse> {
    const now = Date.now();
    const bounded: Pulse = [...bounds].some(({ until }) => now < until) ? "waiting" : "none";
    return strongestPulse([bounded, ...(await Promise.all([...looks].map(lookInTime)))]);
  }

  async function beat(): Promise<void> {
    if (late && Date.now() - startedAt > late.seconds * 1000) return onStall(late.error);
    if (movesNow()) {
      onBlocked(null);
      return context.heartbeat();
    }
    const pulse = await look();
    onBlocked(typeof pulse === "object" ? pulse.blockedBy : null);
    if (pulse === "working") tracked.touch();
    if (tracked.idleMs() > progressTimeoutSeconds * 1000) return onStall(stalled(progressTimeoutSeconds));
    if (pulse !== "none") context.heartbeat();
  }

  let looking = false;
  const timer = setInterval(() => {
    if (looking) {
      // A look that hangs hides nothing that moves.
      if (movesNow()) context.heartbeat();
      return;
    }
    looking = true;
    void beat().finally(() => {
      looking = false;
    });
  }, BEAT_INTERVAL_MS);
  context.heartbeat();
  try {
    return await work({
      watch(look) {
        // One that is watched twice is forgotten once.
        const own = () => look();
        looks.add(own);
        return () => void looks.delete(own);
      },
      async bounded(steps) {
        const bound = { until: Date.now() + BOUNDED_MS };
        bounds.add(bound);
        try {
          return await steps();
        } finally {
          bounds.delete(bound);
        }
      },
    });
  } finally {
    clearInterval(timer);
  }
}

/** A probe that fails has seen nothing. */
async function lookInTime(look: () => Promise<Pulse>): Promise<Pulse> {
  const { promise: late, resolve } = Promise.withResolvers<Pulse>();
  const timer = setTimeout(() => resolve("none"), PROBE_TIMEOUT_MS);
  try {
    return await Promise.race([look(), late]);
  } catch {
    return "none";
  } finally {
    clearTimeout(timer);
  }
}

function stalled(progressTimeoutSeconds: number): TransientError {
  return new TransientError(
    "stalled_no_progress",
    `No row, byte or page moved for ${progressTimeoutSeconds} s (executionConfig.progressTimeoutSeconds), and no statement was seen at work.`,
  );
}

/** Beats as long as this process is there: whatever a killed worker leaves is taken up by another at once. For work that is short. */
export async function whileAlive<T>(work: () => Promise<T>): Promise<T> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), BEAT_INTERVAL_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
