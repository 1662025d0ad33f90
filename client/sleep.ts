/** @throws the signal's reason, at once when it is aborted */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/** The pause before try `attempt` (from 0): doubled each time up to `mostMs`, and up to a quarter less, by chance. */
export function backoffMs(attempt: number, bounds: { firstMs: number; mostMs: number }): number {
  const full = Math.min(bounds.mostMs, bounds.firstMs * 2 ** attempt);
  return full * (1 - Math.random() / 4);
}
