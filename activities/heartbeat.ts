import { Context } from "@temporalio/activity";
import { TransientError } from "../core/errors.ts";
import type { Tracked } from "./progress.ts";

/** The throttle is 1 s: a cancel reaches an activity only with a heartbeat. */
const BEAT_INTERVAL_MS = 1_000;

/**
 * Beats while `work` runs, but only as long as something moves: rows or bytes since the last beat, or, in a long
 * statement, a probe that sees it active at the other end. A hung call therefore goes silent and times out.
 * @param probes asked only while nothing moved; a probe that throws counts as not moving
 * @throws TransientError stalled_no_progress when a probe says alive but nothing moved for `progressTimeoutSeconds`
 */
export async function withHeartbeat<T>(
  options: {
    tracked: Tracked;
    probes: (() => Promise<boolean>)[];
    progressTimeoutSeconds: number;
    onStall: (stall: TransientError) => void;
  },
  work: () => Promise<T>,
): Promise<T> {
  const context = Context.current();
  let probing = false;
  const beat = async (): Promise<void> => {
    const idleMs = options.tracked.idleMs();
    if (idleMs <= BEAT_INTERVAL_MS * 1.5) {
      context.heartbeat();
      return;
    }
    if (idleMs > options.progressTimeoutSeconds * 1000) {
      const message = `No row, byte or page moved for ${options.progressTimeoutSeconds} s.`;
      options.onStall(new TransientError("stalled_no_progress", message));
      return;
    }
    const answers = await Promise.allSettled(options.probes.map((probe) => probe()));
    if (answers.some((answer) => answer.status === "fulfilled" && answer.value)) context.heartbeat();
  };
  const timer = setInterval(() => {
    if (probing) return;
    probing = true;
    void beat().finally(() => {
      probing = false;
    });
  }, BEAT_INTERVAL_MS);
  context.heartbeat();
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
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
