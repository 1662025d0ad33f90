import type { Logger } from "pino";

export interface Loop {
  name: string;
  /** Unix milliseconds at which a turn ended well; null until one has, and where another process leads. */
  succeededAtMs(): number | null;
  failures(): number;
  stop(): Promise<void>;
}

/**
 * Runs `work` again and again with `everyMs` between two turns; an error is logged and the next turn comes.
 * @param options.work false: another process does it
 */
export function startLoop(options: { name: string; everyMs: number; log: Logger; work: () => Promise<unknown> }): Loop {
  let stopped = false;
  let succeededAtMs: number | null = null;
  let failures = 0;
  let wake = (): void => {};
  const turns = (async () => {
    while (!stopped) {
      try {
        const done = await options.work();
        succeededAtMs = done === false ? null : Date.now();
      } catch (error) {
        failures++;
        options.log.warn({ err: error, loop: options.name }, "a turn of the loop failed; the next one comes");
      }
      if (stopped) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, options.everyMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  })();
  return {
    name: options.name,
    succeededAtMs: () => succeededAtMs,
    failures: () => failures,
    async stop() {
      stopped = true;
      wake();
      await turns;
    },
  };
}
