import { unwrap } from "../../client/index.ts";
import type { Bench } from "../lib/bench.ts";
import { COUNTED_SOURCES, type CountedSource } from "../lib/counted-sources.ts";
import { type Outcome, standingOf } from "../lib/samples.ts";
import { dropSync, runSync, SCHEMA } from "../lib/syncs.ts";

/**
 * How many requests a first load takes, held against the fewest that the vendor's page sizes allow; and a run that finds nothing new. What the
 * sources are: `counted-sources.ts`.
 */
function countRequests(name: string, open: (bench: Bench) => Promise<CountedSource>) {
  return async (bench: Bench): Promise<Outcome> => {
    const source = await open(bench);
    try {
      const sync = await createCountedSync(bench, source);
      const before = await source.counts();
      const { run, sample } = await runSync(bench, sync);
      const first = since(before, await source.counts());
      const again = await runSync(bench, sync);
      const second = since(before, await source.counts());
      await dropSync(bench, sync);
      for (const [kind, count] of Object.entries(first)) bench.say(`  ${count.toLocaleString("en-US")} x ${kind}`);
      const rows = Number(run.summary.rowsRead ?? 0);
      const fault = sample.fault ?? again.sample.fault ?? (rows === source.rows ? null : `${rows} rows were read`);
      const all = sumOf(first);
      const fetching = sumOf(first, source.fetchesRows);
      return {
        title: `Requests of ${name}: ${source.leastIs}`,
        standings: [standingOf(`Sluice, ${source.provider}`, [{ ...sample, fault }])],
        targets: [
          { what: "requests of the first load", value: all },
          { what: "rows a request", value: rows / all },
          { what: "of these, requests that fetch rows", value: fetching },
          { what: "the fewest that can", value: source.least },
          {
            ...{ what: "requests that fetch rows / the fewest", value: fetching / source.least },
            ...(source.mostToLeast === undefined ? {} : { atMost: source.mostToLeast }),
          },
          { what: "requests of a run that finds nothing new", value: sumOf(second) - all },
        ],
      };
    } finally {
      await source.stop();
    }
  };
}

async function createCountedSync(bench: Bench, { provider, connection, entities, sourceConfig }: CountedSource) {
  const suffix = Date.now().toString(36);
  const { id } = await unwrap(
    bench.sluice.POST("/api/v1/connections", {
      body: { name: `bench ${provider} ${suffix}`, provider, ...connection },
    }),
  );
  return unwrap(
    bench.sluice.POST("/api/v1/syncs", {
      body: {
        ...{ connectionId: id, name: `bench ${provider} ${suffix}`, status: "active", entities },
        ...(sourceConfig === undefined ? {} : { sourceConfig }),
        destinationConfig: { schema: SCHEMA },
        tableBindings: entities.map((entityKey) => ({
          ...{ entityKey, tableName: `${entityKey.replaceAll(/\W/g, "_").slice(0, 40)}_${suffix}` },
        })),
      },
    }),
  );
}

function since(before: Record<string, number>, now: Record<string, number>): Record<string, number> {
  const counts = Object.entries(now).map(([kind, count]) => [kind, count - (before[kind] ?? 0)] as const);
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

function sumOf(counts: Record<string, number>, isOne: (kind: string) => boolean = () => true): number {
  return Object.entries(counts).reduce((sum, [kind, count]) => (isOne(kind) ? sum + count : sum), 0);
}

export const requests = Object.fromEntries(
  Object.entries(COUNTED_SOURCES).map(([name, open]) => [`requests/${name}`, countRequests(name, open)]),
);
