import type { Spend } from "../../core/budgets.ts";
import { createDb } from "../../db/client.ts";
import { reserveRequest } from "../../db/request-limits.ts";
import type { Bench } from "../lib/bench.ts";
import type { Outcome, Target } from "../lib/samples.ts";

const SECONDS = 5;

/** What it costs to ask for leave at limits that are far from reached. */
export async function budgetCost(bench: Bench): Promise<Outcome> {
  const db = createDb({ url: bench.info.databaseUrl, onPoolError: (error) => bench.say(error.message) });
  const holder = { connectionId: bench.connectionId, holder: "bench", runId: null, urgent: false };
  const spend = (bucket: string): Spend => ({ bucket, cost: 1, perSecond: 50_000, burst: 50_000 });

  async function measure(what: string, buckets: string[], inFlight: number): Promise<Target> {
    const spends = buckets.map(spend);
    await reserveRequest(db, holder, spends);
    let asked = 0;
    const until = performance.now() + SECONDS * 1000;
    const ask = async () => {
      for (; performance.now() < until; asked++) await reserveRequest(db, holder, spends);
    };
    await Promise.all(Array.from({ length: inFlight }, ask));
    return { what: `leaves a second, ${what}`, value: asked / SECONDS };
  }

  try {
    return {
      title: "The cost of leave to send a request",
      standings: [],
      targets: [
        await measure("one bucket, one at a time", ["a"], 1),
        await measure("one bucket, 8 in flight", ["a"], 8),
        await measure("three buckets, one at a time", ["b", "c", "d"], 1),
      ],
    };
  } finally {
    await db.destroy();
  }
}
