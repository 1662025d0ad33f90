import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getPriority, setPriority } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";

/** What a check asks for; it is not counted. */
export const CHECK_PATH = "health";
/** One page is sample enough for a plan. */
const PAGE_RECORDS = 500;

const DELAY_RESOLUTION_MS = 5;

export interface Arrival {
  /** Milliseconds of a clock that never goes back. */
  at: number;
  /** The listing that was asked for. */
  who: string;
  page: number;
}

/** An API of listings that never end, which counts who asks when. It refuses nothing. */
export interface CountingApi {
  /** `GET <baseUrl><listing>?page=N`; the body has `data` and the link `next`. */
  baseUrl: string;
  arrivals: Arrival[];
  /** By so many milliseconds at most this process itself was late to look at a request: so much too early may the next one seem. */
  mostLateMs(): number;
  stop(): Promise<void>;
}

/** @param say is told where this process cannot go before those that it measures: on a busy machine it sees their requests late then */
export async function startCountingApi(say: (line: string) => void): Promise<CountingApi> {
  const arrivals: Arrival[] = [];
  const before = getPriority();
  goBefore(say);
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  delay.enable();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://localhost");
    const who = url.pathname.slice(1);
    if (who === CHECK_PATH) return void response.writeHead(200, { "content-type": "application/json" }).end("{}");
    const page = Number(url.searchParams.get("page") ?? 1);
    arrivals.push({ at: performance.now(), who, page });
    response.writeHead(200, { "content-type": "application/json" });
    const data = Array.from({ length: PAGE_RECORDS }, (_, i) => ({ id: page * PAGE_RECORDS + i, note: "one" }));
    response.end(JSON.stringify({ data, next: `${who}?page=${page + 1}` }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/`,
    arrivals,
    mostLateMs: () => Math.max(0, delay.max / 1e6 - DELAY_RESOLUTION_MS),
    async stop() {
      delay.disable();
      setPriority(before);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function goBefore(say: (line: string) => void): void {
  try {
    setPriority(-10);
  } catch (error) {
    say(`  the process that counts has no priority over others: ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * How many requests more than a limit allows came within any time: at most `burst` at once, and `perSecond` from there on.
 * @returns 0 or less where it was kept
 */
export function overTheLimit(arrivals: readonly Arrival[], limit: { perSecond: number; burst: number }): number {
  let worst = Number.NEGATIVE_INFINITY;
  /** Of all beginnings so far the one from which most has come. */
  let level = Number.NEGATIVE_INFINITY;
  let before: number | null = null;
  for (const { at } of arrivals) {
    const restored = before === null ? 0 : ((at - before) / 1000) * limit.perSecond;
    level = Math.max(level - restored, 0) + 1;
    before = at;
    worst = Math.max(worst, level - limit.burst);
  }
  return worst;
}

/** How many each has sent; those that sent none are there with 0. */
export function sharesOf(arrivals: readonly Arrival[], all: readonly string[]): number[] {
  const counts = new Map(all.map((who) => [who, 0]));
  for (const { who } of arrivals) counts.set(who, (counts.get(who) ?? 0) + 1);
  return [...counts.values()];
}
