import type { Logger } from "pino";

/** Runs `work` again and again with `everyMs` between two turns; an error is logged and the next turn comes. */
export function startLoop(options: { name: string; everyMs: number; log: Logger; work: () => Promise<unknown> }): {
  stop(): Promise<void>;
} {
  let stopped = false;
  let wake = (): void => {};
  const turns = (async () => {
    while (!stopped) {
      try {
        await options.work();
      } catch (error) {
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
    async stop() {
      stopped = true;
      wake();
      await turns;
    },
  };
}
