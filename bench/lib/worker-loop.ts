import { rssMb } from "./memory.ts";

/** Of a worker over some time, as it tells itself and as the system sees it. */
export interface LoopWatch {
  /** Ends it. Milliseconds of the longest delay of the loop, and the highest resident memory in MB; NaN where nobody told. */
  stop(): Promise<{ delayMs: number; peakMb: number }>;
}

/** Prometheus's client measures the longest delay anew after each scrape. */
const DELAY = /^nodejs_eventloop_lag_max_seconds (\S+)$/m;
const EVERY_MS = 500;

/** @param metricsUrl the worker's own */
export function watchLoop(metricsUrl: string, pid: number | null): LoopWatch {
  const delays: number[] = [];
  const sizes: number[] = [];
  let isOver = false;
  const watching = (async () => {
    await readDelay(metricsUrl);
    while (!isOver) {
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
      sizes.push(rssMb(pid) ?? Number.NaN);
      delays.push((await readDelay(metricsUrl)) ?? Number.NaN);
    }
  })();
  return {
    async stop() {
      isOver = true;
      await watching;
      return { delayMs: Math.max(...delays.filter((each) => !Number.isNaN(each))), peakMb: Math.max(...sizes) };
    },
  };
}

/** Null where the worker does not answer: it may just be restarting. */
async function readDelay(url: string): Promise<number | null> {
  const text = await fetch(url)
    .then((response) => response.text())
    .catch(() => "");
  const seconds = DELAY.exec(text)?.[1];
  return seconds === undefined ? null : Number(seconds) * 1000;
}
