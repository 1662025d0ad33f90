import { HomeInUseError } from "./lock.ts";
import { type Stack, type StackOptions, startStack } from "./stack.ts";

/** npm repeats the terminal's Ctrl-C to us, so that one press arrives twice. */
const SAME_PRESS_MS = 1_000;

/**
 * Starts a stack, runs `work` with it, and stops it when that is done, or at SIGINT, SIGTERM or SIGHUP; a second signal
 * doesn't wait for anybody. A failure is printed and makes the exit code 1; a stop that was asked for is none.
 * @returns what `work` made; null where it failed or was cut off
 */
export async function runStack<T>(
  options: Omit<StackOptions, "signal">,
  work: (stack: Stack, stopped: AbortSignal) => Promise<T>,
): Promise<T | null> {
  const stopping = new AbortController();
  let stack: Stack | null = null;
  let firstSignalAt: number | null = null;

  function askToStop(): void {
    if (firstSignalAt !== null) return;
    firstSignalAt = Date.now();
    options.log("sluice", "stopping (once more to stop at once)");
    stopping.abort();
  }

  function onSignal(): void {
    if (firstSignalAt !== null && Date.now() - firstSignalAt > SAME_PRESS_MS) endNow();
    else askToStop();
  }

  /** Before the stack is up, and as the last resort, every child ends with this process (children.ts). */
  function endNow(): void {
    const stopped = stack?.stop({ now: true }) ?? Promise.resolve();
    stopped.finally(() => process.exit(1));
  }

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  // Who reads our output went away; the children must not outlive us for that.
  process.stdout.on("error", askToStop);

  try {
    stack = await startStack({ ...options, signal: stopping.signal });
    // Work that is cut off fails when the stack goes away beneath it; by then nobody waits for it.
    return await Promise.race([work(stack, stopping.signal), untilAborted(stopping.signal).then(() => null)]);
  } catch (error) {
    if (!stopping.signal.aborted) {
      process.exitCode = 1;
      const message = error instanceof Error ? error.message : String(error);
      console.error(error instanceof HomeInUseError ? message : `Sluice failed: ${message}`);
    }
    return null;
  } finally {
    await stack?.stop();
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.off(signal, onSignal);
  }
}

/** Resolves when `signal` is aborted. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
